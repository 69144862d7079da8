//! The only way to the machine: environment, working directory, clock, files
//! of others, subprocesses.
//!
//! Owns [`Host`]. Nothing else reads the process's environment, asks the time,
//! reads a whole file or starts a program (clippy's `disallowed-methods` keeps it so), so tests
//! build an environment instead of editing the process's own.

mod command;
pub mod file;
mod log;
mod machine;
mod owner;
mod process;
mod signals;

pub use crate::host::command::{Command, CommandResult, Progress, Tail};
pub use crate::host::log::Log;
pub use crate::host::machine::Host;
pub use crate::host::owner::check_own_folder;
pub use crate::host::process::{END_WITH_PARENT, end_with_parent, forbid_core_dumps};
pub use crate::host::signals::Signal;
