//! What is asked of Docker's engine through its API.

pub mod auth;
pub mod binfmt;
pub mod container;
pub mod image_store;
