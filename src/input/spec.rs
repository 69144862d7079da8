//! The inputs of the action and its parts: their names and defaults.
//!
//! Owns the lists that the program reads inputs by. Each part's `action.yml`
//! repeats its list with descriptions for the runner; a test keeps the two
//! equal. The defaults stand here because a `docker://` step gets none from
//! `action.yml`.

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
        self.specs()
            .iter()
            .map(|spec| (strsim::jaro_winkler(spec.name, name), spec.name))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name)
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
}

const fn spec(name: &'static str, default: &'static str) -> InputSpec {
    InputSpec { name, default }
}

/// Every input of `publish`, in the order of `action.yml`.
pub const PUBLISH: &[InputSpec] = &[
    spec("images", ""),
    spec("tags", ""),
    spec("flavor", ""),
    spec("labels", ""),
    spec("annotations", ""),
    spec("metadata-context", "workflow"),
    spec("context", ""),
    spec("file", ""),
    spec("target", ""),
    spec("platforms", ""),
    spec("build-args", ""),
    spec("build-contexts", ""),
    spec("secrets", ""),
    spec("secret-envs", ""),
    spec("secret-files", ""),
    spec("ssh", ""),
    spec("provenance", ""),
    spec("sbom", ""),
    spec("attests", ""),
    spec("outputs", ""),
    spec("call", ""),
    spec("pull", "false"),
    spec("no-cache", "false"),
    spec("no-cache-filters", ""),
    spec("add-hosts", ""),
    spec("allow", ""),
    spec("network", ""),
    spec("shm-size", ""),
    spec("ulimit", ""),
    spec("cgroup-parent", ""),
    spec("bake-files", ""),
    spec("targets", ""),
    spec("set", ""),
    spec("push", "auto"),
    spec("preflight", "on"),
    spec("push-attempts", "3"),
    spec("stall-timeout", "10m"),
    spec("load", "false"),
    spec("registry", ""),
    spec("username", ""),
    spec("password", ""),
    spec("registry-auth", ""),
    spec("github-token", ""),
    spec("cache", "auto"),
    spec("cache-from", ""),
    spec("cache-to", ""),
    spec("builder", ""),
    spec("driver", ""),
    spec("driver-opts", ""),
    spec("buildkitd-flags", ""),
    spec("buildkitd-config", ""),
    spec("buildkitd-config-inline", ""),
    spec("endpoint", ""),
    spec("builder-platforms", ""),
    spec("append", ""),
    spec("keep-state", "false"),
    spec("cleanup", "builder"),
    spec("emulation", "auto"),
    spec(
        "binfmt-image",
        "docker.io/tonistiigi/binfmt:qemu-v10.2.3-68",
    ),
    spec("ca-certificates", ""),
];

/// Every input of `metadata`, in the order of `metadata/action.yml`.
pub const METADATA: &[InputSpec] = &[
    spec("context", "workflow"),
    spec("images", ""),
    spec("tags", ""),
    spec("flavor", ""),
    spec("labels", ""),
    spec("annotations", ""),
    spec("sep-tags", ""),
    spec("sep-labels", ""),
    spec("sep-annotations", ""),
    spec("bake-target", "docker-metadata-action"),
    spec("github-token", ""),
];
