//! The builder and its emulators: what docker/setup-buildx-action and
//! docker/setup-qemu-action take.
//!
//! Owns [`BuilderInputs`]; `read` makes them from strings.

use std::fmt;
use std::path::PathBuf;

use crate::env_vars;
use crate::host::Host;
use crate::image::Platform;
use crate::input::grammar::csv;
use crate::secret::Secret;

/// What runs BuildKit, as `buildx create --driver` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// The engine's own BuildKit.
    Docker,
    /// A container of the image moby/buildkit.
    DockerContainer,
    /// Pods of a Kubernetes cluster.
    Kubernetes,
    /// A BuildKit that runs already.
    Remote,
}

/// The input `emulation`: whether handlers are installed in the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmulationWish {
    /// Where something would not run without.
    #[default]
    Auto,
    /// In no case.
    Never,
    /// For every platform that is not the engine's own.
    Always,
}

/// The input `cleanup`: what is taken away after the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cleanup {
    /// Nothing: a builder stays for later steps.
    Nothing,
    /// The builder that the run made.
    #[default]
    Builder,
    /// That, the handlers that the run installed, and the images that it left
    /// in the engine.
    All,
}

/// The configuration of buildkitd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaemonConfig {
    /// `buildkitd-config`: a file.
    File(PathBuf),
    /// `buildkitd-config-inline`: its text.
    Text(String),
}

/// What a node shows to be let in, each PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The authority that signed the other side's certificate.
    pub authority: Option<Secret>,
    /// The certificate of this side.
    pub certificate: Option<Secret>,
    /// Its key.
    pub key: Option<Secret>,
}

/// One machine of a builder.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Its name; `None` leaves it to buildx.
    pub name: Option<String>,
    /// A socket, an address or a Docker context.
    pub endpoint: Option<String>,
    /// What it is to build for; empty means what it says itself.
    pub platforms: Vec<Platform>,
    /// Options of the driver, `KEY=VALUE`.
    pub driver_opts: Vec<String>,
    /// Options of buildkitd, as a shell would split them.
    pub buildkitd_flags: Option<String>,
    /// From the environment, not from an input.
    pub tls: Tls,
}

/// Every input about the builder but its name.
#[derive(Clone, Debug, Default)]
pub struct BuilderInputs {
    /// `driver`; `None` leaves the choice to the plan.
    pub driver: Option<Driver>,
    /// `endpoint`, `builder-platforms`, `driver-opts`, `buildkitd-flags`.
    pub first: Node,
    /// `append`: further nodes.
    pub append: Vec<Node>,
    /// `buildkitd-config` or `buildkitd-config-inline`.
    pub config: Option<DaemonConfig>,
    /// `keep-state`.
    pub keep_state: bool,
    /// `cleanup`.
    pub cleanup: Cleanup,
    /// `emulation`.
    pub emulation: EmulationWish,
    /// `binfmt-image`.
    pub binfmt_image: String,
}

impl Driver {
    pub const ACCEPTED: &str = "docker, docker-container, kubernetes or remote";

    pub fn parse(text: &str) -> Option<Self> {
        let all = [
            Self::Docker,
            Self::DockerContainer,
            Self::Kubernetes,
            Self::Remote,
        ];
        all.into_iter().find(|driver| driver.as_str() == text)
    }

    /// The name that buildx knows it by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::DockerContainer => "docker-container",
            Self::Kubernetes => "kubernetes",
            Self::Remote => "remote",
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl BuilderInputs {
    /// The input that only a builder of the run's own can follow, when one is
    /// given.
    pub fn asks_for_own(&self) -> Option<&'static str> {
        let first = &self.first;
        let driver = self.driver.is_some_and(|driver| driver != Driver::Docker);
        [
            ("driver", driver),
            ("endpoint", first.endpoint.is_some()),
            ("builder-platforms", !first.platforms.is_empty()),
            ("driver-opts", !first.driver_opts.is_empty()),
            ("buildkitd-flags", first.buildkitd_flags.is_some()),
            (
                "buildkitd-config",
                matches!(self.config, Some(DaemonConfig::File(_))),
            ),
            ("buildkitd-config-inline", self.config.is_some()),
            ("append", !self.append.is_empty()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
    }

    /// The driver of a builder of the run's own.
    pub fn own_driver(&self) -> Driver {
        self.driver.unwrap_or(Driver::DockerContainer)
    }

    /// Every node, the first one first.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.first).chain(&self.append)
    }

    /// The certificates and keys of all nodes.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let all = self.nodes().flat_map(|node| node.tls.given());
        all.map(|(_, secret)| secret)
    }
}

impl Node {
    /// The network that its container is given.
    pub fn network(&self) -> Option<String> {
        let mut all = self.driver_opts.iter().rev();
        all.find_map(|option| {
            let fields = csv::attributes(option).ok()?;
            csv::value(&fields, "network").map(str::to_owned)
        })
    }

    /// True for a container of an engine on this machine.
    pub fn is_here(&self) -> bool {
        let endpoint = self.endpoint.as_deref();
        endpoint.is_none_or(|at| at.starts_with("unix://"))
    }
}

impl Tls {
    /// Those that are there, by the names of the remote driver's options.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &Secret)> {
        let all = [
            ("cacert", &self.authority),
            ("cert", &self.certificate),
            ("key", &self.key),
        ];
        let given = all.into_iter();
        given.filter_map(|(what, secret)| Some((what, secret.as_ref()?)))
    }

    /// `BUILDER_NODE_n_AUTH_TLS_CACERT`, `…_CERT` and `…_KEY`, nodes counted
    /// from 0.
    pub fn of_node(index: usize, host: &Host) -> Self {
        let read = |what: &str| {
            let name = format!("{}{index}_AUTH_TLS_{what}", env_vars::BUILDER_NODE);
            Secret::new(host.var(&name)?)
        };
        Self {
            authority: read("CACERT"),
            certificate: read("CERT"),
            key: read("KEY"),
        }
    }
}
