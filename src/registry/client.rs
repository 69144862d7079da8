//! Reads manifests from a registry.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::join_all;
use oci_client::Reference;
use oci_client::client::{
    Certificate, CertificateEncoding, Client as OciClient, ClientConfig, ClientProtocol,
};
use oci_client::secrets::RegistryAuth;
use tokio::sync::Mutex;

use super::{Credentials, Manifest};
use crate::host::Host;
use crate::http::{self, Authorities};
use crate::image::{ImageName, Registry};

/// What a tag may point to.
const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// Why a registry did not tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It answered, and has no such manifest.
    #[error("{0} is not there")]
    Missing(String),
    /// It could not be reached, trusted or logged in to from here.
    #[error("{0}")]
    Unreachable(String),
}

/// A client for every registry of a run. Each registry's scheme and credential
/// are found once.
pub struct Client {
    authorities: Authorities,
    credentials: Credentials,
    host: Host,
    connections: Mutex<BTreeMap<Registry, Arc<Connection>>>,
}

struct Connection {
    client: OciClient,
    auth: RegistryAuth,
}

impl Client {
    /// A client with these logins, that trusts these authorities beside the machine's.
    pub fn new(credentials: Credentials, authorities: Authorities, host: &Host) -> Self {
        http::install_tls();
        Self {
            authorities,
            credentials,
            host: host.clone(),
            connections: Mutex::default(),
        }
    }

    /// The manifest that a tag or digest of an image points to.
    ///
    /// # Errors
    /// [`Error::Missing`] when the registry says so, else [`Error::Unreachable`].
    pub async fn manifest(&self, name: &ImageName, tag_or_digest: &str) -> Result<Manifest, Error> {
        let connection = self.connect(&name.registry).await?;
        let (registry, repository) = (name.registry.to_string(), name.repository.clone());
        let separator = if tag_or_digest.contains(':') {
            '@'
        } else {
            ':'
        };
        let shown = format!("{name}{separator}{tag_or_digest}");
        let reference = match separator {
            '@' => Reference::with_digest(registry, repository, tag_or_digest.to_owned()),
            _ => Reference::with_tag(registry, repository, tag_or_digest.to_owned()),
        };
        let (bytes, _) = connection
            .client
            .pull_manifest_raw(&reference, &connection.auth, &ACCEPTED)
            .await
            .map_err(|error| explain(error, &shown))?;
        Manifest::parse(&bytes).map_err(|why| Error::Unreachable(format!("{shown}: {why}")))
    }

    /// Gets ready to ask these registries, so that the first question is quick:
    /// reading certificates and asking credential helpers takes a while.
    /// What goes wrong is said when something is asked.
    pub async fn prepare(&self, names: &[ImageName]) {
        join_all(names.iter().map(|name| self.connect(&name.registry))).await;
    }

    async fn connect(&self, registry: &Registry) -> Result<Arc<Connection>, Error> {
        let mut connections = self.connections.lock().await;
        if let Some(connection) = connections.get(registry) {
            return Ok(Arc::clone(connection));
        }
        let connection = self
            .open(registry)
            .await
            .map_err(|why| Error::Unreachable(format!("{registry}: {why}")))?;
        let connection = Arc::new(connection);
        connections.insert(registry.clone(), Arc::clone(&connection));
        Ok(connection)
    }

    /// Everything that blocks runs beside the rest of the program.
    async fn open(&self, registry: &Registry) -> Result<Connection, String> {
        let authorities = self.authorities.clone();
        let client = blocking(move || trusting_client(&authorities));
        let auth = self.credentials.find(registry, &self.host);
        let (client, auth) = tokio::try_join!(client, auth)?;
        let plain = is_loopback(registry) && !speaks_tls(&client, registry).await;
        let authorities = self.authorities.clone();
        let client = blocking(move || Ok(OciClient::new(config(&authorities, plain)))).await?;
        Ok(Connection { client, auth })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string()))
}

/// A client, on a machine that has authorities of its own: without any the
/// library that reads manifests cannot be made, not even for plain HTTP.
fn trusting_client(authorities: &Authorities) -> Result<reqwest::Client, String> {
    let client = |authorities: &Authorities| {
        http::client(authorities)
            .map_err(|error| format!("no HTTPS from here: {}", http::innermost(&error)))
    };
    if !authorities.is_empty() {
        client(&Authorities::default())?;
    }
    client(authorities)
}

fn config(authorities: &Authorities, plain: bool) -> ClientConfig {
    let certificate = |pem: &str| Certificate {
        encoding: CertificateEncoding::Pem,
        data: pem.as_bytes().to_vec(),
    };
    ClientConfig {
        protocol: if plain {
            ClientProtocol::Http
        } else {
            ClientProtocol::Https
        },
        extra_root_certificates: authorities.pem().map(certificate).collect(),
        read_timeout: Some(http::REQUEST),
        connect_timeout: Some(http::CONNECT),
        user_agent: http::USER_AGENT,
        ..ClientConfig::default()
    }
}

/// Whether a registry on this machine wants TLS. Like the engine, we let such
/// a registry do without it, and no other.
async fn speaks_tls(client: &reqwest::Client, registry: &Registry) -> bool {
    client
        .get(format!("https://{registry}/v2/"))
        .send()
        .await
        .is_ok()
}

fn is_loopback(registry: &Registry) -> bool {
    let text = registry.as_str();
    let host = text.rsplit_once(':').map_or(text, |(host, _)| host);
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn explain(error: oci_client::errors::OciDistributionError, shown: &str) -> Error {
    use oci_client::errors::OciDistributionError as Oci;
    match error {
        Oci::RegistryError { envelope, .. } => {
            let unknown = envelope
                .errors
                .iter()
                .any(|e| matches!(e.code, oci_client::errors::OciErrorCode::ManifestUnknown));
            match unknown {
                true => Error::Missing(shown.to_owned()),
                false => Error::Unreachable(format!("{shown}: {envelope}")),
            }
        }
        Oci::UnauthorizedError { .. } => Error::Unreachable(format!(
            "{shown}: the registry asks for another login (401)"
        )),
        other => Error::Unreachable(format!("{shown}: {}", http::innermost(&other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let loopback = |text| is_loopback(&Registry::parse(text).unwrap());
        for text in [
            "127.0.0.1:5000",
            "127.8.9.1",
            "localhost",
            "localhost:5000",
            "[::1]:5000",
        ] {
            assert!(loopback(text), "{text}");
        }
        for text in [
            "ghcr.io",
            "128.0.0.1",
            "127.0.0.1.evil.com",
            "localhost.evil.com:5000",
        ] {
            assert!(!loopback(text), "{text}");
        }
    }
}
