//! What each command of the program does, from the inputs to the report.
//!
//! Owns the one direction of data: read, plan, execute, report. A [`session`] is
//! what they have in common.

mod advise;
mod matrix;
mod metadata;
mod publish;
pub mod session;

pub use crate::commands::advise::advise;
pub use crate::commands::matrix::{merge, plan};
pub use crate::commands::metadata::name;
pub use crate::commands::publish::post;
pub use crate::commands::publish::publish;
