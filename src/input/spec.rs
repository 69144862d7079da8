//! The inputs of the action: their names and defaults.
//!
//! Owns the one list that the program reads inputs by. `action.yml` repeats it
//! with descriptions for the runner; a test keeps the two equal. The defaults
//! stand here because a `docker://` step gets none from `action.yml`.

/// One input.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// The name in `with:`.
    pub name: &'static str,
    /// The value when the workflow gives none.
    pub default: &'static str,
}

const fn spec(name: &'static str, default: &'static str) -> Spec {
    Spec { name, default }
}

/// Every input of `publish`, in the order of `action.yml`.
pub const PUBLISH: &[Spec] = &[
    spec("images", ""),
    spec("tags", ""),
    spec("flavor", ""),
    spec("labels", ""),
    spec("annotations", ""),
    spec("context", ""),
    spec("file", ""),
    spec("target", ""),
    spec("platforms", "linux/amd64,linux/arm64"),
    spec("build-args", ""),
    spec("push", "auto"),
    spec("load", "false"),
    spec("registry", ""),
    spec("username", ""),
    spec("password", ""),
    spec("registry-auth", ""),
    spec("github-token", ""),
    spec("cache-from", ""),
    spec("cache-to", ""),
    spec("builder", ""),
    spec("ca-certificates", ""),
];

/// The input of this name.
pub fn find(name: &str) -> Option<&'static Spec> {
    PUBLISH.iter().find(|spec| spec.name == name)
}

/// The input whose name is most like this one, when one is like it at all.
pub fn nearest(name: &str) -> Option<&'static str> {
    PUBLISH
        .iter()
        .map(|spec| (strsim::jaro_winkler(spec.name, name), spec.name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
