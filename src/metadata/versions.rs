//! Which of two versions comes first.

use std::cmp::Ordering;

use crate::metadata::semantic::SemVer;

/// Which of two semantic versions comes first; `None` where one of them is none.
/// Source: semver.org, section 11.
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (SemVer::parse(one)?, SemVer::parse(other)?);
    Some(one.cmp_precedence(&other))
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
        ] {
            assert_eq!(compare(one, other), expected, "{one} {other}");
        }
    }
}
