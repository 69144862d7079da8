//! The client for every registry of a run; reads manifests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::host::Host;
use crate::http::{self, Authorities};
use crate::image::{ImageName, Registry};
use crate::registry::connection::Connection;
use crate::registry::credentials::Credentials;
use crate::registry::manifest::{Manifest, PlatformManifest};
use crate::registry::refusal::{ErrorCode, Stage};
use crate::registry::request::{RequestError, Response};

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

/// A client for every registry of a run. Each registry's scheme, challenge and
/// credential are found once.
pub struct Client {
    authorities: Authorities,
    credentials: Credentials,
    host: Host,
    connections: Mutex<BTreeMap<Registry, Arc<OnceCell<Arc<Connection>>>>>,
    /// What goes on beside the run.
    beside: Mutex<JoinSet<()>>,
}

impl Client {
    /// A client with these logins, that trusts these authorities beside the machine's.
    pub fn new(credentials: Credentials, authorities: Authorities, host: &Host) -> Self {
        Self {
            authorities,
            credentials,
            host: host.clone(),
            connections: Mutex::default(),
            beside: Mutex::default(),
        }
    }

    /// Does what nobody waits for, and what may fail.
    pub async fn do_beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.beside.lock().await.spawn(work);
    }

    /// Waits for all of that.
    pub async fn settle(&self) {
        while self.beside.lock().await.join_next().await.is_some() {}
    }

    /// The manifest that a tag or digest of an image points to. What can pass
    /// is tried again, for 15 s in all.
    ///
    /// # Errors
    /// [`Error::Missing`] when the registry says so, else [`Error::Unreachable`].
    pub async fn manifest(&self, name: &ImageName, tag_or_digest: &str) -> Result<Manifest, Error> {
        let is_digest = tag_or_digest.contains(':');
        let separator = if is_digest { '@' } else { ':' };
        let shown = format!("{name}{separator}{tag_or_digest}");
        let unreachable = |why: &str| Error::Unreachable(format!("{shown}: {why}"));
        let until = Instant::now() + http::REQUEST;
        let asked = async {
            let connection = self.connect(&name.registry).await?;
            let question = connection.manifest(&name.repository, tag_or_digest)?;
            connection.ask(&question, until).await
        };
        let reply = match timeout_at(until, asked).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(stop)) => return Err(unreachable(&text(stop))),
            Err(_) => {
                let seconds = http::REQUEST.as_secs();
                return Err(unreachable(&format!("did not answer in {seconds} s")));
            }
        };
        if is_missing(&reply) {
            return Err(Error::Missing(shown));
        }
        if reply.status != StatusCode::OK {
            return Err(unreachable(&text(reply.stop(Stage::Pull))));
        }
        if reply.cut {
            return Err(unreachable("the manifest is larger than any may be"));
        }
        let manifest = Manifest::parse(&reply.body).map_err(|why| unreachable(&why))?;
        if is_digest && manifest.digest.as_str() != tag_or_digest {
            let found = format!("the answer is another one, {}", manifest.digest);
            return Err(unreachable(&found));
        }
        Ok(manifest)
    }

    /// The manifests that an index lists, with their platforms, read side by side.
    pub async fn manifests_of<'a>(
        &self,
        name: &ImageName,
        index: &'a Manifest,
    ) -> Vec<(&'a PlatformManifest, Result<Manifest, Error>)> {
        let read = index.platforms.iter().map(async |entry| {
            let manifest = self.manifest(name, entry.digest.as_str()).await;
            (entry, manifest)
        });
        join_all(read).await
    }

    /// Gets ready to ask these registries, so that the first question is quick:
    /// reading certificates and asking credential helpers takes a while.
    /// What goes wrong is said when something is asked.
    pub async fn prepare(&self, names: &[ImageName]) {
        let until = Instant::now() + http::REQUEST;
        let ready = names.iter().map(async |name| {
            if let Ok(connection) = self.connect(&name.registry).await {
                let _ = connection.challenge(until).await;
            }
        });
        join_all(ready).await;
    }

    /// True when a registry answers within this time, whatever it says.
    pub async fn answers(&self, registry: &Registry, within: Duration) -> bool {
        let asked = async {
            let connection = self.connect(registry).await.ok()?;
            connection.answers().await.then_some(())
        };
        timeout(within, asked)
            .await
            .is_ok_and(|answer| answer.is_some())
    }

    /// True when a registry has answered, now or before.
    pub async fn has_answered(&self, registry: &Registry) -> bool {
        let connections = self.connections.lock().await;
        let slot = connections.get(registry).and_then(|slot| slot.get());
        slot.is_some_and(|connection| connection.has_answered())
    }

    /// The connection to a registry. One that is being opened is waited for.
    pub async fn connect(&self, registry: &Registry) -> Result<Arc<Connection>, String> {
        let slot = {
            let mut connections = self.connections.lock().await;
            Arc::clone(connections.entry(registry.clone()).or_default())
        };
        let open = async {
            let (credentials, authorities) = (&self.credentials, &self.authorities);
            Connection::open(registry, credentials, authorities, &self.host)
                .await
                .map(Arc::new)
        };
        slot.get_or_try_init(|| open).await.map(Arc::clone)
    }
}

