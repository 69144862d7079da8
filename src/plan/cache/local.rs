//! Where a run reads and writes a cache in a folder that runs share.
//!
//! Two runs may meet there, and BuildKit neither locks nor replaces. So a run
//! works in a folder of its own, and only `execute` touches what others see.

use std::path::{Path, PathBuf};

use crate::input::grammar::csv;

/// The lock, among the caches. No scope begins with a dot.
const LOCK: &str = ".lock";

/// The caches of a build in folders that runs share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCache {
    /// The folder that holds the cache of each scope.
    pub shared: PathBuf,
    /// The folder in it that only this run uses.
    pub own: PathBuf,
    /// The scopes that are read.
    pub read: Vec<String>,
    /// The scope that is written.
    pub written: Option<String>,
}

impl LocalCache {
    /// Of the run by this name.
    pub fn of(shared: PathBuf, run: &str) -> Self {
        Self {
            own: shared.join(format!(".{run}")),
            shared,
            read: Vec::new(),
            written: None,
        }
    }

    /// The lock under which what others see is read and replaced.
    pub fn lock(&self) -> PathBuf {
        self.shared.join(LOCK)
    }

    /// Where others see the cache of a scope.
    pub fn shared_path(&self, scope: &str) -> PathBuf {
        self.shared.join(scope)
    }

    /// Where this run reads it.
    pub fn from(&self, scope: &str) -> PathBuf {
        self.own.join("from").join(scope)
    }

    /// Where this run writes it: BuildKit adds to a folder and never removes
    /// anything.
    pub fn to(&self, scope: &str) -> PathBuf {
        self.own.join("to").join(scope)
    }

    /// Where what it replaces goes.
    pub fn replaced_path(&self, scope: &str) -> PathBuf {
        self.own.join("replaced").join(scope)
    }

    /// An entry of `cache-from`.
    pub fn entry_from(&self, scope: &str) -> String {
        entry("src", &self.from(scope))
    }

    /// An entry of `cache-to`.
    pub fn entry_to(&self, scope: &str) -> String {
        entry("dest", &self.to(scope))
    }
}

/// A folder in an entry, quoted where buildx would read more than a path.
fn entry(key: &str, folder: &Path) -> String {
    let attributes = [
        ("type", "local".to_owned()),
        (key, folder.display().to_string()),
    ];
    csv::entry(&attributes.map(|(name, value)| (name.to_owned(), value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_quoted_where_it_needs_that() {
        assert_eq!(entry("src", Path::new("/a b")), "type=local,src=/a b");
        assert_eq!(entry("src", Path::new("/a,b")), "type=local,\"src=/a,b\"");
    }

    #[test]
    fn runs_and_caches_do_not_meet() {
        let cache = LocalCache::of("/tools".into(), "stevedore-1");
        assert_eq!(cache.shared_path("a"), Path::new("/tools/a"));
        let (from, to) = (cache.entry_from("a"), cache.entry_to("a"));
        assert_eq!(from, "type=local,src=/tools/.stevedore-1/from/a");
        assert_eq!(to, "type=local,dest=/tools/.stevedore-1/to/a");
    }
}
