//! The registry, asked over the OCI distribution protocol.
//!
//! Owns the client that reads manifests and the look-up of credentials in a
//! Docker configuration. Knows nothing of inputs, plans or events. Follows the
//! OCI distribution specification 1.1.

mod client;
mod credentials;
mod manifest;
mod refusal;

pub use client::{Client, Error};
pub use credentials::Credentials;
pub use manifest::{Manifest, PlatformManifest};
pub use refusal::{Refusal, Stage};
