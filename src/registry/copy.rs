//! Copies what a digest stands for to another repository: only what that lacks, and
//! without a name.
//!
//! Follows the OCI distribution specification 1.1: "Mounting a blob from another
//! repository" within a registry, "POST then PUT" between two. What an index or a
//! manifest lists is there before it, as registries want it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;
use tokio::sync::{Mutex, OnceCell, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use crate::document;
use crate::image::{Digest, ImageName};
use crate::registry::client::Client;
use crate::registry::connection::Connection;
use crate::registry::names::ManifestBytes;
use crate::registry::refusal::Stage;
use crate::registry::request::{RequestError, Response};

/// How many blobs are copied, or manifests looked for, at a time.
const AT_A_TIME: usize = 16;
/// How long what comes before the bytes of a blob may take.
const REQUEST: Duration = Duration::from_secs(15);
/// How often a blob is sent whose bytes did not all arrive.
const TRIES: u32 = 3;
/// How long the pause before the next time is.
const PAUSE: Duration = Duration::from_secs(1);
/// How deep indexes may lie in each other.
const DEPTH: usize = 4;
/// Media types with these words are of layers that no registry keeps.
const KEPT_ELSEWHERE: [&str; 2] = [".foreign.", ".nondistributable."];

/// One repository, which gets what others have; each blob once.
pub struct Copier<'a> {
    client: &'a Client,
    to: &'a ImageName,
    blobs: Mutex<BTreeMap<Digest, Arc<OnceCell<()>>>>,
    turns: Semaphore,
}

/// What a manifest or an index needs.
pub struct ManifestContent {
    manifests: Vec<Digest>,
    blobs: Vec<Digest>,
}

impl ManifestContent {
    /// As it lists that.
    ///
    /// # Errors
    /// When it cannot be read, or a digest is none.
    pub fn of(manifest: &ManifestBytes) -> Result<Self, String> {
        let unread = |why: String| format!("{} cannot be read: {why}", manifest.digest());
        let document = document::json(manifest.bytes());
        let document = document.map_err(|error| unread(error.to_string()))?;
        let all = |key: &str| {
            let listed = document[key].as_array().into_iter().flatten();
            let listed = listed.filter(|descriptor| !is_kept_elsewhere(descriptor));
            let digests = listed.map(|descriptor| {
                let digest = descriptor["digest"].as_str().unwrap_or_default();
                Digest::parse(digest).map_err(|error| unread(error.to_string()))
            });
            digests.collect::<Result<Vec<Digest>, String>>()
        };
        let mut blobs = all("layers")?;
        if let Some(config) = document["config"]["digest"].as_str() {
            blobs.push(Digest::parse(config).map_err(|error| unread(error.to_string()))?);
        }
        Ok(Self {
            manifests: all("manifests")?,
            blobs,
        })
    }
}

fn is_kept_elsewhere(descriptor: &Value) -> bool {
    let media_type = descriptor["mediaType"].as_str().unwrap_or_default();
    KEPT_ELSEWHERE
        .iter()
        .any(|words| media_type.contains(words))
}

impl<'a> Copier<'a> {
    /// Copies to this repository.
    pub fn to(client: &'a Client, to: &'a ImageName) -> Self {
        Self {
            client,
            to,
            blobs: Mutex::default(),
            turns: Semaphore::new(AT_A_TIME),
        }
    }

    /// Copies the manifest or index with this digest, and all that it needs.
    ///
    /// # Errors
    /// A refusal is that of the repository that is written to. Everything else says in
    /// words why.
    pub async fn copy(&self, digest: &Digest, from: &ImageName) -> Result<(), RequestError> {
        self.copy_manifest(digest, from, DEPTH).await
    }

