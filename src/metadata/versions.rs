//! Which of two versions comes first.

use std::cmp::Ordering;

use crate::metadata::pep440::PythonVersion;
use crate::metadata::semantic::SemVer;

/// Which of two semantic versions comes first, or of two Python versions; `None` where
/// one of them is neither. Source: semver.org, section 11, and PEP 440.
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (SemVer::parse(one), SemVer::parse(other)) {
        return Some(one.cmp_precedence(&other));
    }
    let python = |text| PythonVersion::parse(text).filter(PythonVersion::has_parts);
    Some(python(one)?.precedence(&python(other)?))
}

/// True for a commit in hexadecimal: what an image says of itself may be anything.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_hexadecimal_and_of_a_known_length() {
        for (text, expected) in [
            ("6071f564087d49be48dc318b89fc22ff96cf6a17", true),
            ("6071f56", false),
            ("::error::x0000000000000000000000000000000", false),
            ("", false),
        ] {
            assert_eq!(is_commit(text), expected, "{text}");
        }
    }

    #[test]
    fn the_parts_of_a_version_are_numbers() {
        for (one, other, expected) in [
            ("1.2.9", "1.2.10", Some(Ordering::Less)),
            ("v2.0.0", "1.9.5", Some(Ordering::Greater)),
            ("1.0.0-rc.1", "1.0.0", Some(Ordering::Less)),
            ("1.0.0+b", "1.0.0+a", Some(Ordering::Equal)),
            ("main", "1.0.0", None),
            ("1.2rc1", "1.2", Some(Ordering::Less)),
            ("1.2.3.post1", "1.2.3", Some(Ordering::Greater)),
            ("2026.9", "2026.10", Some(Ordering::Less)),
            ("20261127", "1.2", None),
        ] {
            assert_eq!(compare(one, other), expected, "{one} {other}");
        }
    }
}
