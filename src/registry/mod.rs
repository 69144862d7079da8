//! The registry, asked over the OCI distribution protocol.
//!
//! Owns the client that reads manifests and finds out whether a push or pull
//! will work, and the look-up of credentials in a Docker configuration. Knows
//! nothing of inputs, plans or events. Follows the OCI distribution
//! specification 1.1 and the distribution project's token specification.

mod auth;
mod challenge;
mod check;
mod client;
mod connection;
mod copy;
mod credentials;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod manifest;
mod names;
mod origin;
mod realm;
mod refusal;
mod request;
mod standing;
#[cfg(test)]
mod stub;
mod token;
mod transport_error;

pub use crate::registry::check::Answer;
pub use crate::registry::client::{Client, Error};
pub use crate::registry::copy::Copier;
pub use crate::registry::credentials::{Credentials, Login};
pub use crate::registry::index::{IndexPart, join};
pub use crate::registry::manifest::{Layer, Manifest};
pub use crate::registry::names::ManifestBytes;
pub use crate::registry::refusal::{Refusal, Stage};
pub use crate::registry::request::RequestError;
pub use crate::registry::standing::Standing;
