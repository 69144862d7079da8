//! What docker/build-push-action and docker/bake-action take.

pub mod attestations;
pub mod bake;
pub mod inputs;
pub mod output;
pub mod secrets;
