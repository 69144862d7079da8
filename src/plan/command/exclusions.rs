//! What an execution leaves out of the planned command.

use crate::plan::cache::entry::registry_reference;

/// The option whose caches are sent somewhere.
pub const WRITES_CACHE: &str = "--cache-to";

/// What an execution leaves out of the planned command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    /// References that are not to be pushed any more.
    pub references: Vec<String>,
    /// True leaves out everything that is pushed to a registry, the image and its
    /// caches.
    pub push: bool,
    /// Entries of caches that are neither read nor written.
    pub caches: Vec<String>,
}

impl Exclusions {
    /// True for a cache that is not read.
    pub fn has_cache_from(&self, entry: &str) -> bool {
        self.caches.iter().any(|other| other == entry)
    }

    /// True for a cache that is not written.
    pub fn has_cache_to(&self, entry: &str) -> bool {
        let is_sent = self.push && registry_reference(entry).is_some();
        is_sent || self.has_cache_from(entry)
    }

    pub fn has_cache(&self, option: &str, entry: &str) -> bool {
        if option == WRITES_CACHE {
            self.has_cache_to(entry)
        } else {
            self.has_cache_from(entry)
        }
    }
}
