//! What an execution leaves out of the planned command.

use crate::input::CacheEntry;

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
    /// True leaves out the names of an image whose content goes first.
    pub names: bool,
    /// Entries of caches that are neither read nor written.
    pub caches: Vec<CacheEntry>,
}

impl Exclusions {
    /// What the first command of a run leaves out.
    pub fn initial() -> Self {
        Self {
            names: true,
            ..Self::default()
        }
    }

    /// True where the content is pushed, and not its names.
    pub fn is_content_alone(&self) -> bool {
        self.names && !self.push
    }

    /// True for a cache that is not read.
    pub fn has_cache_from(&self, entry: &CacheEntry) -> bool {
        self.caches.iter().any(|other| other == entry)
    }

    /// True for a cache that is not written.
    pub fn has_cache_to(&self, entry: &CacheEntry) -> bool {
        let is_sent = self.push && entry.reference().is_some();
        is_sent || self.has_cache_from(entry)
    }

    pub fn has_cache(&self, option: &str, entry: &CacheEntry) -> bool {
        if option == WRITES_CACHE {
            self.has_cache_to(entry)
        } else {
            self.has_cache_from(entry)
        }
    }
}
