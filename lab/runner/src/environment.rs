//! The environment of a stage.
//!
//! Owns which variables a step sees and which of the host's it must not see.
//! Specification: GitHub's "Variables reference"; the runner's GitHubContext
//! and RunnerContext.

use std::collections::BTreeMap;
use std::path::Path;

use crate::Context;
use crate::file_commands::Files;
use crate::folders::Folders;

/// A stage's variables.
pub(crate) type Variables = BTreeMap<String, String>;

/// The host's own variables that would make a run depend on where it is started.
const SCRUBBED: [&str; 6] = [
    "GITHUB_",
    "INPUT_",
    "RUNNER_",
    "ACTIONS_",
    "STATE_",
    "STEVEDORE_",
];

/// The host's environment without what belongs to another run.
pub(crate) fn host() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| !SCRUBBED.iter().any(|prefix| name.starts_with(prefix)))
        .collect()
}

/// `GITHUB_…` and `RUNNER_…`, as of a run on this machine.
pub(crate) fn run(context: &Context, folders: &Folders, files: &Files) -> Variables {
    let mut variables: Variables = context
        .github()
        .into_iter()
        .map(|(name, value)| (format!("GITHUB_{}", name.to_uppercase()), value))
        .collect();
    let mut set = |name: &str, value: String| variables.insert(name.into(), value);
    for (name, file) in files.named() {
        set(&format!("GITHUB_{}", name.to_uppercase()), text(file));
    }
    set("GITHUB_EVENT_PATH", text(&folders.event_file()));
    set("GITHUB_WORKSPACE", text(&folders.workspace));
    set("GITHUB_ACTIONS", "true".into());
    for (name, value) in runner(context, folders) {
        set(&format!("RUNNER_{}", name.to_uppercase()), value);
    }
    variables
}

/// The `runner` context.
pub(crate) fn runner(context: &Context, folders: &Folders) -> Vec<(&'static str, String)> {
    let os = if cfg!(target_os = "macos") {
        "macOS"
    } else {
        "Linux"
    };
    let arch = if cfg!(target_arch = "aarch64") {
        "ARM64"
    } else {
        "X64"
    };
    let parent = folders.workspace.parent().unwrap_or(&folders.workspace);
    let mut values = vec![
        ("arch", arch.into()),
        ("environment", "self-hosted".into()),
        ("name", "lab".into()),
        ("os", os.into()),
        ("temp", text(&folders.temp())),
        ("tool_cache", text(&folders.tool_cache)),
        ("workspace", text(parent)),
    ];
    if context.debug {
        values.push(("debug", "1".into()));
    }
    values
}

pub(crate) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
