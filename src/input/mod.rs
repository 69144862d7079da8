//! The inputs of the action, from strings to types.
//!
//! Owns [`Inputs`]. Asks nothing of the world; every bad value is reported, in
//! one go, with its name and what is accepted.

pub mod address;
mod attributes;
pub mod build;
pub mod builder;
mod cache_entry;
mod choices;
pub mod grammar;
mod inputs;
mod logins;
pub mod matrix;
pub mod metadata;
pub mod migration;
mod parse;
mod planned;
pub mod raw;
mod reader;
pub mod registry_auth;
mod secret_values;
mod size_limit;
pub mod spec;
#[cfg(test)]
mod testing;

pub use crate::input::attributes::secrets_of;
pub use crate::input::build::bake::BakeInputs;
pub use crate::input::cache_entry::CacheEntry;
pub use crate::input::choices::{
    BuildChecks, BuildRecord, CacheChoice, ContextSource, MovingTags, Preflight, ProgressStyle,
    Push, TestPlatforms, VersionTags,
};
pub use crate::input::inputs::{Inputs, PLATFORMS};
pub use crate::input::metadata::inputs::MetadataInputs;
pub use crate::input::raw::RawInputs;
pub use crate::input::secret_values::SecretValues;
pub use crate::input::size_limit::SizeLimit;
