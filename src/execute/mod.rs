//! Carries the plan out: preflight, login, builder, build, push, verification,
//! in this order. Decides nothing: what to do is in the plan.

mod access;
mod builder;
mod buildx;
mod cleanup;
mod cleanup_record;
mod early_checks;
mod engine;
mod error;
mod execution;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod outcome;
mod progress;
mod publish;
mod pushes;
mod scope;
mod verified;
mod workdir;

pub use crate::execute::buildx::build_check::BuildCheck;
pub use crate::execute::cleanup::take_down::post;
pub use crate::execute::cleanup_record::record::Record;
pub use crate::execute::early_checks::EarlyChecks;
pub use crate::execute::error::{Error, FailedTest};
pub use crate::execute::outcome::{Conclusion, ImageOutcome, Outcome};
pub use crate::execute::progress::trace::{Count, Vertex, VertexOutcome};
pub use crate::execute::pushes::{Push, State as NameState};
pub use crate::execute::scope::Scope;
pub use crate::execute::verified::{FormerImage, PublishedPlatform, Verified};
pub use crate::execute::workdir::run_dir::RunFolder;
