//! What each command of the program does, from the inputs to the report.
//!
//! Owns the one direction of data: read, plan, execute, report. A [`session`] is
//! what they have in common.

mod advise;
mod carry_out;
mod matrix;
mod metadata;
mod publish;
mod results;
pub mod session;

pub use crate::commands::advise::advise;
pub use crate::commands::carry_out::post;
pub use crate::commands::matrix::{merge, plan};
pub use crate::commands::metadata::name;
pub use crate::commands::publish::publish;
