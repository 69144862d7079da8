//! The inputs of the action and its parts: their names and defaults.
//!
//! Owns the lists that the program reads inputs by. Each part's `action.yml`
//! repeats its list with descriptions for the runner; a test keeps the two
//! equal. The defaults stand here because a `docker://` step gets none from
//! `action.yml`.

use std::sync::LazyLock;

use crate::error;

/// A part of the program, with inputs and an `action.yml` of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActionKind {
    /// The action itself: build and publish.
    #[default]
    Publish,
    /// `metadata/`: version, tags, labels and annotations only.
    Metadata,
    /// `plan/`: what the jobs of a matrix have in common.
    Plan,
    /// `merge/`: joins and names what they have built.
    Merge,
}

impl ActionKind {
    /// Its inputs, in the order of its `action.yml`.
    pub fn specs(self) -> &'static [InputSpec] {
        match self {
            Self::Publish => PUBLISH,
            Self::Metadata => METADATA,
            Self::Plan => plan_specs(),
            Self::Merge => MERGE,
        }
    }

    /// The input of this name.
    pub fn find(self, name: &str) -> Option<&'static InputSpec> {
        self.specs().iter().find(|spec| spec.name == name)
    }

    /// The input whose name is most like this one, when one is like it at all.
    pub fn nearest(self, name: &str) -> Option<&'static str> {
        error::nearest(name, self.specs().iter().map(|spec| spec.name))
    }

    /// The folder of its `action.yml`; empty for that of the action itself.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Publish => "",
            Self::Metadata => "metadata",
            Self::Plan => "plan",
            Self::Merge => "merge",
        }
    }

    /// The input that says where ref and commit come from. In `publish`,
    /// `context` is the build context.
    pub fn context_input(self) -> &'static str {
        match self {
            Self::Publish | Self::Plan | Self::Merge => "metadata-context",
            Self::Metadata => "context",
        }
    }
}

/// One input.
#[derive(Clone, Copy, Debug)]
pub struct InputSpec {
    /// The name in `with:`.
    pub name: &'static str,
    /// The value when the workflow gives none.
    pub default: &'static str,
    /// What it is about.
    pub group: Group,
}

/// What inputs are about, in the order in which README shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// What the image is called, and what is said of it.
    Metadata,
    /// What is built, and how.
    Build,
    /// Secrets of the build.
    Secrets,
    /// Where the build cache is kept.
    Cache,
    /// What builds, and what emulates.
    Builder,
    /// Where it goes, and with which login.
    Publishing,
    /// Several images at once.
    Bake,
    /// A job for each platform.
    Matrix,
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Self; 8] = [
        Self::Metadata,
        Self::Build,
        Self::Secrets,
        Self::Cache,
        Self::Builder,
        Self::Publishing,
        Self::Bake,
        Self::Matrix,
    ];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Metadata => "Image and tags",
            Self::Build => "Build",
            Self::Secrets => "Secrets",
            Self::Cache => "Cache",
            Self::Builder => "Builder, nodes and emulators",
            Self::Publishing => "Publishing and logins",
            Self::Bake => "Several images",
            Self::Matrix => "A job for each platform",
        }
    }
}

const fn spec(group: Group, name: &'static str, default: &'static str) -> InputSpec {
    InputSpec {
        name,
        default,
        group,
    }
}

