//! The run's folder, and the files in it that buildx and BuildKit read.

pub mod authorities;
pub mod cache_dir;
pub mod credential;
pub mod docker_config;
pub mod docker_context;
pub mod run_dir;
pub mod secret_file;
