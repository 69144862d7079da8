//! What buildx is given: arguments, bake file, environment.

pub mod bake_file;
pub mod build;
pub mod by_digest;
pub mod display;
pub mod environment;
pub mod exclusions;
