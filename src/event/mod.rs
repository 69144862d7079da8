//! The event that started the run: the `GITHUB_*` variables and the payload.
//!
//! Owns [`RunContext`]. Reads only the fields that are used and tolerates
//! everything else in a payload: payloads grow fields, and forks of the runner
//! leave some out. Asks nothing of the world; what the payload lacks is for
//! `facts` to find out.

mod made_up;
mod payload;
mod read;
mod run_context;

pub use crate::event::payload::Payload;
pub use crate::event::run_context::RunContext;
