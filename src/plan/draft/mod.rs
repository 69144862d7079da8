//! One image as far as it is known before the builder is.

pub mod annotation_levels;
pub mod bake_target;
pub mod bake_trust;
pub mod git_logins;
pub mod load;
pub mod model;
pub mod mounts;
pub mod planned;
pub mod request;
pub mod run_commands;
pub mod tags;
