//! What is to be taken away after the run, noted before it is made.

pub mod containers;
pub mod record;
