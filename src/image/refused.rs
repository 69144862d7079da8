//! Why a spelling is refused.

/// Why a spelling was refused: what is wrong, and what is accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refused {
    /// What is wrong with the value.
    pub why: String,
    /// What is accepted in its place.
    pub accepted: String,
}

impl Refused {
    pub fn new(why: impl Into<String>, accepted: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            accepted: accepted.into(),
        }
    }
}
