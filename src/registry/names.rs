//! Names for a manifest that is in its repository already.
//!
//! Follows the OCI distribution specification 1.1, "Pushing Manifests": a `PUT` of
//! the bytes under a tag. They are the registry's own, so the digest stays.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::error::sanitize::clean;
use crate::image::{Digest, ImageName, Tag};
use crate::registry::client::{Client, Error};
use crate::registry::manifest::Manifest;
use crate::registry::refusal::Stage;
use crate::registry::request::{RequestError, WORDS};

/// How much of a header is shown, in characters.
const SHOWN: usize = 100;
/// How long one name may take.
const NAME: Duration = Duration::from_secs(15);

/// A manifest or an index, as the bytes that a registry keeps.
#[derive(Clone, Debug)]
pub struct ManifestBytes {
    bytes: Vec<u8>,
    media_type: String,
    digest: Digest,
}

impl ManifestBytes {
    /// Those of a document of this kind.
    pub fn of(media_type: &str, bytes: Vec<u8>) -> Self {
        Self {
            digest: Digest::of(&bytes),
            media_type: media_type.to_owned(),
            bytes,
        }
    }

    /// Their digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What they are, such as `application/vnd.oci.image.index.v1+json`.
    pub fn media_type(&self) -> &str {
        &self.media_type
    }
}

impl Client {
    /// The bytes of what a tag stands for; `None` where that is nothing.
    ///
    /// # Errors
    /// When the registry refuses or does not answer.
    pub async fn bytes_of_tag(
        &self,
        image: &ImageName,
        tag: &Tag,
    ) -> Result<Option<ManifestBytes>, RequestError> {
        match self.manifest(image, tag.as_str()).await {
            Ok(manifest) => self.manifest_bytes(image, &manifest.digest).await.map(Some),
            Err(Error::Missing(_)) => Ok(None),
            Err(Error::Unreachable(why)) => Err(why.into()),
        }
    }

    /// The bytes of a manifest, by its digest.
    ///
    /// # Errors
    /// When the registry refuses, does not answer, or has other bytes.
    pub async fn manifest_bytes(
        &self,
        image: &ImageName,
        digest: &Digest,
    ) -> Result<ManifestBytes, RequestError> {
        let until = Instant::now() + NAME;
        let asked = async {
            let connection = self.connect(&image.registry).await?;
            let question = connection.manifest(&image.repository, digest.as_str())?;
            let reply = connection.ask(&question, until).await;
            let reply = reply.map_err(|stop| stop.with_login(connection.is_anonymous()))?;
            if reply.status != StatusCode::OK {
                return Err(reply.stop(Stage::Pull));
            }
            let found = Digest::of(&reply.body);
            if found != *digest {
                return Err(format!("the registry has {found} in place of {digest}").into());
            }
            let header = reply.headers.get(CONTENT_TYPE);
            let header = header.and_then(|value| value.to_str().ok());
            let own = Manifest::parse(&reply.body)?.media_type;
            Ok(ManifestBytes {
                media_type: if own.is_empty() {
                    header.unwrap_or_default().to_owned()
                } else {
                    own
                },
                bytes: reply.body,
                digest: found,
            })
        };
        in_time(asked, until).await
    }

    /// Writes a name of a manifest.
    ///
    /// # Errors
    /// When the registry refuses, does not answer, or took something else.
    pub async fn write_name(
        &self,
        image: &ImageName,
        tag: &Tag,
        manifest: &ManifestBytes,
    ) -> Result<(), RequestError> {
        self.write(image, tag.as_str(), manifest).await
    }

    /// Writes a manifest under its digest alone: what it lists has to be there.
    ///
    /// # Errors
    /// When the registry refuses, does not answer, or took something else.
    pub async fn write_manifest(
        &self,
        image: &ImageName,
        manifest: &ManifestBytes,
    ) -> Result<(), RequestError> {
        self.write(image, manifest.digest.as_str(), manifest).await
    }

    async fn write(
        &self,
        image: &ImageName,
        tag_or_digest: &str,
        manifest: &ManifestBytes,
    ) -> Result<(), RequestError> {
        let until = Instant::now() + NAME;
        let asked = async {
            let connection = self.connect(&image.registry).await?;
            let mut request = connection.manifest(&image.repository, tag_or_digest)?;
            request.scope.push = true;
            request.stage = Stage::Name;
            request.method = Method::PUT;
            request.accept = None;
            request.most = WORDS;
            request.body = Some((manifest.media_type.clone(), manifest.bytes.clone()));
            let reply = connection.ask(&request, until).await;
            let reply = reply.map_err(|stop| stop.with_login(connection.is_anonymous()))?;
            if !reply.status.is_success() {
                let stop = reply.stop(Stage::Name);
                return Err(stop.with_login(connection.is_anonymous()));
            }
            let told = reply.headers.get("Docker-Content-Digest");
            match told.and_then(|told| told.to_str().ok()) {
                Some(told) if told != manifest.digest.as_str() => {
                    let (told, digest) = (clean(told, SHOWN), &manifest.digest);
                    Err(format!("the registry answers with {told} in place of {digest}").into())
                }
                _ => Ok(()),
            }
        };
        in_time(asked, until).await
    }
}

async fn in_time<T>(
    asked: impl Future<Output = Result<T, RequestError>>,
    until: Instant,
) -> Result<T, RequestError> {
    let late = || Err(format!("did not answer in {} s", NAME.as_secs()).into());
    timeout_at(until, asked).await.unwrap_or_else(|_| late())
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{body_string, header, method, path};
    use wiremock::{Mock, ResponseTemplate};

    use super::*;
    use crate::http::Authorities;
    use crate::registry::stub::{self, answer};

    #[tokio::test]
    async fn a_name_is_one_request_with_the_bytes_that_are_there() {
        let body = r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        let digest = Digest::of(body.as_bytes());
        for (told, expected) in [
            (digest.to_string(), true),
            (Digest::of(b"").to_string(), false),
        ] {
            let server = stub::open().await;
            let route = format!("/v2/acme/app/manifests/{digest}");
            let there = ResponseTemplate::new(200).set_body_string(body);
            answer(&server, "GET", &route, 1, there).await;
            Mock::given(method("PUT"))
                .and(path("/v2/acme/app/manifests/main"))
                .and(header(
                    "Content-Type",
                    "application/vnd.oci.image.index.v1+json",
                ))
                .and(body_string(body))
                .respond_with(
                    ResponseTemplate::new(201)
                        .insert_header("Docker-Content-Digest", told.as_str()),
                )
                .expect(1)
                .mount(&server)
                .await;
            let at = stub::at(&server);
            let client = stub::client(&at, json!({}), &Authorities::default());
            let image = stub::image(&at);
            let bytes = client.manifest_bytes(&image, &digest).await.unwrap();
            let tag = Tag::parse("main").unwrap();
            let written = client.write_name(&image, &tag, &bytes).await;
            assert_eq!(written.is_ok(), expected, "{written:?}");
        }
    }
}
