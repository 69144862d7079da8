//! The workspace: is something checked out, is the context there, which
//! Dockerfiles are, and what the one to build says.

use std::fs;
use std::path::Path;

use crate::host::Host;
use crate::vars;

/// What the files of the workspace say. Asks the file system only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// True when the workspace holds a checkout.
    pub has_checkout: bool,
    /// True outside a workflow, where the working directory is what is meant.
    pub is_local_run: bool,
    /// True when the context is a folder or file that is there.
    pub context_exists: bool,
    /// The Dockerfile's text, when it is there and readable.
    pub dockerfile: Option<String>,
    /// The Dockerfiles that there are, as paths from the working directory.
    pub dockerfiles: Vec<String>,
}

/// How deep below the context Dockerfiles are looked for, for a hint.
const DEPTH: usize = 2;
/// How many of them a hint names.
const MOST: usize = 8;

impl Workspace {
    /// Looks at the context and the Dockerfile as they were given; a context
    /// that was not given is the workspace.
    pub fn look(host: &Host, context: Option<&str>, file: Option<&str>) -> Self {
        let workspace = host.path(host.var(vars::GITHUB_WORKSPACE).unwrap_or("."));
        let has_checkout = workspace.join(".git").exists();
        let folder = host.path(context.unwrap_or("."));
        // Without `file` buildx takes the lower-case name too.
        let candidates = match file {
            Some(file) => vec![host.path(file)],
            None => vec![folder.join("Dockerfile"), folder.join("dockerfile")],
        };
        let dockerfile = candidates.iter().find_map(|path| fs::read(path).ok());
        let dockerfile = dockerfile.map(|text| String::from_utf8_lossy(&text).into_owned());
        let mut dockerfiles = Vec::new();
        if dockerfile.is_none() {
            collect(&folder, host.directory(), DEPTH, &mut dockerfiles);
            dockerfiles.sort();
            dockerfiles.truncate(MOST);
        }
        Self {
            has_checkout,
            is_local_run: !host.is_github_actions(),
            context_exists: folder.exists(),
            dockerfile,
            dockerfiles,
        }
    }
}

fn collect(folder: &Path, base: &Path, depth: usize, found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
            if depth > 0 && !skipped {
                collect(&path, base, depth - 1, found);
            }
        } else if is_dockerfile(&name) {
            let shown = path.strip_prefix(base).unwrap_or(&path);
            found.push(shown.display().to_string());
        }
    }
}

fn is_dockerfile(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let stem = ["dockerfile", "containerfile"];
    stem.iter().any(|stem| {
        lower == *stem
            || lower.starts_with(&format!("{stem}."))
            || lower.ends_with(&format!(".{stem}"))
    }) && !lower.ends_with(".dockerignore")
}
