//! Inputs that have one of a few values.

use serde::{Deserialize, Serialize};

/// The input `push`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Push {
    /// As the event suggests.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The input `preflight`: whether registries are asked, before anything is
/// built, if they will take the push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preflight {
    /// A refusal stops the run.
    #[default]
    On,
    /// A refusal is a warning.
    Warn,
    /// Nothing is asked.
    Off,
    /// As `On`, and then nothing is built.
    Only,
}

/// The input `test-platforms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TestPlatforms {
    /// The machine's own.
    #[default]
    Native,
    /// All of the image.
    All,
}

/// The input `progress`: how a build is shown while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ProgressStyle {
    /// A line as things happen.
    #[default]
    Plain,
    /// What each step has printed, folded, when it ends.
    Grouped,
    /// What failed.
    Quiet,
}

/// The input `record`: when BuildKit's record of the build is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildRecord {
    /// Never.
    #[default]
    Off,
    /// When the run fails.
    OnFailure,
    /// Always.
    On,
}

impl BuildRecord {
    /// True when it is kept after a run that has failed, or not.
    pub fn is_kept(self, is_failed: bool) -> bool {
        self == Self::On || (self == Self::OnFailure && is_failed)
    }
}

/// The input `checks`: what becomes of what BuildKit's checks of a Dockerfile find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BuildChecks {
    /// Annotations.
    #[default]
    Warn,
    /// The build fails.
    Error,
    /// Nothing.
    Off,
}

/// The input `version-tags`: what becomes of a full version that exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionTags {
    /// It is written again.
    #[default]
    Overwrite,
    /// It is kept where it is of this commit, else the run is refused.
    Once,
}

/// The input `moving-tags`: what becomes of a tag that moves and stands for something
/// newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MovingTags {
    /// It stays where it is.
    #[default]
    Forward,
    /// It is moved all the same.
    Always,
}

/// The input `cache`: where the build cache is kept for the next run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheChoice {
    /// In GitHub's cache service on a hosted runner, else nowhere.
    #[default]
    Auto,
    /// Beside the image.
    Registry,
    /// In a folder that the runner keeps.
    Local,
    /// Nowhere.
    None,
}

/// Where ref and commit come from: the input `metadata-context`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContextSource {
    /// The event.
    #[default]
    Workflow,
    /// The checkout in the working directory.
    Git,
}
