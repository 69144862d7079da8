//! What makes two caches differ, and the names that follow from it.

use crate::image::{Digest, Platform};
use crate::input::PLATFORMS;

/// The tag of a cache beside the image.
const TAG: &str = "buildcache";
/// How much of a scope is left readable, in characters.
const READABLE: usize = 80;

/// Whose cache it is: builds of another scope would overwrite it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheScope {
    /// The image, without a tag.
    pub image: String,
    /// The stage that is built, when it is named.
    pub target: Option<String>,
    /// What is built for, in one solve.
    pub platforms: Vec<Platform>,
    /// The branch, when it is not the default one.
    pub branch: Option<String>,
}

impl CacheScope {
    /// The same on the default branch.
    pub fn of_default_branch(&self) -> Self {
        Self {
            branch: None,
            ..self.clone()
        }
    }

    /// A name that no other scope has, for a folder or a cache service.
    pub fn name(&self) -> String {
        let platforms = Some(self.platform_list());
        let image = Some(self.image.clone());
        slug(&[image, self.target.clone(), platforms, self.branch.clone()])
    }

    /// A tag that no other scope of the image has; of the plainest scope the
    /// plainest one.
    pub fn tag(&self) -> String {
        let platforms = Some(self.platform_list()).filter(|list| *list != default_platforms());
        let parts = [self.target.clone(), platforms, self.branch.clone()];
        if parts.iter().any(Option::is_some) {
            format!("{TAG}-{}", slug(&parts))
        } else {
            TAG.to_owned()
        }
    }

    /// In any order, as they are one solve.
    fn platform_list(&self) -> String {
        let mut list: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        list.sort();
        if list.is_empty() {
            "own".to_owned()
        } else {
            list.join(" ")
        }
    }
}

/// The set of platforms of a workflow that names none.
fn default_platforms() -> String {
    let mut list = PLATFORMS;
    list.sort_unstable();
    list.join(" ")
}

/// A name that tags, folders and scopes may have, and that no other parts get.
fn slug(parts: &[Option<String>]) -> String {
    let known: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    let readable: String = known.join("-").chars().map(plain).take(READABLE).collect();
    let digest = Digest::of(format!("{parts:?}").as_bytes());
    let hash = digest.as_str().trim_start_matches("sha256:");
    format!("{readable}-{}", hash.get(..8).unwrap_or(hash))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn scope(target: &str, platforms: &str, branch: &str) -> CacheScope {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let platforms = platforms.split(',').filter(|text| !text.is_empty());
        CacheScope {
            image: "ghcr.io/acme/app".to_owned(),
            target: some(target),
            platforms: platforms.map(|one| one.parse().unwrap()).collect(),
            branch: some(branch),
        }
    }

    const TWO: &str = "linux/amd64,linux/arm64";

    #[test]
    fn each_scope_has_names_of_its_own() {
        let long = "x".repeat(200);
        let all = [
            scope("", TWO, ""),
            scope("a", TWO, ""),
            scope("b", TWO, ""),
            scope("", TWO, "a"),
            scope("", TWO, "Feature/X"),
            scope("", TWO, "feature-x"),
            scope("", TWO, &long),
            scope("", TWO, &format!("{long}y")),
            scope("", "linux/amd64", ""),
            scope("a", "linux/amd64", ""),
            scope("", "", ""),
        ];
        let names: BTreeSet<String> = all.iter().map(CacheScope::name).collect();
        let tags: BTreeSet<String> = all.iter().map(CacheScope::tag).collect();
        assert_eq!((names.len(), tags.len()), (all.len(), all.len()));
        for name in names.iter().chain(&tags) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.len() <= 128 && name.chars().all(plain), "{name}");
        }
    }

    #[test]
    fn the_plainest_scope_has_the_plainest_tag() {
        assert_eq!(scope("", TWO, "").tag(), "buildcache");
        assert_eq!(scope("", "linux/arm64,linux/amd64", "").tag(), "buildcache");
        let branch = scope("", TWO, "Feature/X");
        assert!(branch.tag().starts_with("buildcache-feature-x-"));
        assert_eq!(branch.of_default_branch(), scope("", TWO, ""));
    }
}
