//! What a refusal means, and the one thing to do about it.
//!
//! Owns one table, as data, for the answers of registries and for the text of
//! failed builds alike. Pure: asks nothing of the world. What it says of
//! others' words is harmless in a log, and not yet escaped for Markdown or
//! workflow commands. The codes are those of the OCI distribution
//! specification 1.1; the words are what registries and BuildKit really say.

mod circumstances;
mod diagnose;
mod excerpt;
mod failed_step;
mod fill;
mod log;
mod row;
mod rows;
mod signal;
mod subject;
#[cfg(test)]
mod tests;

pub use crate::diagnosis::circumstances::{Circumstances, Login};
pub use crate::diagnosis::diagnose::{Diagnosis, of_refusal, of_silence};
pub use crate::diagnosis::excerpt::without_prefixes;
pub use crate::diagnosis::failed_step::{FailedStep, failed_step};
pub use crate::diagnosis::fill::package_settings;
pub use crate::diagnosis::log::{of_log, of_push};
pub use crate::diagnosis::row::Kind;
pub use crate::diagnosis::rows::rows;
pub use crate::diagnosis::subject::{Subject, subject};
