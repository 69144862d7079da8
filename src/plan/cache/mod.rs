//! Where the build cache is read from and written to.

pub mod choice;
pub mod local;
pub mod model;
pub mod scope;
pub mod secrets;
pub mod service;
