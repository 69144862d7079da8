//! Text for the person at the workflow page: what is wrong with an input, and what
//! others say, made harmless.
//!
//! Owns [`InputProblem`]; [`sanitize`] makes text from outside fit to be shown.

mod nearest;
mod problem;
pub mod sanitize;

pub use crate::error::nearest::nearest;
pub use crate::error::problem::InputProblem;
