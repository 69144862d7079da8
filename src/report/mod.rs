//! What the run says: log, annotations, outputs, job summary.
//!
//! Owns everything that is printed or written for GitHub's runner. Text from
//! an event, a registry or a build is hostile here: it is escaped, or fenced
//! off, before it comes near a workflow command or Markdown.

pub mod advice;
pub mod bug;
pub mod cache;
pub mod checks;
pub mod commands;
pub mod failure;
pub mod files;
pub mod leg;
pub mod log;
pub mod matrix;
pub mod metadata;
pub mod outputs;
pub mod run;
pub mod summary;
pub mod text;
