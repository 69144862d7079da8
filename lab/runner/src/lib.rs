//! A stand-in for GitHub's runner: runs steps of a job the way the runner does.
//!
//! Owns what an action can see of the runner: inputs, environment, file
//! commands, workflow commands, the stages main and post, cancellation, and the
//! mounts of a `docker://` step. It must not know the action that it runs.
//! Follows the source of github.com/actions/runner; where it is less than the
//! runner, the module says so.
//!
//! ```no_run
//! use lab_runner::Step;
//! # fn main() -> Result<(), lab_runner::Error> {
//! let run = Step::node("path/to/action")
//!     .with("images", "ghcr.io/octo/app")
//!     .event("push", serde_json::json!({}))
//!     .git_ref("refs/tags/v1.2.3")
//!     .run()?;
//! assert!(run.succeeded(), "{}", run.log);
//! # Ok(()) }
//! ```

mod action;
mod active;
mod commands;
mod context;
mod docker;
mod environment;
mod error;
mod expression;
mod file_commands;
mod folders;
mod job;
mod log;
mod masks;
mod process;
mod result;
mod running;
mod stage;
mod step;

pub use context::Context;
pub use error::Error;
pub use job::run_job;
pub use log::{Annotation, Level};
pub use process::Signal;
pub use result::{Conclusion, StageRun, StepRun};
pub use running::Running;
pub use stage::Control;
pub use step::{Spec, Step, Uses};
