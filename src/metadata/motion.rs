//! Whether a tag stays with the image that it was given to.
//!
//! Follows from the rule that made the tag: `1.2.3` names one build for good, `1.2`
//! and `main` go on to the next.

use serde::Serialize;

use crate::input::metadata::tags::{RefEvent, TagKind, TagRule};

/// Whether a tag stays with the image that it was given to. In the order in which
/// names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Motion {
    /// It stays, and is a full version.
    Version,
    /// It stays: a Git tag, a commit, a value that the workflow gives.
    #[default]
    Fixed,
    /// It goes on to the next image: a branch, a part of a version, a schedule.
    Moving,
    /// It is `latest`, which people pull who say nothing.
    Latest,
}

impl Motion {
    /// True for a tag that goes on to the next image.
    pub fn is_moving(self) -> bool {
        matches!(self, Self::Moving | Self::Latest)
    }

    /// That of a tag by this rule. `is_prerelease` says that it is one, which a rule
    /// for versions names in full.
    pub fn of_rule(rule: &TagRule, tag: &str, is_prerelease: bool) -> Self {
        let is_fixed = match &rule.kind {
            TagKind::Semver(version) | TagKind::Pep440(version)
                if is_prerelease || is_whole(&version.pattern) =>
            {
                return Self::Version;
            }
            TagKind::Semver(_) | TagKind::Pep440(_) => false,
            TagKind::Ref(event) => *event == RefEvent::Tag,
            TagKind::Raw { .. } => return Self::of_given(tag),
            TagKind::Sha(_) => true,
            TagKind::Match { .. } | TagKind::Schedule { .. } | TagKind::Edge { .. } => false,
        };
        if is_fixed { Self::Fixed } else { Self::Moving }
    }

    /// That of a tag that the workflow gives as it stands.
    pub fn of_given(tag: &str) -> Self {
        if tag == "latest" {
            Self::Latest
        } else {
            Self::Fixed
        }
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
