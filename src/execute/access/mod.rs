//! What registries and services say before the build, and what a refusal means.

pub mod cache_service;
pub mod preflight;
pub mod refusal;
mod versions;
