//! What an execution leaves out of the planned command.

use crate::plan::cache::entry::registry_reference;

/// The option whose caches are sent somewhere.
pub const WRITES_CACHE: &str = "--cache-to";

/// What an execution leaves out of the planned command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omit {
    /// References that are not to be pushed any more.
    pub references: Vec<String>,
    /// True when nothing is to be sent to a registry after all, be it the image
    /// or a cache.
    pub sending: bool,
    /// Entries of caches that are neither read nor written.
    pub caches: Vec<String>,
}

impl Omit {
    /// True for a cache that is not read.
    pub fn has_cache_from(&self, entry: &str) -> bool {
        self.caches.iter().any(|other| other == entry)
    }

    /// True for a cache that is not written.
    pub fn has_cache_to(&self, entry: &str) -> bool {
        let is_sent = self.sending && registry_reference(entry).is_some();
        is_sent || self.has_cache_from(entry)
    }

    pub fn has_cache(&self, option: &str, entry: &str) -> bool {
        match option == WRITES_CACHE {
            true => self.has_cache_to(entry),
            false => self.has_cache_from(entry),
        }
    }
}
