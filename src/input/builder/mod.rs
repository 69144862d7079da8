//! The builder and its emulators: what docker/setup-buildx-action and
//! docker/setup-qemu-action take.

pub mod model;
pub mod read;

pub use crate::input::builder::model::{
    BuilderInputs, Cleanup, DaemonConfig, Driver, EmulationWish, Node,
};
