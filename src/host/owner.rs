//! Who can have written what is in a folder.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::geteuid;

/// The bits of a mode by which others than the owner write.
const OTHERS_WRITE: u32 = 0o022;

/// Checks that nobody but this user, and root, can have put something into a
/// folder. Whoever writes beside it could have made one of the same name.
///
/// # Errors
/// When somebody else can, or there is no such folder.
pub fn check_own_folder(path: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    let us = geteuid().as_raw();
    let why = if !found.is_dir() {
        "it is not a folder".to_owned()
    } else if found.uid() != us {
        format!("it belongs to user {}, not to {us}", found.uid())
    } else if found.mode() & OTHERS_WRITE != 0 {
        let mode = found.mode() & 0o7777;
        format!("its mode {mode:o} lets other users write to it")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_folder_is_ours_when_nobody_else_writes_to_it() {
        let parent = tempfile::tempdir().unwrap();
        let make = |name: &str, mode: u32| -> PathBuf {
            let path = parent.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let ours = make("ours", 0o700);
        check_own_folder(&ours).unwrap();
        check_own_folder(&make("readable", 0o755)).unwrap();
        let link = parent.path().join("link");
        symlink(&ours, &link).unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        let mut refused = vec![
            (make("open", 0o777), "its mode 777"),
            (make("group", 0o770), "its mode 770"),
            (link, "not a folder"),
            (file, "not a folder"),
        ];
        if geteuid().is_root() {
            let theirs = make("theirs", 0o700);
            chown(&theirs, Some(12345), None).unwrap();
            refused.push((theirs, "belongs to user 12345, not to 0"));
        }
        for (path, why) in refused {
            let error = check_own_folder(&path).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        let missing = check_own_folder(&parent.path().join("none")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
