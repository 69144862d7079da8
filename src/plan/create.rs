//! The commands that make a builder, as docker/setup-buildx-action gives them to
//! buildx: `create`, one more for each further node, then `inspect --bootstrap`.
//!
//! Certificates and a configuration given as text are files of the run; the
//! commands name them by placeholders, as the build's arguments do.

use std::ffi::OsString;

use serde::{Serialize, Serializer};

use super::RunFiles;
use super::render::shown;
use crate::facts::Facts;
use crate::input::builder::{Cleanup, DaemonConfig, Driver, Node};
use crate::input::{Inputs, csv};

/// What docker/setup-buildx-action lets a build ask for when nothing is said.
const DEFAULT_FLAGS: &str = "--allow-insecure-entitlement security.insecure \
                             --allow-insecure-entitlement network.host";
/// The file of a configuration given as text, in the run's folder.
const CONFIG_FILE: &str = "buildkitd.toml";

/// The Docker context of a run, for an engine that only the environment tells of.
pub const CONTEXT: &str = "stevedore-engine";

/// A builder that the run makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Created {
    /// Its name.
    pub name: String,
    /// What it is made with.
    #[serde(serialize_with = "as_text")]
    pub driver: Driver,
    /// True when a container of the local engine is to be it.
    pub needs_engine: bool,
    /// True when it is made by way of [`CONTEXT`].
    pub needs_context: bool,
    /// True when its build cache is kept for the next run.
    pub keeps_state: bool,
    /// True when it is not removed at the end.
    pub stays: bool,
    /// What makes it, in this order.
    pub commands: Vec<SetUpCommand>,
}

/// Arguments for buildx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetUpCommand(Vec<Argument>);

/// One argument, or one that ends in the name of a file of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    Text(String),
    /// What stands before the path, and the file.
    File(String, String),
}

/// A file that a node shows its certificates or key in.
pub fn tls_file(node: usize, what: &str) -> String {
    format!("tls/node-{node}-{what}.pem")
}

/// The file of a configuration that was given as text.
pub fn config_file() -> &'static str {
    CONFIG_FILE
}

fn as_text<S: Serializer>(driver: &Driver, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(driver)
}

impl Serialize for SetUpCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.line())
    }
}

impl SetUpCommand {
    /// The arguments, with the run's files in their places.
    pub fn arguments(&self, files: &RunFiles) -> Vec<OsString> {
        let resolve = |argument: &Argument| match argument {
            Argument::Text(text) => text.into(),
            Argument::File(before, name) => field(before, &files.folder.join(name)),
        };
        self.0.iter().map(resolve).collect()
    }

    /// The command as a shell would take it.
    pub(super) fn line(&self) -> String {
        shown(|files| self.arguments(files))
    }

    fn of(words: &[&str]) -> Self {
        let text = |word: &&str| Argument::Text((*word).to_owned());
        Self(words.iter().map(text).collect())
    }

    fn option(&mut self, name: &str, value: impl Into<String>) {
        self.0.push(Argument::Text(name.to_owned()));
        self.0.push(Argument::Text(value.into()));
    }

    fn file(&mut self, name: &str, before: &str, file: String) {
        self.0.push(Argument::Text(name.to_owned()));
        self.0.push(Argument::File(before.to_owned(), file));
    }

    /// What the commands of all nodes have in common, as the original orders it.
    fn node(&mut self, node: &Node, index: usize, driver: Driver) {
        for option in &node.driver_opts {
            self.option("--driver-opt", option);
        }
        let over_tls = node
            .endpoint
            .as_ref()
            .is_some_and(|at| at.starts_with("tcp://"));
        if driver == Driver::Remote && over_tls {
            for (what, _) in node.tls.given() {
                self.file("--driver-opt", &format!("{what}="), tls_file(index, what));
            }
        }
        match &node.buildkitd_flags {
            Some(flags) => self.option("--buildkitd-flags", flags),
            None if driver != Driver::Remote => self.option("--buildkitd-flags", DEFAULT_FLAGS),
            None => {}
        }
        if !node.platforms.is_empty() {
            let list: Vec<String> = node.platforms.iter().map(ToString::to_string).collect();
            self.option("--platform", list.join(","));
        }
    }

