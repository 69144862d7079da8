//! What a run does in a repository of a registry.

use serde::Serialize;

/// What a run does in a repository of a registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Pushes an image.
    #[default]
    Push,
    /// Reads a build cache.
    CacheRead,
    /// Pushes a build cache.
    CacheWrite,
    /// Reads a base image, or another one that the Dockerfile names.
    Base,
}

impl Access {
    /// True when it needs the right to write.
    pub fn writes(self) -> bool {
        matches!(self, Self::Push | Self::CacheWrite)
    }
}
