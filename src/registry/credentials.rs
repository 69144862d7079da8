//! Credentials for a registry, looked up in a Docker configuration.
//!
//! Credential helpers follow github.com/docker/docker-credential-helpers: the
//! program gets the server on standard input and answers with JSON.

use std::io::ErrorKind;
use std::time::Duration;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::host::{Command, Host};
use crate::image::Registry;
use crate::secret::Secret;

/// How long a helper may take.
const HELPER: Duration = Duration::from_secs(10);
/// What a helper says, by convention, for a host that it does not know.
const UNKNOWN: &str = "credentials not found";
/// The user by which a helper marks an identity token.
const TOKEN_USER: &str = "<token>";

/// How to log in to a registry.
#[derive(Clone, Debug)]
pub enum Login {
    /// Not at all.
    Anonymous,
    /// A user and a password.
    Password(String, Secret),
    /// An identity token, for which a token endpoint gives a bearer token.
    Identity(Secret),
    /// A bearer token, used as it is.
    Bearer(Secret),
}

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

    /// The login for a registry; anonymous when there is none.
    ///
    /// # Errors
    /// When a helper fails or takes too long, or a login is garbled. The text
    /// never holds what the helper printed.
    pub async fn find(&self, registry: &Registry, host: &Host) -> Result<Login, String> {
        for server in spellings(registry) {
            let found = match self.helpers.get(&server).and_then(Value::as_str) {
                // An empty entry means "look into auths".
                None | Some("") => self.written(&server)?,
                Some(helper) => ask(helper, &server, host).await?,
            };
            if let Some(login) = found {
                return Ok(login);
            }
        }
        Ok(Login::Anonymous)
    }

    /// What `auths` has.
    pub fn written(&self, server: &str) -> Result<Option<Login>, String> {
        if let Some(token) = self.bearer_token(server) {
            return Ok(Some(Login::Bearer(token)));
        }
        let config = serde_json::to_vec(&self.config).map_err(|error| error.to_string())?;
        match docker_credential::get_credential_from_reader(config.as_slice(), server) {
            Ok(DockerCredential::UsernamePassword(user, password)) => {
                Ok(password_login(user, &password))
            }
            Ok(DockerCredential::IdentityToken(token)) => {
                Ok(Secret::new(&token).map(Login::Identity))
            }
            Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
            Err(error) => Err(format!(
                "the login for {server} in Docker's configuration cannot be read: {error}"
            )),
        }
    }

    /// `registrytoken`, which wins over everything beside it, as in the engine.
    fn bearer_token(&self, server: &str) -> Option<Secret> {
        let entry = self.config.get("auths")?.get(server)?;
        Secret::new(entry.get("registrytoken")?.as_str()?)
    }
}

/// A login without a password is none: so entries look whose secret is in a store.
fn password_login(user: String, password: &str) -> Option<Login> {
    Some(Login::Password(user, Secret::new(password)?))
}

/// The keys under which Docker may have filed a registry.
pub fn spellings(registry: &Registry) -> [String; 3] {
    let key = registry.config_key();
    [
        key.to_owned(),
        format!("https://{key}"),
        format!("https://{key}/v2/"),
    ]
}

