//! What of the machine's files a step sees: where it is a container, only what
//! is mounted.
//!
//! Owns [`Paths`]. Reads `/proc/self/mountinfo` (proc_pid_mountinfo(5)) and the
//! file system; which path must be reachable is for the plan.

use std::path::{Component, Path, PathBuf};

use crate::env_vars;
use crate::host::{Host, file};
use crate::input::Inputs;

/// Where the runner mounts the workspace of a step that is an image.
const STEP_WORKSPACE: &str = "/github/workspace";
/// Where the kernel lists the mounts.
const MOUNTS: &str = "/proc/self/mountinfo";
/// Mounts of the container's own: what is written there goes with it.
const OWN_MOUNTS: [&str; 6] = [
    "/proc",
    "/sys",
    "/dev",
    "/etc/hosts",
    "/etc/hostname",
    "/etc/resolv.conf",
];

/// What is known of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// The working directory, which relative paths start from.
    pub directory: PathBuf,
    /// The files of `secret-files` that are not there.
    pub missing_secret_files: Vec<String>,
    /// Where the SSH agent listens, if there is one.
    pub ssh_agent: Option<String>,
    /// The home that `~/` stands for.
    pub home: Option<PathBuf>,
    /// The folders that the machine shares with us, in a step that is an
    /// image; `None` elsewhere, where every path is the machine's.
    pub mounts: Option<Vec<PathBuf>>,
}

impl Paths {
    /// Looks at what the inputs name.
    pub fn inspect(host: &Host, inputs: &Inputs) -> Self {
        let files = inputs.build.secrets.files.iter().map(|file| &file.from);
        let is_missing = |file: &&String| !host.path(file).exists();
        let is_image = host.is_github_actions()
            && host.var(env_vars::GITHUB_WORKSPACE) == Some(STEP_WORKSPACE);
        let table = if is_image {
            file::read_text(Path::new(MOUNTS), file::SETTINGS).unwrap_or_default()
        } else {
            String::new()
        };
        Self {
            directory: host.directory().to_owned(),
            missing_secret_files: files.filter(is_missing).cloned().collect(),
            ssh_agent: host.var(env_vars::SSH_AUTH_SOCK).map(str::to_owned),
            home: host.var(env_vars::HOME).map(PathBuf::from),
            mounts: shared(&table),
        }
    }

    /// True when what is at this path is the machine's own.
    pub fn reaches(&self, path: &str) -> bool {
        let Some(mounts) = &self.mounts else {
            return true;
        };
        let path = plain(&self.directory.join(path));
        mounts.iter().any(|mount| path.starts_with(mount))
    }
}

/// The mounts that hold files of the machine's, when the workspace is one.
pub fn shared(table: &str) -> Option<Vec<PathBuf>> {
    let points = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|point| PathBuf::from(unescaped(point)));
    let is_own = |point: &PathBuf| {
        point == Path::new("/") || OWN_MOUNTS.iter().any(|own| point.starts_with(own))
    };
    let shared: Vec<PathBuf> = points.filter(|point| !is_own(point)).collect();
    let is_step = shared
        .iter()
        .any(|mount| mount == Path::new(STEP_WORKSPACE));
    is_step.then_some(shared)
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescaped(point: &str) -> String {
    let mut text = String::new();
    let mut rest = point;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let digits = after
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match digits {
            Some(byte) => {
                text.push(char::from(byte));
                rest = after.get(3..).unwrap_or_default();
            }
            None => {
                text.push('\\');
                rest = after;
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
650 553 0:54 / / rw,relatime master:1 - overlay overlay rw,lowerdir=/l
651 650 0:57 / /proc rw,nosuid - proc proc rw
652 650 0:58 / /dev rw,nosuid - tmpfs tmpfs rw
659 650 8:1 /var/lib/docker/x/hosts /etc/hosts rw - ext4 /dev/sda1 rw
660 650 8:1 /home/runner/work/app/app /github/workspace rw - ext4 /dev/sda1 rw
661 650 8:1 /home/runner/work/_temp /github/runner_temp rw - ext4 /dev/sda1 rw
662 650 0:25 /docker.sock /run/docker.sock rw - tmpfs tmpfs rw
663 650 8:1 /data /mnt/my\\040data rw - ext4 /dev/sda1 rw
";

    fn paths(mounts: Option<Vec<PathBuf>>) -> Paths {
        Paths {
            directory: STEP_WORKSPACE.into(),
            mounts,
            ..Paths::default()
        }
    }

    #[test]
    fn in_a_step_that_is_an_image_only_mounts_are_reached() {
        let paths = paths(shared(TABLE));
        for path in [
            "out",
            ".",
            "./a/../b",
            "/github/workspace/out",
            "/github/runner_temp/cache",
            "/mnt/my data/x",
        ] {
            assert!(paths.reaches(path), "{path}");
        }
        for path in [
            "/tmp/out",
            "../out",
            "/github/workspace/../../tmp",
            "/github/workspaces",
            "/etc/hosts",
            "/dev/shm/x",
            "/",
        ] {
            assert!(!paths.reaches(path), "{path}");
        }
    }

    #[test]
    fn elsewhere_every_path_is_the_machines() {
        assert!(paths(None).reaches("/tmp/out"));
        let without_workspace = TABLE.replace("/github/workspace", "/workspace");
        assert_eq!(shared(&without_workspace), None);
        assert_eq!(shared(""), None);
    }
}
