//! A tag: the name of a manifest within a repository.

use std::fmt;

use crate::image::refused::Refused;

/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`, as the OCI distribution specification has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Parses a tag.
    ///
    /// # Errors
    /// When a registry would refuse it; says which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = |why: &str| {
            Err(Refused::new(
                why,
                "up to 128 letters, digits, `_`, `.`, `-`, the first of which is not `.` or `-`",
            ))
        };
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let Some(first) = text.chars().next() else {
            return refuse("a tag cannot be empty");
        };
        if !word(first) {
            return refuse(&format!("a tag cannot start with {first:?}"));
        }
        if let Some(bad) = text.chars().find(|&c| !word(c) && c != '.' && c != '-') {
            return refuse(&format!("a tag cannot hold {bad:?}"));
        }
        if text.len() > 128 {
            return refuse(&format!("a tag cannot have {} characters", text.len()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The tag as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn good_and_bad_spellings() {
        let longest = "x".repeat(128);
        for good in ["latest", "v1.2.3", "_", "1-a_b.c", &longest] {
            assert_eq!(Tag::parse(good).unwrap().to_string(), good);
        }
        let too_long = "x".repeat(129);
        for bad in ["", ".a", "-a", "a+b", "a/b", "a b", "é", &too_long] {
            assert!(Tag::parse(bad).is_err(), "{bad}");
        }
    }
}
