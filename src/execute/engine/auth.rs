//! Logins as the engine's API takes them, for what it pulls and pushes for us.

use bollard::auth::DockerCredentials;

use crate::host::Host;
use crate::image::Registry;
use crate::registry::{Credentials, Login};
use crate::secret::Secret;

/// The login that there is for a registry, if any.
///
/// # Errors
/// When a credential helper fails; its words are not in the text.
pub async fn find(
    registry: &Registry,
    credentials: &Credentials,
    host: &Host,
) -> Result<Option<DockerCredentials>, String> {
    let login = credentials.find(registry, host).await?;
    Ok(for_engine(login, registry.config_key()))
}

fn for_engine(login: Login, server: &str) -> Option<DockerCredentials> {
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
    fn every_kind_of_login_is_handed_on() {
        let secret = || Secret::new("s").unwrap();
        assert!(for_engine(Login::Anonymous, "r").is_none());
        let password = for_engine(Login::Password("me".to_owned(), secret()), "r").unwrap();
        assert_eq!(password.username.as_deref(), Some("me"));
        assert_eq!(password.password.as_deref(), Some("s"));
        let identity = for_engine(Login::Identity(secret()), "r").unwrap();
        assert_eq!(identity.identitytoken.as_deref(), Some("s"));
        let bearer = for_engine(Login::Bearer(secret()), "r").unwrap();
        assert_eq!(bearer.registrytoken.as_deref(), Some("s"));
        assert_eq!(bearer.serveraddress.as_deref(), Some("r"));
    }
}
