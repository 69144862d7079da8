//! Lists of references, compared by what they mean.

use crate::image::reference;

/// The references in full, by which they can be compared.
pub fn in_full(references: &[String]) -> impl Iterator<Item = String> {
    references.iter().map(|one| reference::in_full(one))
}

/// True when a reference is among these, however it is spelled.
pub fn is_named(references: &[String], reference: &str) -> bool {
    references
        .iter()
        .any(|other| reference::is_same(other, reference))
}
