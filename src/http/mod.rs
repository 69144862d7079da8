//! HTTPS of our own: one client, for GitHub's API and for registries.
//!
//! Proxies are those of `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. Trusted
//! are the machine's certificate authorities (`SSL_CERT_FILE` included) and
//! those of the input `ca-certificates`.

mod trust;

use std::sync::Once;
use std::time::Duration;

pub use crate::http::trust::is_authority;
use reqwest::tls::Certificate;
use reqwest::{Client, ClientBuilder};

use crate::host::Host;

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

/// Certificate authorities beside the machine's own, each in PEM.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<String>);

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// When the text holds no certificate, or one that cannot be read.
    pub fn parse(pem: &[u8]) -> Result<Self, String> {
        const END: &str = "-----END CERTIFICATE-----";
        let text = String::from_utf8_lossy(pem);
        let blocks: Vec<String> = text
            .split_inclusive(END)
            .filter_map(|block| {
                Some(block[block.find("-----BEGIN CERTIFICATE-----")?..].to_owned())
            })
            .collect();
        if blocks.is_empty() {
            return Err("holds no certificate in PEM".to_owned());
        }
        for block in &blocks {
            Certificate::from_pem(block.as_bytes()).map_err(|error| error.to_string())?;
        }
        Ok(Self(blocks))
    }

    /// True when there are none beside the machine's own.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The certificates one by one, in PEM.
    pub fn pem(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A client that trusts the machine's authorities and these.
///
/// # Errors
/// When the machine has no certificate authorities at all.
pub fn client(authorities: &Authorities) -> reqwest::Result<Client> {
    builder(authorities).build()
}

/// The same client before it is built, for a room that has rules of its own.
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
