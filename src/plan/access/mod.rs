//! The registries: logins, and what is asked of them before the build.

pub mod login;
pub mod preflight;
pub mod reached;
pub mod service_check;
