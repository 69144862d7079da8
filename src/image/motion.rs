//! Whether a tag stays with the image that it was given to.

use serde::{Deserialize, Serialize};

/// Whether a tag stays with the image that it was given to. In the order in which
/// names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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

    /// The motion of a tag that the workflow spells out itself.
    pub fn of_given(tag: &str) -> Self {
        if tag == "latest" {
            Self::Latest
        } else {
            Self::Fixed
        }
    }
}
