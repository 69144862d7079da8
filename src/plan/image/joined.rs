//! What legs have built of an image, and how it becomes one index.

use serde::Serialize;

use crate::image::{Digest, Platform};

/// What legs have built of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinedImage {
    /// The parts, in the order of the legs.
    pub parts: Vec<Part>,
    /// The annotations of the image, as `LEVEL:KEY=VALUE`.
    #[serde(skip)]
    pub annotations: Vec<String>,
}

/// What one leg has built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The leg, as people call it.
    pub leg: String,
    /// Its job on GitHub, or the run.
    pub link: String,
    /// The digest of its index or manifest.
    pub digest: Digest,
    /// What it is for.
    pub platforms: Vec<Platform>,
}
