//! A reference: an image's name with a tag, a digest, both or neither.

use std::fmt;

use crate::image::digest::Digest;
use crate::image::name::ImageName;
use crate::image::refused::Refused;
use crate::image::tag::Tag;

/// What a reference is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name as it is spelt, which may leave the registry out.
    pub spelt: String,
    /// The name in full.
    pub name: ImageName,
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Takes a reference apart, as `distribution/reference` does.
    ///
    /// # Errors
    /// When a registry would refuse the name, the tag or the digest.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let (spelt, tag, digest) = split(text);
        Ok(Self {
            name: ImageName::parse(spelt)?,
            spelt: spelt.to_owned(),
            tag: tag.map(Tag::parse).transpose()?,
            digest: digest.map(Digest::parse).transpose()?,
        })
    }

    /// The same without its digest, and with the name in full: `app:1` is
    /// `docker.io/library/app:1`.
    pub fn in_full(&self) -> String {
        match &self.tag {
            None => self.name.to_string(),
            Some(tag) => format!("{}:{tag}", self.name),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelt)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The image that a text names, whatever its tag and digest are; none for text that
/// names no image.
pub fn name(text: &str) -> Option<ImageName> {
    ImageName::parse(split(text).0).ok()
}

/// The name, tag and digest of a reference, whatever they are. A colon before a
/// slash is a port's.
pub fn split(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag), digest),
        _ => (rest, None, digest),
    }
}

/// A reference in full, without its digest: `app:1` is `docker.io/library/app:1`.
/// What is not a reference stays as it is.
pub fn in_full(text: &str) -> String {
    let (spelt, tag, _) = split(text);
    match (ImageName::parse(spelt), tag) {
        (Ok(name), None) => name.to_string(),
        (Ok(name), Some(tag)) => format!("{name}:{tag}"),
        (Err(_), _) => text.to_owned(),
    }
}

/// True for two spellings of one reference.
pub fn is_same(one: &str, other: &str) -> bool {
    one == other || in_full(one) == in_full(other)
}

/// The repository of a reference, and its tag or digest.
pub fn repository(reference: &str) -> Option<(ImageName, String)> {
    let (_, tag, digest) = split(reference);
    let kept = digest.or(tag).unwrap_or("latest");
    Some((name(reference)?, kept.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (text, spelt, tag, digest) in [
            ("a/b", "a/b", None, None),
            ("a/b:1", "a/b", Some("1"), None),
            ("host:5000/b", "host:5000/b", None, None),
            ("host:5000/b:1", "host:5000/b", Some("1"), None),
            ("a/b@sha256:0", "a/b", None, Some("sha256:0")),
            ("a/b:1@sha256:0", "a/b", Some("1"), Some("sha256:0")),
        ] {
            assert_eq!(split(text), (spelt, tag, digest));
        }
    }

    #[test]
    fn a_name_is_given_in_full() {
        let reference = Reference::parse("app:1").unwrap();
        assert_eq!(reference.name.to_string(), "docker.io/library/app");
        assert_eq!(reference.spelt, "app");
        for bad in ["ghcr.io/app:1", "a/b:-", "a/b@sha256:0"] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(reference.to_string(), "app:1");
        for (text, full) in [
            ("app:1@sha256:0", "docker.io/library/app:1"),
            ("ghcr.io/a/b", "ghcr.io/a/b"),
            ("no reference", "no reference"),
        ] {
            assert_eq!(in_full(text), full);
        }
        assert!(is_same("app:1", "docker.io/library/app:1"));
        assert!(!is_same("app:1", "app:2"));
    }
}
