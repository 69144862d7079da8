//! Registry, repository name, tag, digest, platform, reference: each a type
//! whose constructor fails or whose value is valid.
//!
//! Follows the OCI distribution specification 1.1 ("Pulling manifests") and
//! the reference grammar of the `distribution/reference` project. Uses no
//! other module and asks nothing of the world.

mod access;
mod digest;
mod motion;
mod name;
mod platform;
pub mod reference;
mod refused;
mod registry;
mod tag;

pub use crate::image::access::Access;
pub use crate::image::digest::Digest;
pub use crate::image::motion::Motion;
pub use crate::image::name::ImageName;
pub use crate::image::platform::Platform;
pub use crate::image::reference::Reference;
pub use crate::image::refused::Refused;
pub use crate::image::registry::Registry;
pub use crate::image::tag::Tag;
