//! YAML and JSON of others, read within bounds.
//!
//! Libraries bound how deep a document is nested, and files and answers have a
//! limit of their own. What a document becomes in memory is many times that: a
//! list of zeros takes forty times its text, an alias as much as it likes.

mod bounds;
mod measure;
pub mod yaml;

pub use crate::document::bounds::json;
