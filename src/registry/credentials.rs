//! Credentials for a registry, looked up in a Docker configuration.

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;
use serde_json::{Map, Value};

use crate::image::Registry;

/// The logins of a Docker configuration, helpers included.
#[derive(Clone, Debug)]
pub struct Credentials(Map<String, Value>);

impl Credentials {
    /// Takes a parsed `config.json`.
    pub fn new(mut config: Map<String, Value>) -> Self {
        // An empty helper means "look into auths", which the library does not know.
        if let Some(Value::Object(helpers)) = config.get_mut("credHelpers") {
            helpers.retain(|_, helper| helper.as_str() != Some(""));
        }
        Self(config)
    }

    /// The credential for a registry; anonymous when there is none.
    ///
    /// Asks credential helpers, which are programs: it blocks.
    ///
    /// # Errors
    /// When a helper fails, or the credential is of a kind that only the
    /// engine can use. The text never holds what the helper printed.
    pub fn find(&self, registry: &Registry) -> Result<RegistryAuth, String> {
        let key = registry.config_key();
        let spellings = [
            key.to_owned(),
            format!("https://{key}"),
            format!("https://{key}/v2/"),
        ];
        for spelling in &spellings {
            match self.look_up(spelling) {
                Ok(DockerCredential::UsernamePassword(user, password)) => {
                    return Ok(RegistryAuth::Basic(user, password));
                }
                Ok(DockerCredential::IdentityToken(_)) => {
                    return Err("the login is an identity token".to_owned());
                }
                Err(CredentialRetrievalError::NoCredentialConfigured) => {}
                // By convention a helper says this for a host it does not know.
                Err(CredentialRetrievalError::HelperFailure { stdout, stderr, .. })
                    if format!("{stdout}{stderr}").contains("credentials not found") => {}
                Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
                    return Err(format!("docker-credential-{helper} failed"));
                }
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(RegistryAuth::Anonymous)
    }

    fn look_up(&self, server: &str) -> Result<DockerCredential, CredentialRetrievalError> {
        let config =
            serde_json::to_vec(&self.0).map_err(|_| CredentialRetrievalError::ConfigReadError)?;
        docker_credential::get_credential_from_reader(config.as_slice(), server)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(config: Value, registry: &str) -> Result<RegistryAuth, String> {
        let Value::Object(config) = config else {
            unreachable!()
        };
        Credentials::new(config).find(&Registry::parse(registry).unwrap())
    }

    #[test]
    fn a_login_is_found_under_each_spelling_of_its_host() {
        let me = RegistryAuth::Basic("me".into(), "pw".into());
        for (key, registry) in [
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("https://index.docker.io/v1/", "docker.io"),
        ] {
            let config = json!({"auths": {key: {"auth": "bWU6cHc="}}});
            assert_eq!(find(config, registry).unwrap(), me, "{key}");
        }
    }

    #[test]
    fn an_empty_helper_does_not_hide_a_login() {
        let config = json!({
            "auths": {"ghcr.io": {"auth": "bWU6cHc="}},
            "credHelpers": {"ghcr.io": ""},
        });
        assert!(matches!(
            find(config, "ghcr.io"),
            Ok(RegistryAuth::Basic(..))
        ));
    }

    #[test]
    fn a_login_is_never_used_for_another_host() {
        let config = json!({"auths": {"ghcr.io": {"auth": "bWU6cHc="}}});
        assert_eq!(find(config, "docker.io").unwrap(), RegistryAuth::Anonymous);
    }
}
