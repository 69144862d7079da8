//! What is done about platforms that the builder does not run by itself.

pub mod emulators;
pub mod running;
