//! An entry of `cache-from` or `cache-to`.
//!
//! `type=TYPE,KEY=VALUE,…`, or a reference alone, which is a registry's. Source:
//! buildx, `util/buildflags/cache.go`.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::image::reference;
use crate::input::grammar::csv;

/// The type of a cache that is kept in a registry.
const REGISTRY: &str = "registry";
/// What BuildKit calls a cache that nobody has named.
const DEFAULT: &str = "buildkit";

/// An entry of `cache-from` or `cache-to`. Its text may hold a token, so it has
/// no `Display`: [`CacheEntry::name`] is what people read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CacheEntry {
    text: String,
    /// Empty where buildx could not read the entry either.
    attributes: Vec<(String, String)>,
}

impl CacheEntry {
    /// The entry as it was given, which is what buildx is passed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Of an attribute that is repeated, the last one.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        csv::value(&self.attributes, name)
    }

    /// `registry`, `gha`, `local`, …
    pub fn kind(&self) -> &str {
        self.attribute("type").unwrap_or(REGISTRY)
    }

    /// Where a registry keeps it.
    pub fn reference(&self) -> Option<&str> {
        self.bare_reference().or_else(|| {
            let reference = self.attribute("ref")?;
            (self.attribute("type") == Some(REGISTRY)).then_some(reference)
        })
    }

    /// What it is called: a registry's by its reference, another by its type.
    pub fn name(&self) -> String {
        let reference = self.reference().map(str::to_owned);
        reference.unwrap_or_else(|| format!("type={}", self.kind()))
    }

    /// The attributes in an order of their own, to compare entries by.
    pub fn sorted_attributes(&self) -> Vec<(&str, &str)> {
        let mut sorted = match self.bare_reference() {
            Some(reference) => vec![("ref", reference), ("type", REGISTRY)],
            None => self
                .attributes
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect(),
        };
        sorted.sort_unstable();
        sorted
    }

    /// The same entry without these attributes.
    pub fn without(&self, names: &[&str]) -> Self {
        let is_named = |name: &str| names.iter().any(|one| name.eq_ignore_ascii_case(one));
        let mut rest = self.attributes.clone();
        rest.retain(|(name, _)| !is_named(name));
        Self::from(csv::entry(&rest))
    }

    /// The same entry under a name of its own, where its kind has names: the tag of a
    /// registry's, the scope of GitHub's cache service, the name of S3 and Azure.
    pub fn renamed(&self, suffix: &str) -> Option<Self> {
        let key = match self.kind() {
            REGISTRY => "ref",
            "gha" => "scope",
            "s3" | "azblob" => "name",
            _ => return None,
        };
        let name = match key {
            "ref" => {
                let (name, tag, digest) = reference::split(self.reference()?);
                let tag = tag.unwrap_or("latest");
                digest.is_none().then(|| format!("{name}:{tag}-{suffix}"))?
            }
            _ => format!("{}-{suffix}", self.attribute(key).unwrap_or(DEFAULT)),
        };
        let mut rest = match self.bare_reference() {
            Some(_) => vec![("type".to_owned(), REGISTRY.to_owned())],
            None => self.attributes.clone(),
        };
        rest.retain(|(other, _)| !other.eq_ignore_ascii_case(key));
        rest.push((key.to_owned(), name));
        Some(Self::from(csv::entry(&rest)))
    }

    fn bare_reference(&self) -> Option<&str> {
        match self.attributes.as_slice() {
            [(name, only)] if name.is_empty() => Some(only),
            _ => None,
        }
    }
}

impl From<String> for CacheEntry {
    fn from(text: String) -> Self {
        let attributes = csv::attributes(&text).unwrap_or_default();
        Self { text, attributes }
    }
}

impl From<&str> for CacheEntry {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for CacheEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text)
    }
}

impl Serialize for CacheEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

#[cfg(test)]
impl PartialEq<&str> for CacheEntry {
    fn eq(&self, other: &&str) -> bool {
        self.text == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_attribute_that_is_repeated_buildx_takes_the_last() {
        for (entry, expected) in [
            ("type=local,type=registry,ref=a/b,REF=a/c", Some("a/c")),
            ("type=registry,ref=a/b,type=local", None),
            ("a/b:c", Some("a/b:c")),
        ] {
            assert_eq!(CacheEntry::from(entry).reference(), expected, "{entry}");
        }
    }

    #[test]
    fn what_has_a_name_can_have_another() {
        for (entry, expected) in [
            (
                "type=registry,REF=a/b:c,mode=max",
                Some("type=registry,mode=max,ref=a/b:c-x"),
            ),
            ("a/b", Some("type=registry,ref=a/b:latest-x")),
            ("type=gha", Some("type=gha,scope=buildkit-x")),
            (
                "type=gha,scope=s,mode=max",
                Some("type=gha,mode=max,scope=s-x"),
            ),
            ("type=s3,bucket=b", Some("type=s3,bucket=b,name=buildkit-x")),
            ("type=local,dest=d", None),
            ("type=inline", None),
        ] {
            let renamed = CacheEntry::from(entry).renamed("x");
            assert_eq!(renamed.as_ref().map(CacheEntry::text), expected, "{entry}");
        }
    }
}
