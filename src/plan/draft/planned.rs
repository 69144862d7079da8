//! What an image is called by the plan of a matrix.

use crate::input::matrix::PlannedImage;
use crate::metadata::Metadata;

/// What an image is called by the plan of a matrix.
pub fn metadata(image: &PlannedImage) -> Metadata {
    Metadata {
        version: Some(image.version.clone()).filter(|version| !version.is_empty()),
        images: image.images.clone(),
        tag_names: image.tag_names.clone(),
        tags: image.tags.clone(),
        labels: image.labels.clone(),
        annotations: image.annotations.clone(),
        motions: image.motions.clone(),
        ..Metadata::default()
    }
}
