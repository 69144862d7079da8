//! Whether a tag stays with the image that it was given to.
//!
//! Follows from the rule that made the tag: `1.2.3` names one build for good, `1.2`
//! and `main` go on to the next.

use crate::image::Motion;
use crate::input::metadata::tags::{RefEvent, TagKind, TagRule};

/// Whether a tag by this rule stays. `is_prerelease` says that it is one, which a rule
/// for versions names in full.
pub fn motion_of_rule(rule: &TagRule, tag: &str, is_prerelease: bool) -> Motion {
    let is_fixed = match &rule.kind {
        TagKind::Semver(version) | TagKind::Pep440(version)
            if is_prerelease || is_whole(&version.pattern) =>
        {
            return Motion::Version;
        }
        TagKind::Semver(_) | TagKind::Pep440(_) => false,
        TagKind::Ref(event) => *event == RefEvent::Tag,
        TagKind::Raw { .. } => return Motion::of_given(tag),
        TagKind::Sha(_) => true,
        TagKind::Match { .. } | TagKind::Schedule { .. } | TagKind::Edge { .. } => false,
    };
    if is_fixed {
        Motion::Fixed
    } else {
        Motion::Moving
    }
}

/// True for the pattern of a whole version.
fn is_whole(pattern: &str) -> bool {
    let has = |field: &str| pattern.contains(field);
    has("version") || has("raw") || (has("major") && has("minor") && has("patch"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_of_a_whole_version_names_one_image() {
        for (pattern, expected) in [
            ("{{version}}", true),
            ("v{{raw}}", true),
            ("{{major}}.{{minor}}.{{patch}}", true),
            ("{{major}}.{{minor}}", false),
            ("{{major}}", false),
        ] {
            assert_eq!(is_whole(pattern), expected, "{pattern}");
        }
    }
}
