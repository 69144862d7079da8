//! HTTPS of our own: one client, for GitHub's API and for registries.
//!
//! Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. Trusted
//! are the machine's certificate authorities (`SSL_CERT_FILE` included) and
//! those of the input `ca-certificates`.

mod authorities;
mod client;
mod trust;

pub use crate::http::authorities::Authorities;
pub use crate::http::client::{REQUEST, builder, client, innermost, install_tls, is_proxied};
pub use crate::http::trust::is_authority;
