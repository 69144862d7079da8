//! What a Dockerfile runs, and on which platforms.

pub mod commands;
pub mod stages;
pub mod variables;
