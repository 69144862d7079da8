//! The folder that an image is built from: what is in it, and what weighs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How many files and folders are looked at.
const ENTRIES: usize = 200_000;
/// How many names are kept.
const NAMES: usize = 1000;
/// How many of the largest are named.
const LARGEST: usize = 10;

/// The folder that an image is built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextFolder {
    /// The names in it.
    pub names: BTreeSet<String>,
    /// Its largest folders and files, with their bytes, the largest first; empty where
    /// nobody looked.
    pub largest: Vec<(String, u64)>,
    /// Whether a `.dockerignore` says what is left out.
    pub has_dockerignore: bool,
}

impl ContextFolder {
    /// Looks at a folder; at what weighs only where it is asked to. Asks the file
    /// system only. One that cannot be read has nothing in it.
    pub fn inspect(folder: &Path, weighs: bool) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let entries: Vec<(String, PathBuf)> = entries
            .take(NAMES)
            .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
            .collect();
        let names: BTreeSet<String> = entries.iter().map(|(name, _)| name.clone()).collect();
        let has_dockerignore = names.contains(".dockerignore");
        let mut largest = Vec::new();
        if weighs && !has_dockerignore {
            let mut left = ENTRIES;
            let weights = entries
                .into_iter()
                .map(|(name, path)| (name, count_bytes(&path, &mut left)));
            largest = weights.collect();
            largest.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
            largest.truncate(LARGEST);
        }
        Self {
            names,
            largest,
            has_dockerignore,
        }
    }
}

/// The bytes of a file, or of everything in a folder, as far as there are entries left.
fn count_bytes(path: &Path, left: &mut usize) -> u64 {
    let mut folders = vec![path.to_owned()];
    let mut bytes = 0;
    while let Some(path) = folders.pop() {
        if *left == 0 {
            break;
        }
        *left -= 1;
        let Ok(about) = fs::symlink_metadata(&path) else {
            continue;
        };
        if about.is_dir() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            folders.extend(entries.take(*left).map(|entry| entry.path()));
        } else {
            bytes += about.len();
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_weighs_is_found_where_nothing_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::create_dir_all(path.join("node_modules/a")).unwrap();
        fs::write(path.join("node_modules/a/b"), [0; 300]).unwrap();
        fs::write(path.join("package.json"), [0; 20]).unwrap();
        std::os::unix::fs::symlink("/", path.join("loop")).unwrap();
        let found = ContextFolder::inspect(path, true);
        assert!(found.names.contains("package.json"));
        assert_eq!(found.largest[0], ("node_modules".to_owned(), 300));
        assert_eq!(ContextFolder::inspect(path, false).largest, []);
        fs::write(path.join(".dockerignore"), "").unwrap();
        assert!(ContextFolder::inspect(path, true).largest.is_empty());
        assert_eq!(
            ContextFolder::inspect(&path.join("none"), true),
            ContextFolder::default()
        );
    }
}
