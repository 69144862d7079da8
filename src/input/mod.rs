//! The inputs of the action, from strings to types.

pub mod csv;
pub mod ecma;
pub mod flavor;
pub mod images;
pub mod list;
pub mod metadata;
pub mod tags;

pub use metadata::{MetadataInputs, RawMetadata};
