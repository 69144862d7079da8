//! What builds: the engine, a builder that exists, or one that the run creates.

pub mod assign;
pub mod buildkitd;
pub mod buildx_features;
pub mod choice;
pub mod classic_store;
pub mod content;
pub mod create;
pub mod create_command;
pub mod model;
pub mod node;
