//! The plan: what will be done, worked out before any of it is done.
//!
//! A pure function of inputs, context and facts: no clock, no environment, no
//! network, not async. The [`Plan`] serialises and prints; a dry run shows it
//! and stops. It names credentials and never holds one.

mod access;
mod build;
mod builder;
mod cache;
mod command;
mod compose;
mod dockerfile;
mod draft;
mod emulation;
mod findings;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod image;
mod lists;
mod matrix;
mod render;
mod run_files;
mod shell;
#[cfg(test)]
pub mod testing;
mod variable;

pub use crate::plan::access::login::Credential;
pub use crate::plan::access::preflight::{Check, OnRefusal};
pub use crate::plan::access::service_check::ServiceCheck;
pub use crate::plan::build::model::Build;
pub use crate::plan::builder::assign::{NodeAssignment, ReachableNode};
pub use crate::plan::builder::buildkitd::with_authorities;
pub use crate::plan::builder::create::NewBuilder;
pub use crate::plan::builder::create_command::CONTEXT;
pub use crate::plan::builder::create_command::{CreateCommand, config_file, tls_file};
pub use crate::plan::builder::model::{Builder, BuilderChoice, CONTAINERD_DOCS};
pub use crate::plan::builder::node::{BuilderNode, without_password};
pub use crate::plan::cache::local::LocalCache;
pub use crate::plan::cache::model::Cache;
pub use crate::plan::cache::service::Service;
pub use crate::plan::command::by_digest::pushed_by_builder;
pub use crate::plan::command::display::Display;
pub use crate::plan::command::exclusions::Exclusions;
pub use crate::plan::compose::{Plan, plan};
pub use crate::plan::dockerfile::frontend::parse as read_dockerfile;
pub use crate::plan::draft::annotation_levels::of_index as annotations_of_index;
pub use crate::plan::emulation::emulators::{EmulationStep, Handlers, cannot_run};
pub use crate::plan::findings::Level;
pub use crate::plan::image::content::Content;
pub use crate::plan::image::context::ContextKind;
pub use crate::plan::image::destination_names::DestinationName;
pub use crate::plan::image::joined::{JoinedImage, Part};
pub use crate::plan::image::publication::Publication;
pub use crate::plan::matrix::merge::merge;
pub use crate::plan::matrix::results::count_unnamed;
pub use crate::plan::matrix::share::{decisions as matrix_decisions, matrix, share};
pub use crate::plan::render::{line, list};
pub use crate::plan::run_files::RunFiles;
pub use crate::plan::variable::{BuildxVariable, Source};
