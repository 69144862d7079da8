//! The files that a run keeps in its folder.

use std::path::PathBuf;

/// Where a run keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    /// The run's folder, mode 0700, gone after the run.
    pub folder: PathBuf,
}

impl RunFiles {
    /// What buildx tells of the result, JSON; of a target of a bake file in a file
    /// of its own.
    pub fn metadata(&self, target: Option<&str>) -> PathBuf {
        self.of_target("metadata", target)
    }

    /// The bake file of a target, or of all together.
    pub fn definition(&self, target: Option<&str>) -> PathBuf {
        self.of_target("bake", target)
    }

    fn of_target(&self, name: &str, target: Option<&str>) -> PathBuf {
        self.folder.join(match target {
            Some(target) => format!("{name}-{target}.json"),
            None => format!("{name}.json"),
        })
    }

    /// The Git token as a file, for BuildKit's secret.
    pub fn git_token(&self) -> PathBuf {
        self.folder.join("git-token")
    }

    /// A login for Git repositories as a file, counted from 0.
    pub fn git_login(&self, index: usize) -> PathBuf {
        self.folder.join("git-logins").join(index.to_string())
    }

    /// A value of `secrets` as a file, counted from 0.
    pub fn secret(&self, index: usize) -> PathBuf {
        self.folder.join("secrets").join(index.to_string())
    }
}