    async fn copy_manifest(
        &self,
        digest: &Digest,
        from: &ImageName,
        depth: usize,
    ) -> Result<(), RequestError> {
        if self.has_manifest(digest).await? {
            return Ok(());
        }
        let Some(depth) = depth.checked_sub(1) else {
            return Err(format!("{digest} lies too deep in other indexes").into());
        };
        let manifest = self.client.manifest_bytes(from, digest).await;
        let manifest = manifest.map_err(|stop| unreadable_source(from, stop))?;
        let needs = ManifestContent::of(&manifest)?;
        let manifests = needs.manifests.iter();
        // Boxed, as it calls itself.
        let manifests = manifests.map(|digest| Box::pin(self.copy_manifest(digest, from, depth)));
        let blobs = needs
            .blobs
            .iter()
            .map(|digest| self.copy_blob(digest, from));
        tokio::try_join!(try_join_all(manifests), try_join_all(blobs))?;
        self.client.write_manifest(self.to, &manifest).await
    }

    async fn has_manifest(&self, digest: &Digest) -> Result<bool, RequestError> {
        let _turn = self.turns.acquire().await;
        let connection = self.client.connect(&self.to.registry).await?;
        let mut question = connection.manifest(&self.to.repository, digest.as_str())?;
        question.method = Method::HEAD;
        // It is written to next.
        question.scope.push = true;
        let reply = connection.ask(&question, Instant::now() + REQUEST).await;
        let reply = reply.map_err(|stop| stop.with_login(connection.is_anonymous()))?;
        Ok(reply.status.is_success())
    }

    /// Copies a blob, unless that is done or under way.
    async fn copy_blob(&self, digest: &Digest, from: &ImageName) -> Result<(), RequestError> {
        let slot = {
            let mut blobs = self.blobs.lock().await;
            Arc::clone(blobs.entry(digest.clone()).or_default())
        };
        let copy = async {
            let _turn = self.turns.acquire().await;
            let connection = self.client.connect(&self.to.registry).await?;
            let copied = self.transfer(&connection, digest, from).await;
            copied.map_err(|stop| stop.with_login(connection.is_anonymous()))
        };
        slot.get_or_try_init(|| copy).await.map(|&()| ())
    }

    async fn transfer(
        &self,
        connection: &Connection,
        digest: &Digest,
        from: &ImageName,
    ) -> Result<(), RequestError> {
        let begun = if from.registry == self.to.registry {
            self.mount(connection, digest, from).await?
        } else if self.has_blob(connection, digest).await? {
            return Ok(());
        } else {
            None
        };
        let mut session = match begun {
            Some(reply) if reply.status == StatusCode::CREATED => return Ok(()),
            Some(reply) => session_of(connection, &reply)?,
            None => self.session(connection).await?,
        };
        for tried in 1.. {
            let why = match self.send(connection, session, digest, from).await {
                Ok(()) => return Ok(()),
                Err(RequestError::Unknown(why)) => why,
                Err(refused @ RequestError::Refused(_)) => return Err(refused),
            };
            if tried == TRIES {
                return Err(why.into());
            }
            sleep(PAUSE).await;
            session = self.session(connection).await?;
        }
        unreachable!("the tries are counted")
    }

    async fn has_blob(
        &self,
        connection: &Connection,
        digest: &Digest,
    ) -> Result<bool, RequestError> {
        let mut question = connection.blob(&self.to.repository, digest);
        question.method = Method::HEAD;
        question.scope.push = true;
        let reply = connection.ask(&question, Instant::now() + REQUEST).await?;
        // Some registries lead to where their blobs are.
        Ok(reply.status.is_success() || reply.status.is_redirection())
    }

    /// Asks the registry to take the blob from its other repository. `None` where it
    /// does not let that be read along with this one.
    async fn mount(
        &self,
        connection: &Connection,
        digest: &Digest,
        from: &ImageName,
    ) -> Result<Option<Response>, RequestError> {
        let mut question = connection.start_of_upload(&self.to.repository);
        question.scope.mounted_from = Some(from.repository.clone());
        question
            .url
            .query_pairs_mut()
            .append_pair("mount", digest.as_str())
            .append_pair("from", &from.repository);
        match connection.ask(&question, Instant::now() + REQUEST).await {
            Ok(reply) if reply.starts_upload() => Ok(Some(reply)),
            Ok(_) | Err(RequestError::Refused(_)) => Ok(None),
            Err(unknown) => Err(unknown),
        }
    }

