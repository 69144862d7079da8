//! What a Dockerfile runs, and on which platforms.

pub mod commands;
pub mod frontend;
pub mod stages;
pub mod variables;
