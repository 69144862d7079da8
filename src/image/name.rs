//! An image's name: registry and repository, without tag or digest.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::image::refused::Refused;
use crate::image::registry::Registry;

/// A registry and the repository in it, such as `ghcr.io` and `acme/app`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageName {
    /// The registry, Docker Hub when the name has none.
    pub registry: Registry,
    /// The repository in the registry: lower-case components joined by `/`.
    pub repository: String,
}

impl ImageName {
    /// Parses a name, upper case included: registries know lower case only,
    /// owners on GitHub do not. Compare with the input to see a correction.
    ///
    /// # Errors
    /// When a registry would refuse the name, when it holds a tag or digest,
    /// and when it lacks the owner that `ghcr.io` asks for.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let lower = text.trim().to_ascii_lowercase();
        let (registry, repository) = split(&lower)?;
        check(&registry, &repository)?;
        Ok(Self {
            registry,
            repository,
        })
    }
}

/// The first component is a registry when it has a dot or a port or is
/// `localhost`, as in `distribution/reference`.
fn split(name: &str) -> Result<(Registry, String), Refused> {
    let is_registry = |first: &str| first.contains(['.', ':']) || first == "localhost";
    match name.split_once('/') {
        Some((first, rest)) if is_registry(first) => {
            let registry = Registry::parse(first)?;
            let official = registry == Registry::docker_hub() && !rest.contains('/');
            let repository = if official {
                format!("library/{rest}")
            } else {
                rest.to_owned()
            };
            Ok((registry, repository))
        }
        Some(_) => Ok((Registry::docker_hub(), name.to_owned())),
        None => Ok((Registry::docker_hub(), format!("library/{name}"))),
    }
}

fn check(registry: &Registry, repository: &str) -> Result<(), Refused> {
    let last = repository.rsplit('/').next().unwrap_or_default();
    if last.contains('@') || last.contains(':') {
        return Err(Refused::new(
            "an image name has no tag or digest",
            "the name alone; tags come from the input `tags`",
        ));
    }
    if registry.is_github() && !repository.contains('/') {
        return Err(Refused::new(
            format!("{registry} needs an owner before the image's name"),
            format!("{registry}/OWNER/{repository}"),
        ));
    }
    let length = registry.as_str().len() + 1 + repository.len();
    if repository.split('/').all(is_component) && length <= 255 {
        return Ok(());
    }
    Err(Refused::new(
        "no registry accepts this name",
        "lower-case letters and digits, joined by `.`, `_`, `__` or `-`, in parts joined by `/`",
    ))
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let edges = text.bytes().next().is_some_and(alphanumeric)
        && text.bytes().next_back().is_some_and(alphanumeric);
    edges
        && text
            .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            .all(|between| {
                matches!(between, "" | "." | "_" | "__") || between.bytes().all(|b| b == b'-')
            })
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}

impl Serialize for ImageName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::ImageName;

    #[test]
    fn good_spellings() {
        for (text, normal) in [
            ("ghcr.io/acme/app", "ghcr.io/acme/app"),
            ("ghcr.io/Acme/App", "ghcr.io/acme/app"),
            ("app", "docker.io/library/app"),
            ("acme/app", "docker.io/acme/app"),
            ("docker.io/app", "docker.io/library/app"),
            ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c"),
            ("localhost/a", "localhost/a"),
            ("ghcr.io/a/b__c-d---e.f", "ghcr.io/a/b__c-d---e.f"),
        ] {
            assert_eq!(ImageName::parse(text).unwrap().to_string(), normal);
        }
    }

    #[test]
    fn bad_spellings() {
        for bad in [
            "",
            "ghcr.io/",
            "ghcr.io/app",
            "ghcr.io/a/b:tag",
            "ghcr.io/a/b@sha256:0",
            "a//b",
            "a/-b",
            "a/b-",
            "a/b___c",
            "a/b..c",
            "a b",
            "a/ü",
            "ghcr.io//a",
        ] {
            assert!(ImageName::parse(bad).is_err(), "{bad}");
        }
    }
}