/// Every input of `publish`, in the order of `action.yml`.
pub const PUBLISH: &[InputSpec] = &[
    spec(Group::Metadata, "images", ""),
    spec(Group::Metadata, "tags", ""),
    spec(Group::Metadata, "flavor", ""),
    spec(Group::Metadata, "labels", ""),
    spec(Group::Metadata, "annotations", ""),
    spec(Group::Metadata, "metadata-context", "workflow"),
    spec(Group::Build, "context", ""),
    spec(Group::Build, "file", ""),
    spec(Group::Build, "target", ""),
    spec(Group::Build, "platforms", ""),
    spec(Group::Build, "build-args", ""),
    spec(Group::Build, "build-contexts", ""),
    spec(Group::Secrets, "secrets", ""),
    spec(Group::Secrets, "secret-envs", ""),
    spec(Group::Secrets, "secret-files", ""),
    spec(Group::Secrets, "strict-secrets", "false"),
    spec(Group::Build, "ssh", ""),
    spec(Group::Build, "provenance", ""),
    spec(Group::Build, "sbom", ""),
    spec(Group::Build, "attests", ""),
    spec(Group::Build, "outputs", ""),
    spec(Group::Build, "call", ""),
    spec(Group::Build, "checks", "warn"),
    spec(Group::Build, "progress", "plain"),
    spec(Group::Build, "record", "off"),
    spec(Group::Build, "pull", "false"),
    spec(Group::Build, "no-cache", "false"),
    spec(Group::Build, "no-cache-filters", ""),
    spec(Group::Build, "add-hosts", ""),
    spec(Group::Build, "allow", ""),
    spec(Group::Build, "network", ""),
    spec(Group::Build, "shm-size", ""),
    spec(Group::Build, "ulimit", ""),
    spec(Group::Build, "cgroup-parent", ""),
    spec(Group::Bake, "bake-files", ""),
    spec(Group::Bake, "targets", ""),
    spec(Group::Bake, "set", ""),
    spec(Group::Publishing, "push", "auto"),
    spec(Group::Publishing, "preflight", "on"),
    spec(Group::Publishing, "test", ""),
    spec(Group::Publishing, "test-platforms", "native"),
    spec(Group::Publishing, "moving-tags", "forward"),
    spec(Group::Publishing, "version-tags", "overwrite"),
    spec(Group::Publishing, "all-or-none", "false"),
    spec(Group::Publishing, "size-limit", ""),
    spec(Group::Publishing, "push-attempts", "3"),
    spec(Group::Publishing, "stall-timeout", "10m"),
    spec(Group::Publishing, "load", "false"),
    spec(Group::Publishing, "registry", ""),
    spec(Group::Publishing, "username", ""),
    spec(Group::Publishing, "password", ""),
    spec(Group::Publishing, "registry-auth", ""),
    spec(Group::Publishing, "github-token", ""),
    spec(Group::Cache, "cache", "auto"),
    spec(Group::Cache, "cache-from", ""),
    spec(Group::Cache, "cache-to", ""),
    spec(Group::Builder, "builder", ""),
    spec(Group::Builder, "driver", ""),
    spec(Group::Builder, "driver-opts", ""),
    spec(Group::Builder, "buildkitd-flags", ""),
    spec(Group::Builder, "buildkitd-config", ""),
    spec(Group::Builder, "buildkitd-config-inline", ""),
    spec(Group::Builder, "endpoint", ""),
    spec(Group::Builder, "builder-platforms", ""),
    spec(Group::Builder, "append", ""),
    spec(Group::Builder, "keep-state", "false"),
    spec(Group::Builder, "cleanup", "builder"),
    spec(Group::Builder, "emulation", "auto"),
    spec(
        Group::Builder,
        "binfmt-image",
        "docker.io/tonistiigi/binfmt:qemu-v10.2.3-68",
    ),
    spec(Group::Publishing, "ca-certificates", ""),
    spec(Group::Matrix, "plan", ""),
    spec(Group::Matrix, "leg", ""),
    spec(Group::Matrix, "job-id", ""),
];

/// What a leg has and its plan has not.
const OF_LEG: [&str; 3] = ["plan", "leg", "job-id"];
/// What a plan has and `publish` has not.
const RUNNERS: InputSpec = spec(Group::Matrix, "runners", "");

/// Every input of `plan`, in the order of `plan/action.yml`: those of `publish`, so that
/// both can be given the same.
fn plan_specs() -> &'static [InputSpec] {
    static SPECS: LazyLock<Vec<InputSpec>> = LazyLock::new(|| {
        let of_publish = PUBLISH.iter().copied();
        let shared = of_publish.filter(|spec| !OF_LEG.contains(&spec.name));
        shared.chain([RUNNERS]).collect()
    });
    &SPECS
}

/// Every input of `merge`, in the order of `merge/action.yml`.
pub const MERGE: &[InputSpec] = &[
    spec(Group::Matrix, "plan", ""),
    spec(Group::Matrix, "results", ""),
    spec(Group::Publishing, "push-attempts", "3"),
    spec(Group::Publishing, "stall-timeout", "10m"),
    spec(Group::Publishing, "registry", ""),
    spec(Group::Publishing, "username", ""),
    spec(Group::Publishing, "password", ""),
    spec(Group::Publishing, "registry-auth", ""),
    spec(Group::Publishing, "github-token", ""),
    spec(Group::Publishing, "ca-certificates", ""),
];

/// Every input of `metadata`, in the order of `metadata/action.yml`.
pub const METADATA: &[InputSpec] = &[
    spec(Group::Metadata, "context", "workflow"),
    spec(Group::Metadata, "images", ""),
    spec(Group::Metadata, "tags", ""),
    spec(Group::Metadata, "flavor", ""),
    spec(Group::Metadata, "labels", ""),
    spec(Group::Metadata, "annotations", ""),
    spec(Group::Metadata, "sep-tags", ""),
    spec(Group::Metadata, "sep-labels", ""),
    spec(Group::Metadata, "sep-annotations", ""),
    spec(Group::Metadata, "bake-target", "docker-metadata-action"),
    spec(Group::Metadata, "github-token", ""),
];
