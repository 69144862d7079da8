//! A digest: the address of content by its hash.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::image::refused::Refused;

/// `sha256:` and 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

impl Digest {
    /// Parses a digest of the one algorithm that registries use.
    ///
    /// # Errors
    /// When the algorithm is another one or the hash is not 64 digits.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let hex = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let good = text
            .strip_prefix("sha256:")
            .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(hex));
        if good {
            return Ok(Self(text.to_owned()));
        }
        Err(Refused::new(
            format!("{text:?} is not a digest"),
            "`sha256:` and 64 lower-case hexadecimal digits",
        ))
    }

    /// The digest of these bytes.
    pub fn of(content: &[u8]) -> Self {
        let hash: String = Sha256::digest(content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self(format!("sha256:{hash}"))
    }

    /// The digest as registries spell it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|refused| de::Error::custom(refused.why))
    }
}

#[cfg(test)]
mod tests {
    use super::Digest;

    #[test]
    fn digests_its_own_spelling() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").as_str(), empty);
        assert_eq!(Digest::parse(empty).unwrap().as_str(), empty);
    }

    #[test]
    fn refuses_other_spellings() {
        for bad in ["", "sha256:", "sha256:E3B0", "sha512:00", "e3b0c442"] {
            assert!(Digest::parse(bad).is_err(), "{bad}");
        }
    }
}
