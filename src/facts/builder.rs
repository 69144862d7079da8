//! Builders: what the one by name is made with, and names for new ones.
//!
//! Reads buildx's own notes, `instances/NAME` in its folder, JSON.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::env_vars;
use crate::event::RunContext;
use crate::facts::buildx::ChosenBuilder;
use crate::facts::docker::DockerSettings;
use crate::host::{Host, file};
use crate::image::Digest;
use crate::input::Inputs;
use crate::input::builder::{DaemonConfig, Driver};

/// What every name that is made up here begins with.
const PREFIX: &str = "stevedore-";
/// Stands for what makes a name unique, until a run has one.
const NOT_YET: &str = "$RUN";
/// How much of the runner's name is shown in a builder's.
const SHOWN: usize = 24;

/// What is known of builders before one is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuilderFacts {
    /// A name that no other builder has, now or later.
    pub unique_name: String,
    /// The same name for each run of this repository on this runner, as long as it
    /// asks for the same builder.
    pub lasting_name: String,
    /// The driver of the builder by name, when buildx knows such a builder.
    pub existing: Option<String>,
    /// The driver of the builder by the lasting name, when a run has left one.
    pub left: Option<String>,
    /// The configuration that buildx gives to a buildkitd for which no other is
    /// named, when the user has one.
    pub default_config: Option<PathBuf>,
}

impl BuilderFacts {
    pub fn local(
        host: &Host,
        inputs: &Inputs,
        context: &RunContext,
        settings: &DockerSettings,
        chosen: Option<&ChosenBuilder>,
    ) -> Self {
        let folder = settings.buildx_folder(host);
        let name = match &inputs.builder {
            Some(name) => Some(name.as_str()),
            // What is to be made is not what is there.
            None if inputs.own_builder.driver.is_some() => None,
            None if inputs.own_builder.asks_for_own().is_some() => None,
            None => chosen.map(|chosen| chosen.name.as_str()),
        };
        let config = folder.join("buildkitd.default.toml");
        let instances = folder.join("instances");
        let lasting_name = lasting_name(
            host.var(env_vars::RUNNER_NAME).unwrap_or("local"),
            &context.repository,
            &asked_for(inputs),
        );
        Self {
            unique_name: format!("{PREFIX}{NOT_YET}"),
            existing: name.and_then(|name| driver_of(&instances, name)),
            left: driver_of(&instances, &lasting_name),
            lasting_name,
            default_config: config.is_file().then_some(config),
        }
    }

    /// The driver of a builder that exists, as far as buildx knows it.
    pub fn driver_of(&self, name: &str) -> Option<&str> {
        if name == self.lasting_name {
            self.left.as_deref()
        } else {
            self.existing.as_deref()
        }
    }

    pub fn name_the_run(&mut self, host: &Host) {
        self.unique_name = format!("{PREFIX}{}", host.unique());
    }
}

/// buildx files builders under their names in lower case.
fn driver_of(instances: &Path, name: &str) -> Option<String> {
    if name.contains('/') {
        return None;
    }
    let note = instances.join(name.to_lowercase());
    let note = file::read_text(&note, file::SETTINGS).ok()?;
    let note: Value = serde_json::from_str(&note).ok()?;
    note.get("Driver")?.as_str().map(str::to_owned)
}

/// What the inputs say of a builder, nothing where they say nothing. A state that
/// is kept outlives a change of them: it has one name.
fn asked_for(inputs: &Inputs) -> String {
    let own = &inputs.own_builder;
    let mut settings = String::new();
    if own.keep_state {
        return settings;
    }
    if own.own_driver() != Driver::DockerContainer {
        settings += own.own_driver().as_str();
    }
    for node in own.nodes() {
        let platforms = node.platforms.iter().map(ToString::to_string);
        let texts = node.endpoint.iter().chain(&node.buildkitd_flags).cloned();
        for text in texts.chain(platforms).chain(node.driver_opts.clone()) {
            settings += &format!("\n{text}");
        }
    }
    match &own.config {
        Some(DaemonConfig::File(path)) => settings += &format!("\n{}", path.display()),
        Some(DaemonConfig::Text(text)) => settings += &format!("\n{text}"),
        None => {}
    }
    settings.extend(inputs.authorities.pem());
    settings
}

/// Two jobs of one runner never run at the same time, so that they can share a
/// builder's name; two repositories must not share its cache.
fn lasting_name(runner: &str, repository: &str, settings: &str) -> String {
    let mut of = format!("{runner}\n{repository}");
    if !settings.is_empty() {
        of += &format!("\n{settings}");
    }
    let id: String = Digest::of(of.as_bytes())
        .as_str()
        .chars()
        .skip("sha256:".len())
        .take(12)
        .collect();
    let shown: String = runner
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(SHOWN)
        .collect();
    format!("{PREFIX}{}-{id}", shown.to_lowercase())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::input::RawInputs;
    use crate::input::spec::ActionKind;

    #[test]
    fn a_lasting_name_tells_runners_and_repositories_apart() {
        let name = lasting_name("Runner 1 (big)", "acme/app", "");
        assert!(name.starts_with("stevedore-runner1big-"), "{name}");
        assert_eq!(name, lasting_name("Runner 1 (big)", "acme/app", ""));
        assert_ne!(name, lasting_name("Runner 1 (big)", "acme/other", ""));
        assert_ne!(name, lasting_name("Runner 1 big", "acme/app", ""));
    }

    #[test]
    fn a_lasting_name_tells_settings_apart_unless_a_state_is_kept() {
        let name = |given: &[(&str, &str)]| {
            let host = Host::with(&[], Path::new("/nowhere"), jiff::Timestamp::UNIX_EPOCH);
            let mut raw = RawInputs::from_environment(ActionKind::Publish, &host);
            for (name, value) in given {
                raw.set(name, value);
            }
            lasting_name("r", "acme/app", &asked_for(&Inputs::parse(&raw, &host).0))
        };
        let plain = name(&[]);
        let driver = ("driver", "docker-container");
        let kept = ("keep-state", "true");
        for given in [
            ("driver", "kubernetes"),
            ("endpoint", "far"),
            ("driver-opts", "network=host"),
            ("buildkitd-flags", "--debug"),
            ("buildkitd-config-inline", "debug = true"),
            ("builder-platforms", "linux/arm64"),
            ("append", "- endpoint: far"),
        ] {
            assert_ne!(name(&[given]), plain, "{given:?}");
            assert_eq!(name(&[given]), name(&[given]), "{given:?}");
            assert_eq!(name(&[given, kept]), plain, "{given:?}");
        }
        assert_eq!(name(&[driver]), plain);
        assert_eq!(name(&[driver, ("cleanup", "none")]), plain);
    }

    #[test]
    fn the_driver_is_what_buildx_has_noted() {
        let folder = tempfile::tempdir().unwrap();
        let note = r#"{"Name":"mine","Driver":"docker-container","Nodes":[]}"#;
        fs::write(folder.path().join("mine"), note).unwrap();
        let driver = |name| driver_of(folder.path(), name);
        assert_eq!(driver("Mine").as_deref(), Some("docker-container"));
        assert_eq!(driver("other"), None);
        assert_eq!(driver("../mine"), None);
    }
}
