//! Semantic versions, as node-semver reads them.
//!
//! Owns the preparation around the `semver` crate, which follows semver.org:
//! node-semver takes white space around and one `v` before a version, and
//! bounds what it reads.

use std::cmp::Ordering;

use crate::input::grammar::javascript::trim;
use crate::metadata::template::{Object, Value};

/// Longest version, in UTF-16 code units.
const LONGEST: usize = 256;
/// Largest component that JavaScript counts exactly.
const LARGEST: u64 = (1 << 53) - 1;

/// A valid version.
#[derive(Clone, Debug)]
pub struct SemVer {
    raw: String,
    version: semver::Version,
}

impl SemVer {
    pub fn parse(raw: &str) -> Option<Self> {
        if raw.encode_utf16().count() > LONGEST {
            return None;
        }
        let text = trim(raw);
        let version = semver::Version::parse(text.strip_prefix('v').unwrap_or(text)).ok()?;
        let parts = [version.major, version.minor, version.patch];
        let exact = parts.into_iter().all(|part| part <= LARGEST);
        exact.then(|| Self {
            raw: raw.to_owned(),
            version,
        })
    }

    /// Which of the two comes first; build metadata does not count.
    pub fn cmp_precedence(&self, other: &Self) -> Ordering {
        self.version.cmp_precedence(&other.version)
    }

    pub fn is_prerelease(&self) -> bool {
        !self.version.pre.is_empty()
    }

    /// The version without build metadata.
    pub fn text(&self) -> String {
        semver::Version {
            build: semver::BuildMetadata::EMPTY,
            ..self.version.clone()
        }
        .to_string()
    }

    /// What patterns can refer to: the fields of node-semver's `SemVer`.
    pub fn fields(&self) -> Value {
        let loose = Object {
            entries: vec![("loose".into(), Value::Boolean(true))],
            text: None,
        };
        let version = &self.version;
        let identifiers = |text: &str, convert: fn(&str) -> Value| {
            let filled = text.split('.').filter(|part| !part.is_empty());
            Value::List(filled.map(convert).collect())
        };
        let entries = vec![
            ("options", loose.into_value()),
            ("loose", Value::Boolean(true)),
            ("includePrerelease", Value::Boolean(false)),
            ("raw", self.raw.as_str().into()),
            ("major", number(version.major)),
            ("minor", number(version.minor)),
            ("patch", number(version.patch)),
            ("prerelease", identifiers(&version.pre, identifier)),
            ("build", identifiers(&version.build, |text| text.into())),
            ("version", self.text().into()),
        ];
        let named = entries.into_iter().map(|(key, value)| (key.into(), value));
        Object {
            entries: named.collect(),
            text: Some(self.text().into()),
        }
        .into_value()
    }
}

#[expect(clippy::cast_precision_loss, reason = "no larger than 2^53")]
fn number(value: u64) -> Value {
    Value::Number(value as f64)
}

/// A number where JavaScript counts it exactly, otherwise text.
fn identifier(text: &str) -> Value {
    match text.parse::<u64>() {
        Ok(value) if value < LARGEST && !text.starts_with('+') => number(value),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::SemVer;

    #[test]
    fn what_node_semver_accepts() {
        for good in [
            "1.2.3",
            "v1.2.3",
            " 1.2.3\n",
            "1.2.3-rc.1+b.01",
            "9007199254740991.0.0",
        ] {
            assert!(SemVer::parse(good).is_some(), "{good:?}");
        }
        let long = format!("1.2.3-{}", "a".repeat(251));
        let bad = [
            "1.2",
            "vv1.2.3",
            "V1.2.3",
            "=1.2.3",
            "1.2.3-01",
            "9007199254740992.0.0",
            &long,
        ];
        for bad in bad {
            assert!(SemVer::parse(bad).is_none(), "{bad:?}");
        }
    }
}
