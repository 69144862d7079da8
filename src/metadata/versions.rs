//! Which of two versions comes first.

use std::cmp::Ordering;

use crate::metadata::semantic::SemVer;

/// Which of two semantic versions comes first; `None` where one of them is none.
/// Source: semver.org, section 11.
pub fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (SemVer::parse(one)?, SemVer::parse(other)?);
    Some(one.cmp_precedence(&other))
}

#[cfg(test)]
mod tests {
    use super::*;

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
