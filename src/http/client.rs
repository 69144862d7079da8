//! HTTPS of our own.

use std::sync::Once;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};

use crate::host::Host;
use crate::http::authorities::Authorities;
use crate::http::trust::{self};

/// How long a server may take to accept a connection.
pub const CONNECT: Duration = Duration::from_secs(5);
/// How long a request may take as a whole.
pub const REQUEST: Duration = Duration::from_secs(15);

/// By these variables, in either case, HTTPS goes through a proxy.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Names ourselves to servers.
pub const USER_AGENT: &str = concat!("stevedore/", env!("CARGO_PKG_VERSION"));

/// Makes ring the one TLS provider of the process.
pub fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that one is installed already, which is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client that trusts the machine's authorities and these.
///
/// # Errors
/// When the machine has no certificate authorities at all.
pub fn client(authorities: &Authorities) -> reqwest::Result<Client> {
    builder(authorities).build()
}

/// The same client before it is built, for a module that has rules of its own.
pub fn builder(authorities: &Authorities) -> ClientBuilder {
    install_tls();
    let client = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT)
        .timeout(REQUEST);
    if authorities.is_empty() {
        return client;
    }
    match trust::config(authorities) {
        Ok(config) => client.tls_backend_preconfigured(config),
        // Without the machine's authorities the client is not built, and says so.
        Err(_) => client,
    }
}

/// True when a proxy may stand between us and a server, and look its name up.
pub fn is_proxied(host: &Host) -> bool {
    PROXIES.iter().any(|name| host.var(name).is_some())
}

/// The innermost cause, which names the reason (`certificate`, `refused`).
pub fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