    fn end(&mut self, node: &Node) {
        let endpoint = node.endpoint.clone();
        self.0.extend(endpoint.map(Argument::Text));
    }
}

/// `before` and a path as one field of CSV, which buildx reads options as.
fn field(before: &str, path: &std::path::Path) -> OsString {
    let mut argument = OsString::from(before);
    argument.push(path);
    match csv::quoted(&argument.to_string_lossy()) {
        Some(quoted) if !before.is_empty() => quoted.into(),
        _ => argument,
    }
}

impl Created {
    /// The builder that the inputs describe. `named` is the name that the
    /// workflow gave it.
    pub(super) fn of(inputs: &Inputs, facts: &Facts, named: Option<&str>) -> Self {
        let own = &inputs.own_builder;
        let driver = own.own_driver();
        let name = match named {
            Some(name) => name,
            None if own.keep_state => &facts.builder.lasting_name,
            None => &facts.builder.unique_name,
        };
        let mut create = SetUpCommand::of(&["create", "--name", name, "--driver", driver.as_str()]);
        create.node(&own.first, 0, driver);
        match &own.config {
            Some(DaemonConfig::File(path)) => {
                create.option("--buildkitd-config", path.display().to_string());
            }
            Some(DaemonConfig::Text(_)) => {
                create.file("--buildkitd-config", "", CONFIG_FILE.to_owned());
            }
            None => {}
        }
        let needs_engine = driver == Driver::DockerContainer && own.first.endpoint.is_none();
        let needs_context = needs_engine && facts.docker.endpoint.needs_context();
        if needs_context {
            create.0.push(Argument::Text(CONTEXT.to_owned()));
        }
        create.end(&own.first);
        let mut commands = vec![create];
        for (index, node) in own.append.iter().enumerate() {
            let mut append = SetUpCommand::of(&["create", "--name", name, "--append"]);
            if let Some(name) = &node.name {
                append.option("--node", name);
            }
            append.node(node, index + 1, driver);
            append.end(node);
            commands.push(append);
        }
        commands.push(SetUpCommand::of(&["inspect", "--bootstrap", name]));
        Self {
            name: name.to_owned(),
            driver,
            needs_engine,
            needs_context,
            keeps_state: own.keep_state,
            stays: own.cleanup == Cleanup::Nothing,
            commands,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::{facts, inputs};
    use super::*;
    use crate::facts::Endpoint;

    fn first_command(given: &[(&str, &str)], settings: Endpoint) -> String {
        let inputs = inputs(given);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.docker.endpoint = settings;
        Created::of(&inputs, &facts, Some("b")).commands[0].line()
    }

    #[test]
    fn certificates_of_the_environment_become_a_context() {
        let endpoint = |context: Option<&str>| Endpoint {
            host: Some("tcp://far:2376".to_owned()),
            certificates: Some("/certificates".into()),
            context: context.map(str::to_owned),
        };
        for (given, settings, expected) in [
            (vec![], endpoint(None), " stevedore-engine"),
            (vec![], endpoint(Some("far")), "network.host'"),
            (vec![], Endpoint::default(), "network.host'"),
            (vec![("endpoint", "there")], endpoint(None), " there"),
            (
                vec![("driver", "kubernetes")],
                endpoint(None),
                "network.host'",
            ),
        ] {
            let command = first_command(&given, settings);
            assert!(command.ends_with(expected), "{given:?}: {command}");
        }
    }

    #[test]
    fn a_path_is_one_field() {
        for (before, path, expected) in [
            ("key=", "/run/key.pem", "key=/run/key.pem"),
            ("key=", "/a,b/key.pem", "\"key=/a,b/key.pem\""),
            ("key=", "/a\"b", "\"key=/a\"\"b\""),
            ("", "/a,b", "/a,b"),
        ] {
            assert_eq!(field(before, Path::new(path)), expected);
        }
    }
}