fn is_missing(reply: &Response) -> bool {
    let unknown = match reply.stop(Stage::Pull) {
        RequestError::Refused(refusal) => refusal.codes.contains(&ErrorCode::ManifestUnknown),
        RequestError::Unknown(_) => false,
    };
    reply.status == StatusCode::NOT_FOUND && unknown
}

/// Why, for a person; a refusal in the registry's own words.
fn text(stop: RequestError) -> String {
    match stop {
        RequestError::Unknown(why) => why,
        RequestError::Refused(refusal) if refusal.status == 401 => {
            "the registry asks for another login (401)".to_owned()
        }
        RequestError::Refused(refusal) if refusal.words.is_empty() => {
            format!("the registry answers {}", refusal.status)
        }
        RequestError::Refused(refusal) => format!("{} ({})", refusal.words, refusal.status),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{header_regex, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::image::Digest;
    use crate::registry::stub;
    use crate::registry::stub::answer;

    const BODY: &str = r#"{"config":{"size":1}}"#;

    async fn manifest(server: &MockServer, tag_or_digest: &str) -> Result<Manifest, String> {
        let at = stub::at(server);
        let client = stub::client(&at, json!({}), &Authorities::default());
        let found = client.manifest(&stub::image(&at), tag_or_digest).await;
        found.map_err(|error| match error {
            Error::Missing(what) => format!("missing: {what}"),
            Error::Unreachable(why) => why,
        })
    }

    #[tokio::test]
    async fn a_manifest_is_read_by_tag_and_by_digest() {
        let digest = Digest::of(BODY.as_bytes());
        for reference in ["1.0", digest.as_str()] {
            let server = stub::open().await;
            Mock::given(method("GET"))
                .and(path(format!("/v2/acme/app/manifests/{reference}")))
                .and(header_regex(
                    "Accept",
                    "oci.image.index.v1.*manifest.list.v2",
                ))
                .respond_with(ResponseTemplate::new(200).set_body_string(BODY))
                .expect(1)
                .mount(&server)
                .await;
            assert_eq!(manifest(&server, reference).await.unwrap().digest, digest);
        }
    }

    #[tokio::test]
    async fn another_manifest_than_that_of_the_digest_is_no_answer() {
        let server = stub::open().await;
        let other = Digest::of(b"");
        let route = format!("/v2/acme/app/manifests/{other}");
        let response = ResponseTemplate::new(200).set_body_string(BODY);
        answer(&server, "GET", &route, 1, response).await;
        let why = manifest(&server, other.as_str()).await.unwrap_err();
        assert!(why.contains("the answer is another one"), "{why}");
    }

    #[tokio::test]
    async fn only_a_manifest_that_the_registry_does_not_know_is_missing() {
        let unknown = |code: &str| json!({"errors": [{"code": code, "message": "it"}]});
        for (status, body, missing) in [
            (404, unknown("MANIFEST_UNKNOWN").to_string(), true),
            (404, unknown("NAME_UNKNOWN").to_string(), false),
            (404, String::new(), false),
            (403, unknown("MANIFEST_UNKNOWN").to_string(), false),
            (401, String::new(), false),
            (302, String::new(), false),
            (200, "<html>".to_owned(), false),
            (200, " ".repeat(5 * 1024 * 1024), false),
        ] {
            let server = stub::open().await;
            let response = ResponseTemplate::new(status).set_body_string(body);
            answer(&server, "GET", "/v2/acme/app/manifests/1", 1, response).await;
            let why = manifest(&server, "1").await.unwrap_err();
            assert_eq!(why.starts_with("missing: "), missing, "{why}");
            assert!(why.contains("/acme/app:1"), "{why}");
        }
    }
}