async fn ask(helper: &str, server: &str, host: &Host) -> Result<Option<Login>, String> {
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
        Ok(Err(error)) if error.kind() == ErrorKind::FileTooLarge => {
            return Err(format!("{name} {error}"));
        }
        Ok(Err(error)) if error.to_string().contains(UNKNOWN) => return Ok(None),
        Ok(Err(_)) => return Err(format!("{name} failed")),
        Ok(Ok(text)) => text,
    };
    match serde_json::from_str(&text) {
        Ok(Answer { username, secret }) if username == TOKEN_USER => {
            Ok(Secret::new(&secret).map(Login::Identity))
        }
        Ok(Answer { username, secret }) => Ok(password_login(username, &secret)),
        Err(_) => Err(format!("{name} did not answer as helpers do")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use serde_json::json;

    use super::*;

    async fn find(config: Value, registry: &str, script: &str) -> Result<String, String> {
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
        let found = Credentials::new(config).find(&registry, &host).await?;
        Ok(match found {
            Login::Anonymous => "nothing".to_owned(),
            Login::Password(user, password) => format!("{user}:{}", password.expose()),
            Login::Identity(token) => format!("identity {}", token.expose()),
            Login::Bearer(token) => format!("bearer {}", token.expose()),
        })
    }

    #[tokio::test]
    async fn a_login_is_found_under_each_spelling_of_its_host() {
        for (key, registry) in [
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("https://index.docker.io/v1/", "docker.io"),
        ] {
            let config = json!({"auths": {key: {"auth": "bWU6cHc="}}});
            assert_eq!(find(config, registry, "").await.unwrap(), "me:pw", "{key}");
        }
    }

    #[tokio::test]
    async fn an_empty_helper_does_not_hide_a_login() {
        let config = json!({
            "auths": {"ghcr.io": {"auth": "bWU6cHc="}},
            "credHelpers": {"ghcr.io": ""},
        });
        let found = find(config, "ghcr.io", "").await;
        assert_eq!(found.unwrap(), "me:pw");
    }

    #[tokio::test]
    async fn a_login_is_never_used_for_another_host() {
        let config = json!({"auths": {"ghcr.io": {"auth": "bWU6cHc="}}});
        let found = find(config, "docker.io", "").await;
        assert_eq!(found.unwrap(), "nothing");
    }

    #[tokio::test]
    async fn a_helper_is_asked_and_gets_no_input_of_the_action() {
        let config = || json!({"credHelpers": {"ghcr.io": "test"}});
        let script =
            r#"read server; echo "{\"Username\":\"$server\",\"Secret\":\"<$INPUT_PASSWORD>\"}""#;
        let found = find(config(), "ghcr.io", script).await;
        assert_eq!(found.unwrap(), "ghcr.io:<>");

        let unknown = "echo 'credentials not found in native keychain'; exit 1";
        let found = find(config(), "ghcr.io", unknown).await;
        assert_eq!(found.unwrap(), "nothing");

        let failed = find(config(), "ghcr.io", "echo hunter33; exit 1").await;
        assert_eq!(failed.unwrap_err(), "docker-credential-test failed");
        let endless = find(config(), "ghcr.io", "exec cat /dev/zero").await;
        assert_eq!(
            endless.unwrap_err(),
            "docker-credential-test printed more than 8 MiB, which is the limit"
        );
    }

    #[tokio::test]
    async fn tokens_are_logins() {
        for (entry, login) in [
            (
                json!({"auth": "bWU6", "identitytoken": "refresh"}),
                "identity refresh",
            ),
            (
                json!({"auth": "bWU6cHc=", "registrytoken": "ready"}),
                "bearer ready",
            ),
            (json!({"auth": "bWU6"}), "nothing"),
            (json!({}), "nothing"),
        ] {
            let config = json!({"auths": {"ghcr.io": entry}});
            assert_eq!(find(config, "ghcr.io", "").await.unwrap(), login);
        }
        let config = json!({"credHelpers": {"ghcr.io": "test"}});
        let script = r#"echo '{"Username":"<token>","Secret":"refresh"}'"#;
        let found = find(config, "ghcr.io", script).await;
        assert_eq!(found.unwrap(), "identity refresh");
    }

    #[tokio::test]
    async fn a_garbled_login_is_an_error_that_does_not_show_it() {
        let config = json!({"auths": {"ghcr.io": {"auth": "hunter22!"}}});
        let error = find(config, "ghcr.io", "").await.unwrap_err();
        assert!(!error.contains("hunter22"), "{error}");
        let config = json!({"credHelpers": {"ghcr.io": "test"}});
        let error = find(config, "ghcr.io", "echo hunter22").await.unwrap_err();
        assert!(!error.contains("hunter22"), "{error}");
    }
}
