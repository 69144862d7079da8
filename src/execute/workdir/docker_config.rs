//! The run's own Docker configuration: the user's, with the plan's logins.
//!
//! Follows the Docker CLI: a host's `credHelpers` entry wins over `credsStore`,
//! which wins over `auths`; an empty entry means `auths`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::execute::workdir::credential::credential;
use crate::facts::{DockerSettings, Facts};
use crate::host::Host;
use crate::image::Registry;
use crate::input::SecretValues;
use crate::plan::Plan;

/// Makes the configuration. A credential helper that is missing is a warning:
/// what it keeps is not to be had, but nothing may need it.
pub fn make(
    plan: &Plan,
    secrets: SecretValues<'_>,
    facts: &Facts,
    host: &Host,
    warnings: &mut Vec<String>,
) -> Map<String, Value> {
    let mut config = facts.docker.config.clone();
    // Contexts are visible in the run's folder; one that is not there is not.
    if facts.docker.endpoint.context.is_none() {
        config.remove("currentContext");
    }
    let mut helpers = object(config.remove("credHelpers"));
    let mut auths = object(config.remove("auths"));
    if let Some(Value::String(store)) = config.remove("credsStore") {
        for key in kept_in_store(&auths, plan) {
            helpers.entry(key).or_insert_with(|| json!(store));
        }
    }
    drop_missing(&mut helpers, host, warnings);
    for login in &plan.logins {
        let Some(secret) = credential(secrets, login.credential) else {
            continue;
        };
        let key = login.registry.config_key().to_owned();
        auths.insert(key.clone(), json!({"auth": secret.basic(&login.username)}));
        helpers.insert(key, json!(""));
    }
    config.insert("auths".to_owned(), Value::Object(auths));
    if !helpers.is_empty() {
        config.insert("credHelpers".to_owned(), Value::Object(helpers));
    }
    config
}

/// The configuration as a file.
pub fn text(config: &Map<String, Value>) -> String {
    Value::Object(config.clone()).to_string()
}

fn object(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The hosts that the user's store would be asked for: those it is known to
/// keep (empty entries), the images' own, and Docker Hub for base images.
fn kept_in_store(auths: &Map<String, Value>, plan: &Plan) -> BTreeSet<String> {
    let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    let run_state = auths
        .iter()
        .filter(|(_, auth)| empty(auth))
        .map(|(key, _)| key.clone());
    let images = plan
        .images()
        .into_iter()
        .map(|name| name.registry.config_key().to_owned());
    run_state
        .chain(images)
        .chain([Registry::docker_hub().config_key().to_owned()])
        .collect()
}

fn drop_missing(helpers: &mut Map<String, Value>, host: &Host, warnings: &mut Vec<String>) {
    let folders = host.search_path();
    let is_there = |name: &str| {
        let program = format!("docker-credential-{name}");
        folders.iter().any(|folder| folder.join(&program).is_file())
    };
    let mut missing = BTreeSet::new();
    helpers.retain(|_, helper| match helper.as_str() {
        Some(name) if !name.is_empty() && !is_there(name) => {
            missing.insert(name.to_owned());
            false
        }
        _ => true,
    });
    warnings.extend(missing.iter().map(|name| {
        format!(
            "docker-credential-{name} is not on PATH: the logins that it keeps for Docker are not used"
        )
    }));
}

impl DockerSettings {
    /// The variables by which a child finds the engine that the user means,
    /// where no context says it.
    pub fn endpoint_environment(&self) -> Vec<(&'static str, String)> {
        use crate::env_vars;
        let mut environment = Vec::new();
        if self.endpoint.context.is_some() {
            return environment;
        }
        if let Some(address) = &self.endpoint.host {
            environment.push((env_vars::DOCKER_HOST, address.clone()));
        }
        if let Some(folder) = &self.endpoint.certificates {
            environment.push((env_vars::DOCKER_CERT_PATH, folder.display().to_string()));
            environment.push((env_vars::DOCKER_TLS_VERIFY, "1".to_owned()));
        }
        environment
    }
}
