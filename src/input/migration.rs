//! The inputs of the actions that this one stands in for: what has become of
//! each.
//!
//! Owns the one list behind docs/moving.md and the warning about an input that
//! is none of ours. It reads no value.

/// An action whose step can go.
#[derive(Clone, Copy, Debug)]
pub struct ReplacedAction {
    /// Its name on GitHub.
    pub action: &'static str,
    /// Its inputs, in the order of its `action.yml`.
    pub inputs: &'static [InputMapping],
}

/// An input of another action.
#[derive(Clone, Copy, Debug)]
pub struct InputMapping {
    /// Its name there.
    pub name: &'static str,
    /// What has become of it here.
    pub counterpart: Counterpart,
    /// What to know, or what to do instead.
    pub advice: &'static str,
}

/// What has become of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterpart {
    /// It has the same name and meaning.
    Kept,
    /// It has another name.
    Renamed(&'static str),
    /// There is no such input.
    Refused,
}

const fn kept(name: &'static str) -> InputMapping {
    noted(name, "")
}

const fn noted(name: &'static str, advice: &'static str) -> InputMapping {
    InputMapping {
        name,
        counterpart: Counterpart::Kept,
        advice,
    }
}

const fn renamed(name: &'static str, to: &'static str, advice: &'static str) -> InputMapping {
    InputMapping {
        name,
        counterpart: Counterpart::Renamed(to),
        advice,
    }
}

const fn refused(name: &'static str, advice: &'static str) -> InputMapping {
    InputMapping {
        name,
        counterpart: Counterpart::Refused,
        advice,
    }
}

/// Every action, in the order in which a workflow has them.
pub const REPLACED_ACTIONS: &[ReplacedAction] = &[
    ReplacedAction {
        action: "docker/setup-qemu-action",
        inputs: QEMU,
    },
    ReplacedAction {
        action: "docker/setup-buildx-action",
        inputs: BUILDX,
    },
    ReplacedAction {
        action: "docker/login-action",
        inputs: LOGIN,
    },
    ReplacedAction {
        action: "docker/metadata-action",
        inputs: METADATA,
    },
    ReplacedAction {
        action: "docker/build-push-action",
        inputs: BUILD,
    },
    ReplacedAction {
        action: "docker/bake-action",
        inputs: BAKE,
    },
];

const QEMU: &[InputMapping] = &[
    renamed("image", "binfmt-image", ""),
    refused(
        "platforms",
        "not needed: emulators are installed for the `platforms` of the build that need one",
    ),
    refused(
        "reset",
        "not needed: only emulators that are missing are installed",
    ),
    refused(
        "cache-image",
        "not needed: the image is pulled only when an emulator is missing",
    ),
];

const BUILDX: &[InputMapping] = &[
    refused(
        "version",
        "the buildx that the runner has is used; for another one put docker/setup-buildx-action \
         with `version` before this step",
    ),
    noted(
        "driver",
        "empty means what the build needs, not always docker-container",
    ),
    kept("driver-opts"),
    kept("buildkitd-flags"),
    kept("buildkitd-config"),
    kept("buildkitd-config-inline"),
    refused(
        "use",
        "not needed: a builder that this step makes is for this step alone",
    ),
    renamed(
        "name",
        "builder",
        "used where it exists, else made as `driver` and the like say",
    ),
    kept("endpoint"),
    renamed("platforms", "builder-platforms", ""),
    kept("append"),
    kept("keep-state"),
    refused("cache-binary", "not needed: no buildx is downloaded"),
    kept("cleanup"),
    refused(
        "install",
        "`docker build` stays as it is; put docker/setup-buildx-action before this step for other \
         steps that need it otherwise",
    ),
    renamed("config", "buildkitd-config", ""),
    renamed("config-inline", "buildkitd-config-inline", ""),
];

const LOGIN: &[InputMapping] = &[
    noted("registry", "empty means the registry of `images`"),
    kept("username"),
    kept("password"),
    refused(
        "ecr",
        "put aws-actions/amazon-ecr-login before this step: the runner's logins are used",
    ),
    refused(
        "scope",
        "not needed: the run has a Docker configuration of its own, and each registry one login",
    ),
    refused(
        "logout",
        "not needed: the run's logins are gone when it ends; for later steps keep \
         docker/login-action",
    ),
    kept("registry-auth"),
];

/// What the action in `metadata/` has instead.
const NAMES_ALONE: &str = "the action in this one's folder `metadata` has it, for other builders";

const METADATA: &[InputMapping] = &[
    renamed("context", "metadata-context", ""),
    noted("images", "empty means the repository's own name"),
    kept("tags"),
    kept("flavor"),
    kept("labels"),
    kept("annotations"),
    refused("sep-tags", NAMES_ALONE),
    refused("sep-labels", NAMES_ALONE),
    refused("sep-annotations", NAMES_ALONE),
    refused("bake-target", NAMES_ALONE),
    kept("github-token"),
];

