//! Rules and event become version, tags, labels and annotations.
//!
//! Owns the tag and label language of docker/metadata-action 6; where the two
//! differ, docs/conformance.md says so. Pure: no clock, environment, network or
//! file, and the same answer for the same inputs.

mod build_args;
mod collate;
mod expressions;
mod facts;
mod fill;
mod labels;
mod model;
mod moment;
mod motion;
mod notices;
mod outputs;
mod pep440;
mod publishable;
mod regex;
mod resolve;
mod rules;
mod semantic;
mod template;
mod versions;

pub use crate::metadata::build_args::{BuildArgument, fill as fill_build_arg};
pub use crate::metadata::facts::{Facts, Repository, TagContext, commit_date, needs_commit_date};
pub use crate::metadata::fill::fill_in;
pub use crate::metadata::model::{Metadata, Notice, Severity};
pub use crate::metadata::resolve::resolve;
pub use crate::metadata::rules::sanitize;
pub use crate::metadata::versions::{compare as compare_versions, is_commit};
