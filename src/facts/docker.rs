//! Docker as the user has set it up: configuration folder, context, endpoint.
//!
//! Follows the Docker CLI: `DOCKER_HOST` over `DOCKER_CONTEXT` over the
//! configuration's `currentContext`; contexts are kept in
//! `contexts/meta/<sha256 of the name>/meta.json`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::env_vars;
use crate::error::sanitize;
use crate::host::{Host, file};
use crate::image::{Digest, Registry};
use crate::secret::Secret;

/// The shortest password of the configuration that is taken out of what is said,
/// in bytes.
const SHORTEST: usize = 8;

/// What the user's Docker configuration says.
#[derive(Clone, Debug, Default)]
pub struct DockerSettings {
    /// The folder, be it there or not.
    pub folder: PathBuf,
    /// `config.json`, empty when there is none.
    pub config: Map<String, Value>,
    /// Where the engine is.
    pub endpoint: Endpoint,
    /// What is wrong with it and was passed over.
    pub warnings: Vec<String>,
}

/// The address of a Docker engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// As in `DOCKER_HOST`; `None` for the default socket.
    pub host: Option<String>,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`, for TLS.
    pub certificates: Option<PathBuf>,
    /// The Docker context that it comes from.
    pub context: Option<String>,
}

impl Endpoint {
    /// The address, also when it is the default one.
    pub fn address(&self) -> &str {
        self.host
            .as_deref()
            .unwrap_or("unix:///var/run/docker.sock")
    }

    /// True for certificates that come from the environment, with which buildx
    /// makes no builder.
    pub fn needs_context(&self) -> bool {
        self.context.is_none() && self.certificates.is_some()
    }

    /// How buildx files the choice of a builder for this endpoint.
    pub fn key(&self) -> &str {
        self.context.as_deref().unwrap_or(self.address())
    }
}

impl DockerSettings {
    /// Reads the configuration of the user that this process runs as.
    pub fn read(host: &Host) -> Self {
        let folder = match host.var(env_vars::DOCKER_CONFIG) {
            Some(folder) => host.path(folder),
            None => host
                .path(host.var(env_vars::HOME).unwrap_or("/"))
                .join(".docker"),
        };
        let mut warnings = Vec::new();
        let config = read_config(&folder, &mut warnings);
        let endpoint = endpoint(host, &folder, &config, &mut warnings);
        Self {
            folder,
            config,
            endpoint,
            warnings,
        }
    }

    /// True when the user's Docker holds or finds a login for this registry:
    /// an entry with credentials, or one that a helper keeps.
    pub fn is_logged_in(&self, registry: &Registry) -> bool {
        // Docker finds a login by its host, with or without a scheme and path.
        let entry = |section: &str| {
            let entries = self.config.get(section)?.as_object()?;
            let of_registry = |key: &str| Registry::parse(key).is_ok_and(|host| host == *registry);
            entries
                .iter()
                .find(|(key, _)| of_registry(key))
                .map(|(_, entry)| entry)
        };
        let kept_elsewhere = self.config.get("credsStore").is_some();
        let has_auth = entry("auths")
            .and_then(Value::as_object)
            .is_some_and(|auth| {
                kept_elsewhere
                    || ["auth", "identitytoken", "registrytoken"]
                        .iter()
                        .any(|name| auth.contains_key(*name))
            });
        has_auth
            || entry("credHelpers")
                .and_then(Value::as_str)
                .is_some_and(|helper| !helper.is_empty())
    }

    /// True when a credential helper is used for any registry.
    pub fn has_helper(&self, name: &str) -> bool {
        let helpers = self
            .config
            .get("credHelpers")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::values);
        let mut all = helpers.chain(self.config.get("credsStore"));
        all.any(|helper| helper.as_str() == Some(name))
    }

    /// The passwords and tokens that are written in the configuration. Short ones
    /// are words of other texts, too.
    pub fn secrets(&self) -> Vec<Secret> {
        let auths = self.config.get("auths").and_then(Value::as_object);
        let mut secrets = Vec::new();
        for auth in auths.into_iter().flat_map(Map::values) {
            let text = |name: &str| auth.get(name).and_then(Value::as_str);
            let login = text("auth").and_then(|text| STANDARD.decode(text).ok());
            let login = login.and_then(|login| String::from_utf8(login).ok());
            let password = login.as_deref().and_then(|login| login.split_once(':'));
            let password = password.map(|(_, password)| password);
            let others = [text("auth"), text("identitytoken"), text("registrytoken")];
            let all = others
                .into_iter()
                .chain([password])
                .flatten()
                .filter(|text| text.len() >= SHORTEST);
            secrets.extend(all.filter_map(Secret::new));
        }
        secrets
    }

    /// Where buildx keeps the user's builders.
    pub fn buildx_folder(&self, host: &Host) -> PathBuf {
        match host.var(env_vars::BUILDX_CONFIG) {
            Some(folder) => host.path(folder),
            None => self.folder.join("buildx"),
        }
    }
}

fn read_config(folder: &Path, warnings: &mut Vec<String>) -> Map<String, Value> {
    let path = folder.join("config.json");
    let text = match file::read_text(&path, file::SETTINGS) {
        Ok(text) => text,
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                let path = path.display();
                let why = match error.raw_os_error() {
                    Some(_) => format!("cannot be read ({error})"),
                    None => error.to_string(),
                };
                warnings.push(format!(
                    "{path} {why}: its logins are not used. Let this user read it, or set \
                     DOCKER_CONFIG to another folder"
                ));
            }
            return Map::new();
        }
    };
    parse(&text, &path, warnings)
}

pub fn parse(text: &str, path: &Path, warnings: &mut Vec<String>) -> Map<String, Value> {
    let why = match serde_json::from_str(text) {
        Ok(Value::Object(config)) => {
            warnings.extend(garbled_logins(&config, path));
            return config;
        }
        Ok(_) => "is not a JSON object".to_owned(),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            format!("is not JSON (line {line}, column {column})")
        }
    };
    let path = path.display();
    warnings.push(format!("{path} {why}: its logins are not used"));
    Map::new()
}

/// The first login that nobody can read, Docker neither.
fn garbled_logins(config: &Map<String, Value>, path: &Path) -> Option<String> {
    let auths = config.get("auths").and_then(Value::as_object)?;
    let is_garbled = |entry: &Value| {
        let text = entry
            .get("auth")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let login = STANDARD.decode(text).ok();
        let login = login.and_then(|login| String::from_utf8(login).ok());
        !text.is_empty() && !login.is_some_and(|login| login.contains(':'))
    };
    let (name, _) = auths.iter().find(|(_, entry)| is_garbled(entry))?;
    Some(format!(
        "{} has an `auth` for {} that is not the base64 of USER:PASSWORD, so the login cannot \
         be used. Log in to it again",
        path.display(),
        sanitize::clean(name, sanitize::VALUE)
    ))
}

pub fn endpoint(
    host: &Host,
    folder: &Path,
    config: &Map<String, Value>,
    warnings: &mut Vec<String>,
) -> Endpoint {
    if let Some(address) = host.var(env_vars::DOCKER_HOST) {
        let tls = host.var(env_vars::DOCKER_TLS_VERIFY).is_some();
        return Endpoint {
            context: None,
            host: Some(address.to_owned()),
            certificates: tls.then(|| match host.var(env_vars::DOCKER_CERT_PATH) {
                Some(path) => host.path(path),
                None => folder.to_owned(),
            }),
        };
    }
    let current = host
        .var(env_vars::DOCKER_CONTEXT)
        .or_else(|| config.get("currentContext")?.as_str());
    match current {
        None | Some("" | "default") => Endpoint::default(),
        Some(name) => context(folder, name).unwrap_or_else(|| {
            warnings.push(format!(
                "Docker's context {name:?} is not in {}: the default engine is used",
                folder.join("contexts").display()
            ));
            Endpoint::default()
        }),
    }
}

fn context(folder: &Path, name: &str) -> Option<Endpoint> {
    let digest = Digest::of(name.as_bytes());
    let id = digest.as_str().strip_prefix("sha256:")?;
    let contexts = folder.join("contexts");
    let meta = contexts.join("meta").join(id).join("meta.json");
    let meta = file::read_text(&meta, file::SETTINGS).ok()?;
    let meta: Value = serde_json::from_str(&meta).ok()?;
    let address = meta.pointer("/Endpoints/docker/Host")?.as_str()?;
    let certificates = contexts.join("tls").join(id).join("docker");
    Some(Endpoint {
        context: Some(name.to_owned()),
        host: Some(address.to_owned()),
        certificates: certificates.is_dir().then_some(certificates),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(environment: &[(&str, &str)], folder: &Path) -> DockerSettings {
        let mut environment = environment.to_vec();
        let path = folder.to_str().unwrap();
        environment.push((env_vars::DOCKER_CONFIG, path));
        DockerSettings::read(&Host::with(
            &environment,
            folder,
            jiff::Timestamp::UNIX_EPOCH,
        ))
    }

    #[test]
    fn what_is_wrong_with_a_configuration_is_told() {
        for (text, warning) in [
            ("null", "is not a JSON object"),
            ("[]", "is not a JSON object"),
            ("{", "is not JSON (line 1"),
            (
                r#"{"auths": {"ghcr.io": {"auth": "%%"}}}"#,
                "`auth` for ghcr.io",
            ),
            (
                r#"{"auths": {"ghcr.io": {"auth": "bWU="}}}"#,
                "`auth` for ghcr.io",
            ),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("config.json"), text).unwrap();
            let warnings = read(&[], folder.path()).warnings;
            assert!(warnings[0].contains(warning), "{text}: {warnings:?}");
        }
    }

    #[test]
    fn a_current_context_becomes_the_endpoint_and_docker_host_overrules_it() {
        let folder = tempfile::tempdir().unwrap();
        let id = Digest::of(b"far").as_str()[7..].to_owned();
        let meta = folder.path().join("contexts/meta").join(&id);
        fs::create_dir_all(&meta).unwrap();
        fs::write(
            meta.join("meta.json"),
            r#"{"Name":"far","Endpoints":{"docker":{"Host":"tcp://far:2376"}}}"#,
        )
        .unwrap();
        let tls = folder.path().join("contexts/tls").join(&id).join("docker");
        fs::create_dir_all(&tls).unwrap();
        fs::write(
            folder.path().join("config.json"),
            r#"{"currentContext":"far"}"#,
        )
        .unwrap();

        let settings = read(&[], folder.path());
        assert_eq!(settings.endpoint.host.as_deref(), Some("tcp://far:2376"));
        assert_eq!(settings.endpoint.certificates, Some(tls));

        let settings = read(&[(env_vars::DOCKER_HOST, "unix:///near")], folder.path());
        assert_eq!(settings.endpoint.host.as_deref(), Some("unix:///near"));
        assert_eq!(settings.endpoint.certificates, None);
    }

    #[test]
    fn a_configuration_that_cannot_be_read_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        assert_eq!(read(&[], folder.path()).warnings, Vec::<String>::new());
        fs::write(&file, b"{\"auths\": \xff}").unwrap();
        let warnings = read(&[], folder.path()).warnings;
        assert!(warnings[0].contains("config.json is not UTF-8: its logins"));
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink(&file, &file).unwrap();
        let warnings = read(&[], folder.path()).warnings;
        assert!(warnings[0].contains("config.json cannot be read ("));
    }

    #[test]
    fn a_broken_configuration_is_a_warning_that_shows_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), r#"{"auths": hunter22"#).unwrap();
        let settings = read(&[], folder.path());
        assert!(settings.config.is_empty());
        assert_eq!(settings.warnings.len(), 1);
        assert!(!settings.warnings[0].contains("hunter22"));
    }
}