    /// Starts an upload; where it goes.
    async fn session(&self, connection: &Connection) -> Result<Url, RequestError> {
        let question = connection.start_of_upload(&self.to.repository);
        let reply = connection.ask(&question, Instant::now() + REQUEST).await?;
        if !reply.starts_upload() {
            return Err(reply.stop(Stage::Upload));
        }
        session_of(connection, &reply)
    }

    /// Sends the bytes of a blob from registry to registry, without keeping them.
    async fn send(
        &self,
        connection: &Connection,
        mut session: Url,
        digest: &Digest,
        from: &ImageName,
    ) -> Result<(), RequestError> {
        let until = Instant::now() + REQUEST;
        let source = self.client.connect(&from.registry).await?;
        let blob = source.open_blob(&from.repository, digest, until);
        let late = |_| Err(RequestError::Unknown("it did not come in time".to_owned()));
        let blob = timeout_at(until, blob).await.unwrap_or_else(late);
        let blob = blob.map_err(|stop| unreadable_source(from, stop))?;
        session
            .query_pairs_mut()
            .append_pair("digest", digest.as_str());
        let repository = &self.to.repository;
        let reply = connection.upload(repository, session, blob, until).await?;
        if reply.status == StatusCode::CREATED {
            return Ok(());
        }
        Err(reply.stop(Stage::Blob))
    }
}

fn session_of(connection: &Connection, reply: &Response) -> Result<Url, RequestError> {
    let location = connection.location(reply);
    let why = "the registry names no address of its own for an upload";
    location.ok_or_else(|| RequestError::Unknown(why.to_owned()))
}

