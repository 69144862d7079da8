//! What buildx tells of the result of a build.

use crate::image::Digest;

/// What buildx told of the result in its metadata file.
#[derive(Debug, Default)]
pub struct BuildResult {
    /// The file as it was, empty when buildx wrote none.
    pub metadata: String,
    /// `containerimage.digest`: of the index, or of the one manifest.
    pub digest: Option<Digest>,
    /// `containerimage.config.digest` for one platform, else the digest.
    pub image_id: Option<Digest>,
}
