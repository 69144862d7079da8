//! The folders of a job: temp, home of containers, file commands, workflow.
//!
//! Owns making them fresh and looking through them at the end. They go away
//! with the job, as the runner empties its temp folder.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Error;

const FILE_COMMANDS: &str = "_runner_file_commands";
const WORKFLOW: &str = "_github_workflow";
const HOME: &str = "_github_home";

/// Folders of one job.
#[derive(Debug)]
pub(crate) struct Folders {
    /// Dropped last: everything here goes with it.
    root: TempDir,
    pub(crate) workspace: PathBuf,
    pub(crate) tool_cache: PathBuf,
}

impl Folders {
    pub(crate) fn create(
        workspace: Option<&Path>,
        tool_cache: Option<&Path>,
    ) -> Result<Self, Error> {
        let temp = std::env::temp_dir();
        let root = tempfile::Builder::new()
            .prefix("lab-runner-")
            .tempdir()
            .map_err(Error::file(temp))?;
        let absolute = |path: &Path| path.canonicalize().map_err(Error::file(path));
        let workspace = match workspace {
            Some(given) => absolute(given)?,
            None => root.path().join("work"),
        };
        let tool_cache = tool_cache.map_or_else(default_tool_cache, Path::to_path_buf);
        let folders = Self {
            root,
            workspace,
            tool_cache,
        };
        let (temp, commands) = (folders.temp(), folders.file_commands());
        let made = [
            temp,
            commands,
            folders.workflow(),
            folders.home(),
            folders.workspace.clone(),
            folders.tool_cache.clone(),
        ];
        for folder in made {
            std::fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
        }
        Ok(folders)
    }

    /// `RUNNER_TEMP`.
    pub(crate) fn temp(&self) -> PathBuf {
        self.root.path().join("_temp")
    }

    pub(crate) fn file_commands(&self) -> PathBuf {
        self.temp().join(FILE_COMMANDS)
    }

    pub(crate) fn workflow(&self) -> PathBuf {
        self.temp().join(WORKFLOW)
    }

    /// `HOME` of containers.
    pub(crate) fn home(&self) -> PathBuf {
        self.temp().join(HOME)
    }

    pub(crate) fn event_file(&self) -> PathBuf {
        self.workflow().join("event.json")
    }

    /// Files and links below the temp folder that steps left, relative to it.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let temp = self.temp();
        let mut found = Vec::new();
        walk(&temp, &mut found);
        let (commands, event) = (self.file_commands(), self.event_file());
        found.retain(|path| !path.starts_with(&commands) && *path != event);
        let relative = |path: PathBuf| {
            path.strip_prefix(&temp)
                .map(Path::to_path_buf)
                .unwrap_or(path)
        };
        let mut found: Vec<_> = found.into_iter().map(relative).collect();
        found.sort();
        found
    }
}

/// Files and links below `folder`; what cannot be read is left out.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk(&entry.path(), found),
            _ => found.push(entry.path()),
        }
    }
}

fn default_tool_cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
    cache
        .or_else(home)
        .unwrap_or_else(std::env::temp_dir)
        .join("stevedore-lab/tools")
}
