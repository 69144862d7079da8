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

impl Client {
    /// The annotations and labels of what a tag stands for; `None` where it stands for
    /// nothing.
    ///
    /// # Errors
    /// Says why the registry does not tell.
    pub async fn labels(
        &self,
        image: &ImageName,
        tag: &Tag,
    ) -> Result<Option<BTreeMap<String, String>>, String> {
        let until = Instant::now() + WITHIN;
        let mut manifest = match self.manifest(image, tag.as_str()).await {
            Ok(manifest) => manifest,
            Err(Error::Missing(_)) => return Ok(None),
            Err(Error::Unreachable(why)) => return Err(why),
        };
        let annotations = std::mem::take(&mut manifest.annotations);
        if !annotations.is_empty() {
            return Ok(Some(annotations));
        }
        if let Some(first) = manifest.platforms.first() {
            let first = self.manifest(image, first.digest.as_str()).await;
            manifest = first.map_err(|error| error.to_string())?;
        }
        let Some(config) = &manifest.config else {
            return Ok(Some(BTreeMap::new()));
        };
        let read = self.configuration(image, config, until);
        let late = || Err("the configuration did not come in time".to_owned());
        let read = timeout_at(until, read).await.unwrap_or_else(|_| late())?;
        let labels = read.config.and_then(|config| config.labels);
        Ok(Some(labels.unwrap_or_default()))
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
