//! What costs time, each in a file of its own.

pub mod base;
pub mod changing;
pub mod context;
pub mod dependencies;
pub mod emulation;
pub mod package_lists;
