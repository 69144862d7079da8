//! The inputs of the action and its parts: their names and defaults.
//!
//! Owns the lists that the program reads inputs by. Each part's `action.yml`
//! repeats its list with descriptions for the runner; a test keeps the two
//! equal. The defaults stand here because a `docker://` step gets none from
//! `action.yml`.

use crate::error;

/// A part of the program, with inputs and an `action.yml` of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ActionKind {
    /// The action itself: build and publish.
    #[default]
    Publish,
    /// `metadata/`: version, tags, labels and annotations only.
    Metadata,
}

impl ActionKind {
    /// Its inputs, in the order of its `action.yml`.
    pub fn specs(self) -> &'static [InputSpec] {
        match self {
            Self::Publish => PUBLISH,
            Self::Metadata => METADATA,
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

    /// The input that says where ref and commit come from. In `publish`,
    /// `context` is the build context.
    pub fn context_input(self) -> &'static str {
        match self {
            Self::Publish => "metadata-context",
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
}

impl Group {
    /// Every group, in order.
    pub const ALL: [Self; 7] = [
        Self::Metadata,
        Self::Build,
        Self::Secrets,
        Self::Cache,
        Self::Builder,
        Self::Publishing,
        Self::Bake,
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
    spec(Group::Build, "ssh", ""),
    spec(Group::Build, "provenance", ""),
    spec(Group::Build, "sbom", ""),
    spec(Group::Build, "attests", ""),
    spec(Group::Build, "outputs", ""),
    spec(Group::Build, "call", ""),
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
