//! Everything that has to be asked of the world, asked once and side by side.
//!
//! Owns [`Facts`]. The plan reads them and asks nothing itself.

mod bake;
mod builder;
mod buildx;
mod cache;
mod cache_token;
mod checkout;
mod context_folder;
mod docker;
mod engine;
mod event;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gather;
mod github;
mod machine;
mod package;
mod paths;
mod workspace;

pub use crate::facts::bake::{MachineAccess, MachineResource, Target};
pub use crate::facts::buildx::find as find_buildx;
pub use crate::facts::cache::CacheFacts;
pub use crate::facts::checkout::Checkout;
pub use crate::facts::context_folder::ContextFolder;
pub use crate::facts::docker::{DockerSettings, Endpoint};
pub use crate::facts::engine::{Engine, error_chain};
pub use crate::facts::event::EventFacts;
pub use crate::facts::gather::Facts;
pub use crate::facts::github::GitHub;
pub use crate::facts::machine::Machine;
pub use crate::facts::package::{OwnerKind, Package, Permission};
pub use crate::facts::paths::Paths;
pub use crate::facts::workspace::Workspace;
