//! Pushes out of the engine's image store, through the engine's API.
//!
//! After a build that failed at pushing, the image is there: `tag` and `push`
//! keep its digest, where building again would make another one.

use bollard::Docker;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt as _;

use crate::execute::engine::auth;
use crate::facts::{DockerSettings, Engine, error_chain};
use crate::host::Host;
use crate::image::{Digest, Reference, Tag};
use crate::registry::Credentials;

/// The engine's store, with a built image in it.
pub struct Store<'a> {
    docker: Docker,
    credentials: &'a Credentials,
    host: &'a Host,
}

impl<'a> Store<'a> {
    /// The store of the engine that builds; `None` when its API is not to be
    /// had from here, as over SSH.
    pub fn open(
        engine: &Engine,
        settings: &DockerSettings,
        credentials: &'a Credentials,
        host: &'a Host,
    ) -> Option<Self> {
        if !matches!(engine, Engine::Running { .. }) {
            return None;
        }
        let docker = settings.endpoint.connect().ok()?;
        Some(Self {
            docker,
            credentials,
            host,
        })
    }

    /// Names the image as `reference`, where it is not `source` already, and
    /// pushes that. Gives the digest where the engine tells it.
    ///
    /// # Errors
    /// In the engine's words, which repeat the registry's.
    pub async fn push(&self, source: &str, reference: &str) -> Result<Option<Digest>, String> {
        let Reference {
            name, spelt, tag, ..
        } = Reference::parse(reference).map_err(|refused| refused.why)?;
        let repository = spelt.as_str();
        let tag = tag.as_ref().map_or("latest", Tag::as_str);
        if source != reference {
            let options = TagImageOptionsBuilder::default().repo(repository).tag(tag);
            let tagged = self.docker.tag_image(source, Some(options.build())).await;
            tagged.map_err(|error| error_chain(&error))?;
        }
        let login = auth::find(&name.registry, self.credentials, self.host).await?;
        let options = PushImageOptionsBuilder::default().tag(tag).build();
        let mut pushed = self.docker.push_image(repository, Some(options), login);
        let mut digest = None;
        while let Some(line) = pushed.next().await {
            let line = line.map_err(|error| error_chain(&error))?;
            if let Some(message) = line.error_detail.and_then(|detail| detail.message) {
                return Err(message);
            }
            digest = line
                .status
                .as_deref()
                .and_then(parse_pushed_digest)
                .or(digest);
        }
        Ok(digest)
    }
}

/// The digest in `TAG: digest: sha256:… size: 1609`.
fn parse_pushed_digest(status: &str) -> Option<Digest> {
    let (_, rest) = status
        .split_once(" digest: ")
        .or(status.split_once("digest: "))?;
    Digest::parse(rest.split(' ').next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_in_the_engine_s_last_line() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let line = format!("v1: digest: {digest} size: 1609");
        assert_eq!(parse_pushed_digest(&line).unwrap().as_str(), digest);
        assert_eq!(parse_pushed_digest("Pushed"), None);
    }
}