/// Why a source could not be read. Its refusal is none of the repository that is
/// written to.
fn unreadable_source(from: &ImageName, stop: RequestError) -> RequestError {
    let why = match stop {
        RequestError::Unknown(why) => why,
        RequestError::Refused(refusal) => format!("{} ({})", refusal.words, refusal.status),
    };
    RequestError::Unknown(format!("{from} could not be read: {why}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{body_bytes, header, method, path, query_param};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::http::Authorities;
    use crate::registry::stub::{self, answer};

    const LAYER: &[u8] = b"a layer";
    const SESSION: &str = "/v2/acme/app/blobs/uploads/session";

    /// A manifest of one layer, which two registries keep elsewhere.
    fn manifest() -> String {
        let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "layers": [
                {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": Digest::of(LAYER), "size": LAYER.len()},
                {"mediaType": foreign, "digest": Digest::of(b"of Windows"), "size": 9},
            ],
        })
        .to_string()
    }

    /// A registry that has the manifest and its layer.
    async fn source(reads: u64) -> MockServer {
        let server = stub::open().await;
        let (manifest, layer) = (manifest(), Digest::of(LAYER));
        let route = format!("/v2/acme/app/manifests/{}", Digest::of(manifest.as_bytes()));
        let there = ResponseTemplate::new(200).set_body_string(manifest);
        answer(&server, "GET", &route, 1, there).await;
        let route = format!("/v2/acme/app/blobs/{layer}");
        let there = ResponseTemplate::new(200).set_body_bytes(LAYER);
        answer(&server, "GET", &route, reads, there).await;
        server
    }

    /// A registry that has nothing, and starts so many uploads.
    async fn target(uploads: u64) -> MockServer {
        let server = stub::open().await;
        let started = ResponseTemplate::new(202).insert_header("Location", SESSION);
        answer(&server, "POST", stub::UPLOADS, uploads, started).await;
        server
    }

    async fn takes(server: &MockServer, times: u64) {
        let put = Mock::given(method("PUT"));
        put.and(path(SESSION))
            .and(query_param("digest", Digest::of(LAYER).as_str()))
            .and(header("Content-Length", "7"))
            .and(body_bytes(LAYER))
            .respond_with(ResponseTemplate::new(201))
            .expect(times)
            .mount(server)
            .await;
        let digest = Digest::of(manifest().as_bytes());
        let route = format!("/v2/acme/app/manifests/{digest}");
        answer(server, "PUT", &route, times, ResponseTemplate::new(201)).await;
    }

    async fn copy(from: &MockServer, to: &MockServer) -> Result<(), RequestError> {
        let (from, to) = (stub::at(from), stub::at(to));
        let client = stub::client(&to, json!({}), &Authorities::default());
        let (from, to) = (stub::image(&from), stub::image(&to));
        let digest = Digest::of(manifest().as_bytes());
        Copier::to(&client, &to).copy(&digest, &from).await
    }

    #[tokio::test]
    async fn bytes_go_from_registry_to_registry_and_again_when_they_did_not_arrive() {
        let (from, to) = (source(2).await, target(2).await);
        Mock::given(method("PUT"))
            .and(path(SESSION))
            .respond_with(ResponseTemplate::new(502))
            .up_to_n_times(1)
            .mount(&to)
            .await;
        takes(&to, 1).await;
        copy(&from, &to).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_there_is_not_sent() {
        let (from, to) = (source(0).await, target(0).await);
        let route = format!("/v2/acme/app/blobs/{}", Digest::of(LAYER));
        answer(&to, "HEAD", &route, 1, ResponseTemplate::new(307)).await;
        let digest = Digest::of(manifest().as_bytes());
        let route = format!("/v2/acme/app/manifests/{digest}");
        answer(&to, "PUT", &route, 1, ResponseTemplate::new(201)).await;
        copy(&from, &to).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_is_the_targets_and_a_lack_is_told_of_the_source() {
        let (from, to) = (source(1).await, target(1).await);
        let no = ResponseTemplate::new(403).set_body_string("no");
        answer(&to, "PUT", SESSION, 1, no).await;
        let refused = copy(&from, &to).await.unwrap_err();
        assert!(matches!(refused, RequestError::Refused(refusal) if refusal.words == "no"));
        let (from, to) = (stub::open().await, stub::open().await);
        let why = match copy(&from, &to).await.unwrap_err() {
            RequestError::Unknown(why) => why,
            RequestError::Refused(refusal) => panic!("{refusal:?}"),
        };
        assert!(
            why.starts_with(&format!("{}/acme/app", stub::at(&from))),
            "{why}"
        );
        assert!(why.contains("404"), "{why}");
    }

    #[tokio::test]
    async fn within_a_registry_a_blob_is_mounted_with_a_token_for_both_repositories() {
        let server = stub::bearer().await;
        Mock::given(method("GET"))
            .and(path("/token"))
            .respond_with(|request: &wiremock::Request| {
                let query = request.url.query().unwrap_or_default();
                let both = query.matches("scope=").count() == 2;
                let token = if both { "both" } else { "one" };
                ResponseTemplate::new(200).set_body_json(json!({"token": token}))
            })
            .mount(&server)
            .await;
        let manifest = manifest();
        let digest = Digest::of(manifest.as_bytes());
        let route = format!("/v2/acme/old/manifests/{digest}");
        let there = ResponseTemplate::new(200).set_body_string(manifest);
        answer(&server, "GET", &route, 1, there).await;
        Mock::given(method("POST"))
            .and(path(stub::UPLOADS))
            .and(header("Authorization", "Bearer both"))
            .and(query_param("mount", Digest::of(LAYER).as_str()))
            .and(query_param("from", "acme/old"))
            .respond_with(ResponseTemplate::new(201))
            .expect(1)
            .mount(&server)
            .await;
        let route = format!("/v2/acme/app/manifests/{digest}");
        answer(&server, "PUT", &route, 1, ResponseTemplate::new(201)).await;
        let at = stub::at(&server);
        let client = stub::client(&at, stub::login(), &Authorities::default());
        let to = stub::image(&at);
        let from = ImageName::parse(&format!("{at}/acme/old")).unwrap();
        Copier::to(&client, &to).copy(&digest, &from).await.unwrap();
    }
}