const BUILD: &[InputMapping] = &[
    kept("add-hosts"),
    kept("allow"),
    noted(
        "annotations",
        "an entry without a level such as `index:` is for the manifest, and with several platforms \
         for the index too, beside the eight of OCI",
    ),
    kept("attests"),
    noted(
        "build-args",
        "an expression of the metadata language is replaced; one that looks like a secret is warned about",
    ),
    kept("build-contexts"),
    kept("builder"),
    kept("cache-from"),
    kept("cache-to"),
    kept("call"),
    kept("cgroup-parent"),
    noted(
        "context",
        "empty means the workspace when something is checked out there, else the repository",
    ),
    kept("file"),
    noted("labels", "beside the eight of OCI"),
    kept("load"),
    kept("network"),
    kept("no-cache"),
    kept("no-cache-filters"),
    noted(
        "outputs",
        "nothing is pushed beside it unless `push: true` says so; what an entry pushes has the \
         names of `images` and `tags`, and its own `name=`",
    ),
    noted(
        "platforms",
        "empty means linux/amd64 and linux/arm64; with `load`, `call` or `type=docker` the builder's own",
    ),
    kept("provenance"),
    kept("pull"),
    noted("push", "empty means `auto`: as the event suggests"),
    kept("sbom"),
    kept("secrets"),
    kept("secret-envs"),
    kept("secret-files"),
    kept("shm-size"),
    kept("ssh"),
    noted(
        "tags",
        "references with a `:`, rules of docker/metadata-action, or both",
    ),
    kept("target"),
    kept("ulimit"),
    kept("github-token"),
];

const BAKE: &[InputMapping] = &[
    kept("builder"),
    kept("allow"),
    refused(
        "call",
        "`call` of a target in the bake file; the input here is about one image",
    ),
    renamed("files", "bake-files", "has no default"),
    kept("no-cache"),
    kept("pull"),
    kept("load"),
    noted("provenance", "what the bake file says of a target wins"),
    noted("push", "empty means `auto`: as the event suggests"),
    noted("sbom", "what the bake file says of a target wins"),
    kept("set"),
    refused(
        "source",
        "the bake files are those of the checkout; the `context` of a target may be elsewhere",
    ),
    kept("targets"),
    refused(
        "vars",
        "bake files read their variables from the environment: `env` of the step",
    ),
    kept("github-token"),
];

/// What to do about an input that is none of ours, when one of these actions
/// has it: the action, and the advice as a sentence.
pub fn advice(name: &str) -> Option<String> {
    let told: Vec<String> = REPLACED_ACTIONS
        .iter()
        .filter_map(|former| {
            let moved = former.inputs.iter().find(|moved| moved.name == name)?;
            let what = match moved.counterpart {
                Counterpart::Kept => return None,
                Counterpart::Renamed(to) if moved.advice.is_empty() => format!("is `{to}` here"),
                Counterpart::Renamed(to) => format!("is `{to}` here ({})", moved.advice),
                Counterpart::Refused => format!("has no counterpart: {}", moved.advice),
            };
            Some(format!("that of {} {what}", former.action))
        })
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::spec::ActionKind;

    #[test]
    fn advice_names_the_new_input_or_what_to_do() {
        let of_image = advice("image").unwrap();
        assert!(
            of_image.contains("docker/setup-qemu-action is `binfmt-image`"),
            "{of_image}"
        );
        assert!(advice("logout").unwrap().contains("not needed"));
        assert_eq!(advice("target"), None, "that is an input");
        assert_eq!(advice("taget"), None);
    }

    #[test]
    fn what_is_refused_says_what_to_do() {
        for moved in REPLACED_ACTIONS.iter().flat_map(|former| former.inputs) {
            assert!(
                moved.counterpart != Counterpart::Refused || !moved.advice.is_empty(),
                "{moved:?}"
            );
        }
    }

    #[test]
    fn what_is_kept_is_an_input_of_ours() {
        for moved in BUILD.iter().chain(LOGIN) {
            let is_input = ActionKind::Publish.find(moved.name).is_some();
            assert_eq!(
                is_input,
                moved.counterpart == Counterpart::Kept,
                "{moved:?}"
            );
        }
        for moved in METADATA.iter().chain(BUILDX).chain(BAKE) {
            let here = match moved.counterpart {
                Counterpart::Kept => moved.name,
                Counterpart::Renamed(to) => to,
                Counterpart::Refused => continue,
            };
            assert!(ActionKind::Publish.find(here).is_some(), "{moved:?}");
        }
    }
}
