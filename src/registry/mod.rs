//! The registry, asked over the OCI distribution protocol.
//!
//! Owns the client that reads manifests and finds out whether a push or pull
//! will work, and the look-up of credentials in a Docker configuration. Knows
//! nothing of inputs, plans or events. Follows the OCI distribution
//! specification 1.1 and the distribution project's token specification.

mod challenge;
mod check;
mod client;
mod connection;
mod credentials;
mod exchange;
mod failure;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod manifest;
mod origin;
mod proof;
mod realm;
mod refusal;
#[cfg(test)]
mod stub;
mod token;

pub use check::{Access, Answer};
pub use client::{Client, Error};
pub use credentials::{Credentials, Login};
pub use manifest::Manifest;
pub use refusal::{Refusal, Stage};
