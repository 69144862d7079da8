//! The `with:` of a step in a workflow file, for runs outside a workflow.
//!
//! Owns finding the step that uses this action, and resolving its expressions
//! from the event. What cannot be resolved is named, never guessed.

mod expression;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod size;
pub mod step;

pub use crate::workflow::step::read;
