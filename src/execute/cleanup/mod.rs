//! What a run made, taken away after it.

pub mod take_down;
pub mod unfinished_containers;
