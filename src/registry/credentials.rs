//! Credentials for a registry, looked up in a Docker configuration.
//!
//! Credential helpers follow github.com/docker/docker-credential-helpers: the
//! program gets the server on standard input and answers with JSON.

use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::host::{Command, Host};
use crate::image::Registry;

/// How long a helper may take.
const HELPER: Duration = Duration::from_secs(10);
/// What a helper says, by convention, for a host that it does not know.
const UNKNOWN: &str = "credentials not found";
/// The user by which a helper marks an identity token.
const TOKEN_USER: &str = "<token>";

/// The logins of a Docker configuration, helpers included.
#[derive(Clone, Debug)]
pub struct Credentials {
    helpers: Map<String, Value>,
    /// The configuration without helpers.
    config: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

impl Credentials {
    /// Takes a parsed `config.json` without a `credsStore`.
    pub fn new(mut config: Map<String, Value>) -> Self {
        let helpers = match config.remove("credHelpers") {
            Some(Value::Object(helpers)) => helpers,
            _ => Map::new(),
        };
        Self { helpers, config }
    }

    /// The credential for a registry; anonymous when there is none.
    ///
    /// # Errors
    /// When a helper fails or takes too long, or the credential is of a kind
    /// that only the engine can use. The text never holds what the helper
    /// printed.
    pub async fn find(&self, registry: &Registry, host: &Host) -> Result<RegistryAuth, String> {
        for server in spellings(registry) {
            let found = match self.helpers.get(&server).and_then(Value::as_str) {
                // An empty entry means "look into auths".
                None | Some("") => self.written(&server)?,
                Some(helper) => ask(helper, &server, host).await?,
            };
            if let Some(auth) = found {
                return Ok(auth);
            }
        }
        Ok(RegistryAuth::Anonymous)
    }

    /// What `auths` has.
    fn written(&self, server: &str) -> Result<Option<RegistryAuth>, String> {
        let config = serde_json::to_vec(&self.config).map_err(|error| error.to_string())?;
        match docker_credential::get_credential_from_reader(config.as_slice(), server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(Some(RegistryAuth::Basic(user, password)))
            }
            Ok(DockerCredential::IdentityToken(_)) => Err(identity_token()),
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The keys under which Docker may have filed a registry.
fn spellings(registry: &Registry) -> [String; 3] {
    let key = registry.config_key();
    [
        key.to_owned(),
        format!("https://{key}"),
        format!("https://{key}/v2/"),
    ]
}

async fn ask(helper: &str, server: &str, host: &Host) -> Result<Option<RegistryAuth>, String> {
    let name = format!("docker-credential-{helper}");
    let folders = host.search_path();
    let program = folders.iter().map(|folder| folder.join(&name));
    let Some(program) = program.into_iter().find(|path| path.is_file()) else {
        return Err(format!("{name} is not on PATH"));
    };
    let command = Command::new(&program).args(["get"]).input(server);
    let answer = tokio::time::timeout(HELPER, command.read(host)).await;
    let text = match answer {
        Err(_) => return Err(format!("{name} did not answer in {} s", HELPER.as_secs())),
        Ok(Err(error)) if error.to_string().contains(UNKNOWN) => return Ok(None),
        Ok(Err(_)) => return Err(format!("{name} failed")),
        Ok(Ok(text)) => text,
    };
    match serde_json::from_str(&text) {
        Ok(Answer { username, .. }) if username == TOKEN_USER => Err(identity_token()),
        Ok(Answer { username, secret }) => Ok(Some(RegistryAuth::Basic(username, secret))),
        Err(_) => Err(format!("{name} did not answer as helpers do")),
    }
}

fn identity_token() -> String {
    "the login is an identity token, which only the engine can use".to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    async fn find(config: Value, registry: &str, script: &str) -> Result<RegistryAuth, String> {
        let folder = tempfile::tempdir().unwrap();
        let helper = folder.path().join("docker-credential-test");
        fs::write(&helper, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let environment = [("PATH", path.as_str()), ("INPUT_PASSWORD", "hunter22")];
        let host = Host::with(&environment, folder.path(), jiff::Timestamp::UNIX_EPOCH);
        let Value::Object(config) = config else {
            unreachable!()
        };
        let registry = Registry::parse(registry).unwrap();
        Credentials::new(config).find(&registry, &host).await
    }

    #[tokio::test]
    async fn a_login_is_found_under_each_spelling_of_its_host() {
        let me = RegistryAuth::Basic("me".into(), "pw".into());
        for (key, registry) in [
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("https://index.docker.io/v1/", "docker.io"),
        ] {
            let config = json!({"auths": {key: {"auth": "bWU6cHc="}}});
            assert_eq!(find(config, registry, "").await.unwrap(), me, "{key}");
        }
    }

    #[tokio::test]
    async fn an_empty_helper_does_not_hide_a_login() {
        let config = json!({
            "auths": {"ghcr.io": {"auth": "bWU6cHc="}},
            "credHelpers": {"ghcr.io": ""},
        });
        let found = find(config, "ghcr.io", "").await;
        assert!(matches!(found, Ok(RegistryAuth::Basic(..))));
    }

    #[tokio::test]
    async fn a_login_is_never_used_for_another_host() {
        let config = json!({"auths": {"ghcr.io": {"auth": "bWU6cHc="}}});
        let found = find(config, "docker.io", "").await;
        assert_eq!(found.unwrap(), RegistryAuth::Anonymous);
    }

    #[tokio::test]
    async fn a_helper_is_asked_and_gets_no_input_of_the_action() {
        let config = || json!({"credHelpers": {"ghcr.io": "test"}});
        let script =
            r#"read server; echo "{\"Username\":\"$server\",\"Secret\":\"<$INPUT_PASSWORD>\"}""#;
        let found = find(config(), "ghcr.io", script).await;
        let expected = RegistryAuth::Basic("ghcr.io".into(), "<>".into());
        assert_eq!(found.unwrap(), expected);

        let unknown = "echo 'credentials not found in native keychain'; exit 1";
        let found = find(config(), "ghcr.io", unknown).await;
        assert_eq!(found.unwrap(), RegistryAuth::Anonymous);

        let failed = find(config(), "ghcr.io", "echo hunter33; exit 1").await;
        assert_eq!(failed.unwrap_err(), "docker-credential-test failed");
    }
}
