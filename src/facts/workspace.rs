//! The workspace: is something checked out, is the context there, which
//! Dockerfiles are, and what the one to build says.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::host::{Host, file};

/// What the files of the workspace say. Asks the file system only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// True when the workspace holds a checkout.
    pub has_checkout: bool,
    /// True outside a workflow, where the working directory is what is meant.
    pub is_local_run: bool,
    /// True when the context is a folder or file that is there.
    pub context_exists: bool,
    /// Where the Dockerfile is, from the workspace, when it is in there.
    pub dockerfile_path: Option<String>,
    /// The Dockerfile's text, when it can be read within the limit.
    pub dockerfile: Option<String>,
    /// Why there is no Dockerfile to build from.
    pub no_dockerfile: Option<String>,
    /// The Dockerfiles that there are instead, as paths from the working directory.
    pub dockerfiles: Vec<String>,
}

/// How deep below the context Dockerfiles are looked for, for a hint.
const DEPTH: usize = 2;
/// How many files and folders are looked at for it.
const ENTRIES: usize = 10_000;
/// How many of them a hint names.
const MOST: usize = 8;

impl Workspace {
    /// Its folder.
    pub fn folder(host: &Host) -> PathBuf {
        host.path(host.var(env_vars::GITHUB_WORKSPACE).unwrap_or("."))
    }

    /// Looks at the context and the Dockerfile as they were given; a context
    /// that was not given is the workspace. Of the Dockerfile `limit` bytes are
    /// read at most.
    pub fn look(host: &Host, context: Option<&str>, given: Option<&str>, limit: usize) -> Self {
        let has_checkout = Self::folder(host).join(".git").exists();
        let folder = host.path(context.unwrap_or("."));
        // Without `file` buildx takes the lower-case name too.
        let candidates = match given {
            Some(file) => vec![host.path(file)],
            None => vec![folder.join("Dockerfile"), folder.join("dockerfile")],
        };
        let read = candidates
            .iter()
            .map(|path| (path, file::read(path, limit)));
        let mut read = read.skip_while(|(_, read)| read.as_ref().is_err_and(is_missing));
        let (path, read) = read
            .next()
            .map_or((None, Err(ErrorKind::NotFound.into())), |(path, read)| {
                (Some(path), read)
            });
        let no_dockerfile = match &read {
            Ok(_) => None,
            Err(error) if is_missing(error) => Some("is not there".to_owned()),
            // BuildKit reads it, and what runs in it is not known here.
            Err(error) if error.kind() == ErrorKind::FileTooLarge => None,
            Err(error) => Some(error.to_string()),
        };
        let mut hints = Hints::default();
        if no_dockerfile.is_some() {
            hints.collect(&folder, host.directory(), DEPTH);
        }
        Self {
            has_checkout,
            is_local_run: !host.is_github_actions(),
            context_exists: folder.exists(),
            dockerfile_path: path.and_then(|path| relative_to(&Self::folder(host), path)),
            dockerfile: read
                .ok()
                .map(|text| String::from_utf8_lossy(&text).into_owned()),
            no_dockerfile,
            dockerfiles: hints.found,
        }
    }
}

/// A path from this folder, when it is in there.
fn relative_to(folder: &Path, path: &Path) -> Option<String> {
    let (folder, path) = (folder.canonicalize().ok()?, path.canonicalize().ok()?);
    let path = path.strip_prefix(folder).ok()?;
    Some(path.to_str()?.to_owned())
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// The Dockerfiles of a folder that may hold anything.
#[derive(Default)]
struct Hints {
    found: Vec<String>,
    looked_at: usize,
}

impl Hints {
    fn collect(&mut self, folder: &Path, base: &Path, depth: usize) {
        let Ok(entries) = fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            self.looked_at += 1;
            if self.looked_at > ENTRIES {
                return;
            }
            self.look(&entry, base, depth);
        }
        self.found.sort();
        self.found.truncate(MOST);
    }

    fn look(&mut self, entry: &DirEntry, base: &Path, depth: usize) {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            let skipped = name.starts_with('.') || name == "node_modules" || name == "target";
            if depth > 0 && !skipped {
                self.collect(&path, base, depth - 1);
            }
        } else if is_dockerfile(&name) && path.is_file() {
            let shown = path.strip_prefix(base).unwrap_or(&path);
            self.found.push(shown.display().to_string());
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn look(folder: &Path) -> Workspace {
        let host = Host::with(&[], folder, jiff::Timestamp::UNIX_EPOCH);
        Workspace::look(&host, None, None, 100)
    }

    #[test]
    fn only_a_regular_file_is_a_dockerfile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        assert_eq!(
            look(folder.path()).no_dockerfile.as_deref(),
            Some("is not there")
        );

        let makers: [&dyn Fn(); 3] = [
            &|| symlink("/dev/zero", &path).unwrap(),
            &|| mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap(),
            &|| fs::create_dir(&path).unwrap(),
        ];
        for make in makers {
            make();
            let found = look(folder.path());
            assert_eq!(found.dockerfile, None);
            let why = found.no_dockerfile.unwrap();
            assert_eq!(why, "is not a regular file");
            let _ = fs::remove_file(&path);
        }
        fs::remove_dir(&path).unwrap();

        // The other name is taken only where the first is not there.
        fs::write(folder.path().join("dockerfile"), "FROM lower").unwrap();
        assert_eq!(
            look(folder.path()).dockerfile.as_deref(),
            Some("FROM lower")
        );
        fs::write(&path, "FROM upper").unwrap();
        assert_eq!(
            look(folder.path()).dockerfile.as_deref(),
            Some("FROM upper")
        );
    }

    #[test]
    fn one_that_is_too_large_is_built_and_not_looked_into() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("Dockerfile"), "x".repeat(101)).unwrap();
        let found = look(folder.path());
        assert_eq!((found.dockerfile, found.no_dockerfile), (None, None));
    }

    #[test]
    fn a_hint_names_some_files_and_looks_at_some() {
        let folder = tempfile::tempdir().unwrap();
        for at in 0..20 {
            fs::write(folder.path().join(format!("Dockerfile.{at}")), "").unwrap();
        }
        assert_eq!(look(folder.path()).dockerfiles.len(), MOST);
        let mut hints = Hints {
            looked_at: ENTRIES - 5,
            ..Hints::default()
        };
        hints.collect(folder.path(), folder.path(), DEPTH);
        assert_eq!(hints.found.len(), 5);
    }
}
