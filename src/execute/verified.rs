//! What registries tell of what was published.

use std::collections::BTreeMap;

use crate::image::Digest;
use crate::registry::{Layer, Manifest};

/// What the registries told.
#[derive(Debug, Default)]
pub struct Verified {
    /// The references that were read back and are what was pushed.
    pub references: Vec<String>,
    /// The platforms of the image, with what is to be pulled for each.
    pub platforms: Vec<PublishedPlatform>,
    /// What the name that moves most stood for before.
    pub former: Option<FormerImage>,
    /// The number of attestation manifests beside them.
    pub attestations: usize,
    /// The annotations of the index, or of the one manifest.
    pub annotations: BTreeMap<String, String>,
}

/// One platform of a published image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPlatform {
    /// The platform, as `OS/ARCHITECTURE`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The compressed bytes that a pull of it takes; `None` when unknown.
    pub size: Option<u64>,
    /// Its layers, the lowest first; none when unknown.
    pub layers: Vec<Layer>,
}

impl PublishedPlatform {
    /// Of this manifest.
    pub fn of(platform: &str, manifest: &Manifest) -> Self {
        Self {
            platform: platform.to_owned(),
            digest: manifest.digest.clone(),
            size: Some(manifest.size),
            layers: manifest.layers.clone(),
        }
    }
}

/// What a name stood for before it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerImage {
    /// The name.
    pub reference: String,
    /// What it stood for.
    pub digest: Digest,
    /// The platforms of that.
    pub platforms: Vec<PublishedPlatform>,
}
