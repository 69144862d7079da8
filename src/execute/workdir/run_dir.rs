//! The run's folder: mode 0700, in the job's temporary folder, gone at the end.
//!
//! Everything that must not outlive a run is in it. Where the run is killed
//! before it can clean up, the post step removes what is left.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::env_vars;
use crate::host::{Host, check_own_folder};
use crate::plan::RunFiles;

const PREFIX: &str = "stevedore-";
/// Where buildx notes builders.
pub const NOTES: [&str; 2] = ["buildx", RETIRED];

/// A folder that is removed when this value is dropped.
#[derive(Debug)]
pub struct RunFolder(TempDir);

impl RunFolder {
    /// Makes the folder.
    ///
    /// # Errors
    /// When the job's temporary folder cannot be written to.
    pub fn make(host: &Host) -> io::Result<Self> {
        Ok(Self(host.private_folder(PREFIX)?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the run keeps its files, for the plan's commands.
    pub fn files(&self) -> RunFiles {
        RunFiles {
            folder: self.path().to_owned(),
        }
    }

    /// Writes a new file in it that only this user can read.
    ///
    /// # Errors
    /// When the file is there already or cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let path = self.path().join(name);
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(parent)?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(content)
    }

    /// Makes something of the user's visible in it.
    ///
    /// # Errors
    /// When the name is taken or cannot be written.
    pub fn link(&self, target: &Path, name: &str) -> io::Result<()> {
        symlink(target, self.path().join(name))
    }

    /// Removes it now; an error is worth a warning.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn close(self) -> io::Result<()> {
        self.0.close()
    }

    /// Removes all but buildx's notes of builders, by which the post step reaches
    /// them. Logins and secrets go.
    ///
    /// # Errors
    /// As [`RunFolder::close`].
    pub fn leave_notes(self) -> io::Result<()> {
        let folder = self.0.keep();
        for entry in fs::read_dir(&folder)?.flatten() {
            let path = entry.path();
            if NOTES.iter().any(|notes| entry.file_name() == *notes) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(path)?
            } else {
                fs::remove_file(path)?
            }
        }
        Ok(())
    }
}

/// The folder of a run that was killed, when there is one.
///
/// # Errors
/// When something of that name is there that no run of this user has made. Who
/// may write in the temporary folder could put it there after the run has
/// removed its own.
pub fn left_over(host: &Host, path: &Path) -> Result<Option<PathBuf>, String> {
    let parent = host
        .var(env_vars::RUNNER_TEMP)
        .map_or_else(std::env::temp_dir, |folder| host.path(folder));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_named = path.parent() == Some(&parent) && name.starts_with(PREFIX);
    let why = match check_own_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => error.to_string(),
        Ok(()) if is_named => return Ok(Some(path.to_owned())),
        Ok(()) => "it is not where the step makes its folder".to_owned(),
    };
    let path = path.display();
    Err(format!(
        "{path} is left as it is, since the step has not made it: {why}"
    ))
}

/// The notes of what was made before a node was lost, in the run's folder.
pub const RETIRED: &str = "retired";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn host(temp: &Path) -> Host {
        let environment = [(env_vars::RUNNER_TEMP, temp.to_str().unwrap())];
        Host::with(&environment, temp, jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn folder_and_files_are_this_users_alone_and_go_with_the_value() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::make(&host(temp.path())).unwrap();
        folder.write("docker/config.json", b"{}").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join("docker")), 0o700);
        assert_eq!(mode(&folder.path().join("docker/config.json")), 0o600);
        drop(folder);
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_post_step_is_left_notes_and_no_login() {
        let temp = tempfile::tempdir().unwrap();
        let folder = RunFolder::make(&host(temp.path())).unwrap();
        for name in ["docker/config.json", "git-token", "buildx/instances/b"] {
            folder.write(name, b"").unwrap();
        }
        let path = folder.path().to_owned();
        folder.leave_notes().unwrap();
        let left: Vec<_> = fs::read_dir(&path).unwrap().flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(path.join("buildx/instances/b").exists());
    }

    #[test]
    fn only_a_folder_that_this_user_made_in_the_temporary_folder_counts() {
        let temp = tempfile::tempdir().unwrap();
        let host = host(temp.path());
        let elsewhere = tempfile::tempdir().unwrap();
        let make = |parent: &Path, name: &str, mode: u32| {
            let path = parent.join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let ours = make(temp.path(), "stevedore-ours", 0o700);
        assert_eq!(left_over(&host, &ours), Ok(Some(ours.clone())));
        let gone = temp.path().join("stevedore-gone");
        assert_eq!(left_over(&host, &gone), Ok(None));
        for (path, why) in [
            (make(temp.path(), "other", 0o700), "not where"),
            (make(elsewhere.path(), "stevedore-x", 0o700), "not where"),
            (make(temp.path(), "stevedore-open", 0o777), "mode 777"),
        ] {
            let refused = left_over(&host, &path).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
