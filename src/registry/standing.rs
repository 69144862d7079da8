//! What an image in a registry says of itself: the annotations of what a tag stands
//! for, else the labels of a configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use crate::document;
use crate::image::{Digest, ImageName, Tag};
use crate::registry::client::{Client, Error};
use crate::registry::connection::Connection;
use crate::registry::manifest::Manifest;
use crate::registry::refusal::Stage;
use crate::registry::request::RequestError;

/// How long it may take to tell.
const WITHIN: Duration = Duration::from_secs(15);

/// The configuration of an image, as far as it is read. Source: the OCI image
/// specification 1.1, `config.md`.
#[derive(Deserialize)]
struct Configuration {
    config: Option<Labelled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Labelled {
    labels: Option<BTreeMap<String, String>>,
}

/// What a tag stands for.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The digest of the index or manifest.
    pub digest: Digest,
    /// True for an index.
    pub is_index: bool,
    /// The platforms of an index.
    pub platforms: Vec<String>,
    /// Its annotations; the labels of a configuration where it has none.
    pub labels: BTreeMap<String, String>,
}

impl Client {
    /// What a tag stands for; `None` where that is nothing.
    ///
    /// # Errors
    /// Says why the registry does not tell.
    pub async fn standing(&self, image: &ImageName, tag: &Tag) -> Result<Option<Standing>, String> {
        let until = Instant::now() + WITHIN;
        let manifest = match self.manifest(image, tag.as_str()).await {
            Ok(manifest) => manifest,
            Err(Error::Missing(_)) => return Ok(None),
            Err(Error::Unreachable(why)) => return Err(why),
        };
        let is_index = manifest.config.is_none();
        let platforms = manifest.platforms.iter().map(|one| one.platform.clone());
        Ok(Some(Standing {
            digest: manifest.digest.clone(),
            is_index,
            platforms: platforms.collect(),
            labels: if manifest.annotations.is_empty() {
                self.labels(image, &manifest, until).await?
            } else {
                manifest.annotations
            },
        }))
    }

    /// The labels of the first platform.
    async fn labels(
        &self,
        image: &ImageName,
        manifest: &Manifest,
        until: Instant,
    ) -> Result<BTreeMap<String, String>, String> {
        let of_first = match manifest.platforms.first() {
            Some(first) => {
                let read = self.manifest(image, first.digest.as_str()).await;
                read.map_err(|error| error.to_string())?.config
            }
            None => manifest.config.clone(),
        };
        let Some(config) = of_first else {
            return Ok(BTreeMap::new());
        };
        let read = self.configuration(image, &config, until);
        let late = || Err("the configuration did not come in time".to_owned());
        let read = timeout_at(until, read).await.unwrap_or_else(|_| late())?;
        let labels = read.config.and_then(|config| config.labels);
        Ok(labels.unwrap_or_default())
    }

    async fn configuration(
        &self,
        image: &ImageName,
        digest: &Digest,
        until: Instant,
    ) -> Result<Configuration, String> {
        let connection = self.connect(&image.registry).await?;
        let bytes = blob(&connection, &image.repository, digest, until).await;
        let bytes = bytes.map_err(|stop| match stop {
            RequestError::Unknown(why) => why,
            RequestError::Refused(refusal) => format!("the registry answers {}", refusal.status),
        })?;
        if Digest::of(&bytes) != *digest {
            return Err(format!("the registry has other bytes than {digest}"));
        }
        document::json(&bytes)
            .map_err(|error| error.to_string())
            .and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()))
    }
}

/// A small blob. Large registries keep them elsewhere, where no login goes.
async fn blob(
    connection: &Connection,
    repository: &str,
    digest: &Digest,
    until: Instant,
) -> Result<Vec<u8>, RequestError> {
    let reply = connection
        .ask(&connection.blob(repository, digest), until)
        .await?;
    let reply = if reply.status.is_redirection() {
        connection.follow(&reply, until).await?
    } else {
        reply
    };
    if reply.status == StatusCode::OK && !reply.cut {
        Ok(reply.body)
    } else {
        Err(reply.stop(Stage::Pull))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::http::Authorities;
    use crate::registry::stub::{self, answer};

    #[tokio::test]
    async fn labels_are_read_where_a_registry_leads_to_and_no_login_goes_there() {
        let config = r#"{"config":{"Labels":{"a":"b"}}}"#;
        let digest = Digest::of(config.as_bytes());
        let storage = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/blob"))
            .respond_with(ResponseTemplate::new(200).set_body_string(config))
            .mount(&storage)
            .await;
        let registry = MockServer::start().await;
        stub::challenge(&registry, "Basic realm=\"r\"").await;
        let manifest = format!(r#"{{"config":{{"size":1,"digest":"{digest}"}}}}"#);
        let manifest = ResponseTemplate::new(200).set_body_string(manifest);
        answer(&registry, "GET", "/v2/acme/app/manifests/1", 1, manifest).await;
        let location = format!("{}/blob", storage.uri());
        let leads = ResponseTemplate::new(307).insert_header("Location", location);
        let blob = format!("/v2/acme/app/blobs/{digest}");
        answer(&registry, "GET", &blob, 1, leads).await;

        let at = stub::at(&registry);
        let client = stub::client(&at, stub::login(), &Authorities::default());
        let tag = Tag::parse("1").unwrap();
        let standing = client.standing(&stub::image(&at), &tag).await;
        let standing = standing.unwrap().unwrap();
        assert_eq!(standing.labels["a"], "b");
        assert!(!standing.is_index);
        let asked = storage.received_requests().await.unwrap();
        assert_eq!(asked.len(), 1);
        assert!(!asked[0].headers.contains_key("authorization"));
        let asked = registry.received_requests().await.unwrap();
        assert!(asked[1].headers.contains_key("authorization"));
    }

    #[tokio::test]
    async fn a_tag_that_is_not_there_stands_for_nothing() {
        let server = stub::open().await;
        let body = json!({"errors": [{"code": "MANIFEST_UNKNOWN"}]});
        let missing = ResponseTemplate::new(404).set_body_json(body);
        answer(&server, "GET", "/v2/acme/app/manifests/1", 1, missing).await;
        let at = stub::at(&server);
        let client = stub::client(&at, json!({}), &Authorities::default());
        let tag = Tag::parse("1").unwrap();
        let standing = client.standing(&stub::image(&at), &tag).await;
        assert!(standing.unwrap().is_none());
    }
}
