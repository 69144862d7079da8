//! Pushes out of the engine's image store, through the engine's API.
//!
//! After a build that failed at pushing, the image is there: `tag` and `push`
//! keep its digest, where building again would make another one.

use bollard::Docker;
use bollard::auth::DockerCredentials;
use bollard::query_parameters::{PushImageOptionsBuilder, TagImageOptionsBuilder};
use futures_util::StreamExt as _;

use crate::facts::engine;
use crate::facts::{DockerSettings, Engine};
use crate::host::Host;
use crate::image::{Digest, ImageName};
use crate::registry::{Credentials, Login};
use crate::secret::Secret;

/// The engine's store, with a built image in it.
pub(super) struct Store<'a> {
    docker: Docker,
    credentials: &'a Credentials,
    host: &'a Host,
}

impl<'a> Store<'a> {
    /// The store of the engine that builds; `None` when its API is not to be
    /// had from here, as over SSH.
    pub(super) fn open(
        engine: &Engine,
        settings: &DockerSettings,
        credentials: &'a Credentials,
        host: &'a Host,
    ) -> Option<Self> {
        if !matches!(engine, Engine::Running { .. }) {
            return None;
        }
        let docker = engine::connect(&settings.endpoint).ok()?;
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
    pub(super) async fn push(
        &self,
        source: &str,
        reference: &str,
    ) -> Result<Option<Digest>, String> {
        let (repository, tag) = reference
            .rsplit_once(':')
            .ok_or_else(|| format!("{reference} has no tag"))?;
        if source != reference {
            let options = TagImageOptionsBuilder::default().repo(repository).tag(tag);
            let tagged = self.docker.tag_image(source, Some(options.build())).await;
            tagged.map_err(|error| engine::words(&error))?;
        }
        let name = ImageName::parse(repository).map_err(|refused| refused.why)?;
        let auth = self.credentials.find(&name.registry, self.host).await?;
        let options = PushImageOptionsBuilder::default().tag(tag).build();
        let login = credentials(auth, name.registry.config_key());
        let mut pushed = self.docker.push_image(repository, Some(options), login);
        let mut digest = None;
        while let Some(line) = pushed.next().await {
            let line = line.map_err(|error| engine::words(&error))?;
            if let Some(message) = line.error_detail.and_then(|detail| detail.message) {
                return Err(message);
            }
            digest = line.status.as_deref().and_then(told).or(digest);
        }
        Ok(digest)
    }
}

/// The digest in `TAG: digest: sha256:… size: 1609`.
fn told(status: &str) -> Option<Digest> {
    let (_, rest) = status
        .split_once(" digest: ")
        .or(status.split_once("digest: "))?;
    Digest::parse(rest.split(' ').next()?).ok()
}

/// A login as the engine takes it.
fn credentials(login: Login, server: &str) -> Option<DockerCredentials> {
    let text = |secret: &Secret| Some(secret.expose().to_owned());
    let mut credentials = DockerCredentials {
        serveraddress: Some(server.to_owned()),
        ..DockerCredentials::default()
    };
    match login {
        Login::Anonymous => return None,
        Login::Password(user, password) => {
            credentials.username = Some(user);
            credentials.password = text(&password);
        }
        Login::Identity(token) => credentials.identitytoken = text(&token),
        Login::Bearer(token) => credentials.registrytoken = text(&token),
    }
    Some(credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_in_the_engine_s_last_line() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let line = format!("v1: digest: {digest} size: 1609");
        assert_eq!(told(&line).unwrap().as_str(), digest);
        assert_eq!(told("Pushed"), None);
    }

    #[test]
    fn every_kind_of_login_is_handed_on() {
        let secret = || Secret::new("s").unwrap();
        assert!(credentials(Login::Anonymous, "r").is_none());
        let password = credentials(Login::Password("me".to_owned(), secret()), "r").unwrap();
        assert_eq!(password.username.as_deref(), Some("me"));
        assert_eq!(password.password.as_deref(), Some("s"));
        let identity = credentials(Login::Identity(secret()), "r").unwrap();
        assert_eq!(identity.identitytoken.as_deref(), Some("s"));
        let bearer = credentials(Login::Bearer(secret()), "r").unwrap();
        assert_eq!(bearer.registrytoken.as_deref(), Some("s"));
        assert_eq!(bearer.serveraddress.as_deref(), Some("r"));
    }
}
