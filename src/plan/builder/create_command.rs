//! The commands that make a builder, as docker/setup-buildx-action gives them to
//! buildx.

use std::ffi::OsString;

use serde::{Serialize, Serializer};

use crate::image::Platform;
use crate::input::builder::{BuilderInputs, DaemonConfig, Driver, Node};
use crate::input::grammar::csv;
use crate::plan::run_files::RunFiles;
use crate::plan::shell::shell_line;

/// What docker/setup-buildx-action lets a build ask for when nothing is said.
const DEFAULT_FLAGS: &str = "--allow-insecure-entitlement security.insecure \
                             --allow-insecure-entitlement network.host";

/// The file of a configuration that the run writes, in its folder.
const CONFIG_FILE: &str = "buildkitd.toml";

/// The same for the nodes after the first.
const FURTHER_CONFIG_FILE: &str = "buildkitd-append.toml";

const CONFIG_OPTION: &str = "--buildkitd-config";

/// What lets a builder's container reach the loopback of its machine.
const HOST_NETWORK: &str = "network=host";

/// Arguments for buildx.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateCommand(Vec<Argument>);

/// One argument, or one that ends in the name of a file of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    Text(String),
    /// What stands before the path, and the file.
    File(String, String),
}

/// What makes a node, beside its name and its platforms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateStep {
    options: CreateCommand,
    config: CreateCommand,
    end: CreateCommand,
}

impl CreateStep {
    /// Gives a container the network of its machine.
    pub fn use_host_network(&mut self) {
        self.options.option("--driver-opt", HOST_NETWORK);
    }

    /// Has the run write the configuration of this node.
    pub fn write_config(&mut self, index: usize) {
        self.config = CreateCommand::default();
        let file = config_file(index).to_owned();
        self.config.file(CONFIG_OPTION, "", file);
    }

    /// The command that begins like this, as the original orders the rest.
    pub fn command(&self, mut begin: CreateCommand, platforms: &[Platform]) -> CreateCommand {
        begin.0.extend_from_slice(&self.options.0);
        if !platforms.is_empty() {
            let list: Vec<String> = platforms.iter().map(ToString::to_string).collect();
            begin.option("--platform", list.join(","));
        }
        begin.0.extend_from_slice(&self.config.0);
        begin.0.extend_from_slice(&self.end.0);
        begin
    }

    /// What makes the node of this index.
    pub fn of(own: &BuilderInputs, node: &Node, index: usize, needs_context: bool) -> Self {
        let mut making = Self::default();
        making.options.node(node, index, own.own_driver());
        match &own.config {
            // As in the original, the first node's alone.
            _ if index > 0 => {}
            Some(DaemonConfig::File(path)) => {
                let path = path.display().to_string();
                making.config.option(CONFIG_OPTION, path);
            }
            Some(DaemonConfig::Text(_)) => making.write_config(index),
            None => {}
        }
        if index == 0 && needs_context {
            making.end.0.push(Argument::Text(CONTEXT.to_owned()));
        }
        making
            .end
            .0
            .extend(node.endpoint.clone().map(Argument::Text));
        making
    }
}

/// A file that a node shows its certificates or key in.
pub fn tls_file(node: usize, what: &str) -> String {
    format!("tls/node-{node}-{what}.pem")
}

/// The file of a configuration of buildkitd that the run writes for a node.
pub fn config_file(node: usize) -> &'static str {
    match node {
        0 => CONFIG_FILE,
        _ => FURTHER_CONFIG_FILE,
    }
}

impl Serialize for CreateCommand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.line())
    }
}

impl CreateCommand {
    /// The arguments, with the run's files in their places.
    pub fn arguments(&self, files: &RunFiles) -> Vec<OsString> {
        let resolve = |argument: &Argument| match argument {
            Argument::Text(text) => text.into(),
            Argument::File(before, name) => field(before, &files.folder.join(name)),
        };
        self.0.iter().map(resolve).collect()
    }

    /// The command as a shell would take it.
    pub fn line(&self) -> String {
        shell_line(|files| self.arguments(files))
    }

    pub fn of(words: &[&str]) -> Self {
        let text = |word: &&str| Argument::Text((*word).to_owned());
        Self(words.iter().map(text).collect())
    }

    /// How the command of a node begins. The first one makes the builder, and
    /// says with which driver.
    pub fn begin(builder: &str, first: Option<Driver>, node: Option<&str>) -> Self {
        let mut command = Self::of(&["create", "--name", builder]);
        match first {
            Some(driver) => command.option("--driver", driver.as_str()),
            None => command.0.push(Argument::Text("--append".to_owned())),
        }
        if let Some(node) = node {
            command.option("--node", node);
        }
        command
    }

    pub fn option(&mut self, name: &str, value: impl Into<String>) {
        self.0.push(Argument::Text(name.to_owned()));
        self.0.push(Argument::Text(value.into()));
    }

    pub fn file(&mut self, name: &str, before: &str, file: String) {
        self.0.push(Argument::Text(name.to_owned()));
        self.0.push(Argument::File(before.to_owned(), file));
    }

    /// What the commands of all nodes have in common, as the original orders it.
    pub fn node(&mut self, node: &Node, index: usize, driver: Driver) {
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

/// The Docker context of a run, for an engine that only the environment tells of.
pub const CONTEXT: &str = "stevedore-engine";

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

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
