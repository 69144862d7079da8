//! What buildx says of the nodes of a builder, and why it does not reach one.
//!
//! `buildx inspect` prints a block for each node, the same since 0.13: `Name`,
//! `Endpoint`, then `Error`, or `Status` and `Platforms`. What a node says of
//! itself beside that is indented.

use std::fmt;
use std::time::Duration;

use crate::error::sanitize::clean;
use crate::execute::error::Error;
use crate::host::{Command, Host};
use crate::image::Platform;

/// How much of a reason is shown, in characters.
const LONGEST: usize = 300;

/// A node in the words of `buildx inspect`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeStatus {
    pub name: String,
    pub endpoint: String,
    /// Why buildx could not ask it.
    pub error: Option<String>,
    /// `running` when it can build.
    pub status: String,
    /// The version of its BuildKit, where it told it.
    version: String,
    /// What it runs, that which it is given by its builder first.
    pub platforms: Vec<Platform>,
}

impl NodeStatus {
    pub fn is_up(&self) -> bool {
        self.error.is_none() && self.status == "running"
    }

    fn read(&mut self, line: &str) {
        let Some((field, value)) = line.split_once(':') else {
            return;
        };
        let value = value.trim();
        match field {
            "Endpoint" => value.clone_into(&mut self.endpoint),
            "Error" => self.error = Some(value.to_owned()),
            "Status" => value.clone_into(&mut self.status),
            // `Buildkit` until buildx 0.14.
            "BuildKit version" | "Buildkit" => value.clone_into(&mut self.version),
            "Platforms" => self.platforms = platforms(value),
            _ => {}
        }
    }
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platforms: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
        let Self { name, version, .. } = self;
        write!(
            f,
            "{name} runs BuildKit {version}, for {}",
            platforms.join(", ")
        )
    }
}

/// The nodes in what `buildx inspect` prints.
pub fn nodes(said: &str) -> Vec<NodeStatus> {
    let mut nodes: Vec<NodeStatus> = Vec::new();
    for line in said.lines().skip_while(|line| *line != "Nodes:") {
        match line.strip_prefix("Name:") {
            Some(name) => nodes.push(NodeStatus {
                name: name.trim().to_owned(),
                ..NodeStatus::default()
            }),
            None => nodes
                .iter_mut()
                .last()
                .into_iter()
                .for_each(|node| node.read(line)),
        }
    }
    nodes
}

/// The driver in what `buildx inspect` prints.
pub fn driver(said: &str) -> Option<&str> {
    let mut lines = said.lines();
    lines
        .find_map(|line| line.strip_prefix("Driver:"))
        .map(str::trim)
}

/// A list of platforms, those that are pinned marked with a star.
pub fn platforms(list: &str) -> Vec<Platform> {
    let names = list
        .split(',')
        .map(|name| name.trim().trim_end_matches('*'));
    names.filter_map(|name| name.parse().ok()).collect()
}

/// Why `buildx create` gave a node up, when that is what its last words say;
/// other words are of a mistake in the inputs.
pub fn given_up(words: &str) -> Option<String> {
    let rest = words.split_once("failed to initialize builder ")?.1;
    Some(reason(rest.split_once("): ")?.1))
}

/// What failed, in one line, without the layers that it came through.
pub fn reason(words: &str) -> String {
    let quoted = words
        .split_once("desc = \"")
        .map(|(_, inner)| inner.trim_end().trim_end_matches('"'));
    let inner = quoted
        .unwrap_or(words)
        .trim_start_matches("transport: ")
        .trim_start_matches("Error while dialing: ");
    clean(inner, LONGEST)
}

/// What `buildx inspect` prints of a builder, when it prints anything in time.
pub async fn inspect_builder(
    base: &Command,
    name: &str,
    host: &Host,
) -> Result<Option<String>, Error> {
    let inspect = base.clone().args(["inspect", name]);
    let inspect = tokio::time::timeout(ASK, inspect.read(host));
    let said = host.unless_cancelled(inspect).await?;
    Ok(said.ok().and_then(Result::ok))
}

/// How long buildx may take to ask all nodes; it gives up after 20 s by itself.
pub const ASK: Duration = Duration::from_secs(25);

#[cfg(test)]
mod tests {
    use super::*;

    /// buildx 0.29, with one node down and one whose engine does not answer.
    const INSPECTED: &str = "#1 [internal] waiting for connection
Name:          two
Driver:        remote
Last Activity: 2026-11-24 21:42:28 +0000 UTC

Nodes:
Name:             two0
Endpoint:         tcp://a:1234
Driver Options:   servername=\"a\"
Status:           running
BuildKit version: v0.25.1
Platforms:        linux/amd64*, linux/amd64/v2, linux/arm64
Labels:
 Status:                                   stopped
 org.mobyproject.buildkit.worker.executor: containerd
GC Policy rule#0:
 All:            false

Name:     two1
Endpoint: tcp://b:1234
Status:   inactive

Name:     two2
Endpoint: far
Error:    Cannot connect to the Docker daemon at tcp://far:2376. Is the docker daemon running?
";

    #[test]
    fn each_node_is_read() {
        let nodes = nodes(INSPECTED);
        let seen: Vec<_> = nodes
            .iter()
            .map(|node| (node.name.as_str(), node.endpoint.as_str(), node.is_up()))
            .collect();
        assert_eq!(
            seen,
            [
                ("two0", "tcp://a:1234", true),
                ("two1", "tcp://b:1234", false),
                ("two2", "far", false)
            ]
        );
        assert_eq!(
            nodes[0].to_string(),
            "two0 runs BuildKit v0.25.1, for linux/amd64, linux/amd64/v2, linux/arm64"
        );
        let runs: Vec<String> = nodes[0].platforms.iter().map(ToString::to_string).collect();
        assert_eq!(runs, ["linux/amd64", "linux/amd64/v2", "linux/arm64"]);
        assert!(
            nodes[2]
                .error
                .as_ref()
                .unwrap()
                .starts_with("Cannot connect")
        );
        assert_eq!(driver(INSPECTED), Some("remote"));
        assert_eq!(super::nodes("Name: b\nError: no such host\n"), []);
    }

    #[test]
    fn a_reason_is_one_plain_line() {
        for (words, expected) in [
            (
                "failed to call diskusage: Unavailable: connection error: desc = \"transport: \
                 Error while dialing: dial tcp 10.0.0.1:1: connect: connection refused\"",
                "dial tcp 10.0.0.1:1: connect: connection refused",
            ),
            (
                "connection error: desc = \"error reading server preface: tls: failed to verify \
                 certificate: x509: \\\"a\\\"\"",
                "error reading server preface: tls: failed to verify certificate: x509: \\\"a\\",
            ),
            ("no\n such  host", "no such host"),
        ] {
            assert_eq!(reason(words), expected);
        }
        assert_eq!(reason(&"é".repeat(400)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn a_node_that_is_given_up_is_no_mistake_in_the_inputs() {
        let words = "failed to initialize builder b (b1): Cannot connect to the Docker daemon";
        let expected = Some("Cannot connect to the Docker daemon".to_owned());
        assert_eq!(given_up(words), expected);
        assert_eq!(given_up("invalid value \"x\", expecting k=v"), None);
    }
}
