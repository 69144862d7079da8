//! What docker/metadata-action takes: images, tags, flavor, labels, annotations.

pub mod flavor;
pub mod full_reference;
pub mod images;
pub mod inputs;
pub mod tags;
