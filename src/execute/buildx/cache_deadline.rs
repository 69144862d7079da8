//! What a cache may cost: a bounded time, and never the run.
//!
//! Caches are written last, when everything has been pushed. From then on
//! buildx is waited for no longer than a bound, and what it says of the cache is
//! a warning.

use crate::input::CacheEntry;
use std::collections::HashSet;
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::sanitize::{WORDS, clean};
use crate::execute::buildx::export::{Export, Interrupted};
use crate::execute::buildx::references::in_full;
use crate::plan::{Cache, Exclusions};

/// How long a cache that nobody has asked for by name may be written, from the
/// last push on.
const BOUND: Duration = Duration::from_secs(120);
/// The same for `cache-to`: BuildKit's own bound for GitHub's cache service.
const BOUND_WHERE_GIVEN: Duration = Duration::from_secs(600);
/// The end of the wait for a cache.
#[derive(Default)]
pub struct CacheDeadline {
    /// The references that come first, in full.
    awaited: HashSet<String>,
    /// True when they are names in the engine's store, and nothing is pushed.
    is_local: bool,
    /// How long a cache may be written; `None` where there is none.
    bound: Option<Duration>,
    is_last: Notify,
}

impl CacheDeadline {
    /// For a build into the engine's store, under these references.
    pub fn for_names(references: &[String], cache: &Cache, exclusions: &Exclusions) -> Self {
        Self {
            is_local: true,
            ..Self::for_references(references, cache, exclusions)
        }
    }

    /// For a build that pushes these references.
    pub fn for_references(references: &[String], cache: &Cache, exclusions: &Exclusions) -> Self {
        // One that is part of the image is pushed with it.
        let is_inline = |entry: &CacheEntry| entry.kind() == "inline";
        let mut written = cache.to.iter();
        let writes = written.any(|entry| !is_inline(entry) && !exclusions.has_cache_to(entry));
        Self {
            awaited: in_full(references).collect(),
            is_local: false,
            bound: match (writes, cache.added) {
                (false, _) => None,
                (true, true) => Some(BOUND),
                (true, false) => Some(BOUND_WHERE_GIVEN),
            },
            is_last: Notify::new(),
        }
    }

    /// Takes in how far an export is.
    pub fn observe(&self, export: &Export) {
        let is_done = export.is_writing_cache || self.bound.is_none();
        if is_done && self.is_all_pushed(export) {
            self.is_last.notify_one();
        }
    }

    /// True where a cache is written.
    pub fn writes_cache(&self) -> bool {
        self.bound.is_some()
    }

    /// True when only the cache was left to write.
    pub fn is_all_pushed(&self, export: &Export) -> bool {
        // This is asked after each push: most have not enough to look at them all.
        let there = if self.is_local {
            &export.named
        } else {
            &export.pushed
        };
        if self.awaited.is_empty() || there.len() < self.awaited.len() {
            return false;
        }
        let there: HashSet<String> = in_full(there).collect();
        self.awaited.is_subset(&there)
    }

    /// True when an image that is built into the engine's store is there, under all
    /// its names.
    pub fn is_stored(&self, export: &Export) -> bool {
        self.is_local && export.is_exported && self.is_all_pushed(export)
    }

    /// Returns when the cache has had its time, if there is one. Never where
    /// nothing is pushed.
    pub async fn expired(&self) {
        self.is_last.notified().await;
        tokio::time::sleep(self.bound.unwrap_or_default()).await;
    }

    /// What became of the cache, when it was not saved.
    pub fn warning(&self, export: &Export) -> Option<String> {
        let why = match (&export.cache_error, export.cut_short) {
            (_, Some(Interrupted::Bound)) => format!(
                "it took more than {} s after the last push, so buildx was ended",
                self.bound.unwrap_or_default().as_secs()
            ),
            (Some(why), _) => clean(why, WORDS),
            (None, Some(Interrupted::WithAnother)) => {
                "buildx was ended with another target that failed".to_owned()
            }
            (None, None) => return None,
        };
        Some(unsaved_warning(&why))
    }
}

/// The warning that a cache was not saved.
pub fn unsaved_warning(why: &str) -> String {
    format!(
        "the build cache was not saved, and the image is not at fault: {why}. \
         The next run builds without it; `cache: none` keeps none"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_after_the_push_is_waited_for() {
        let cache = |entry: &str| Cache {
            to: vec![entry.into()],
            added: true,
            ..Cache::default()
        };
        let left_out = Exclusions {
            caches: vec!["type=registry,ref=r/a:cache".into()],
            ..Exclusions::default()
        };
        for (entry, exclusions, writes) in [
            ("type=registry,ref=r/a:cache", Exclusions::default(), true),
            ("type=inline", Exclusions::default(), false),
            ("type=registry,ref=r/a:cache", left_out, false),
        ] {
            let wait = CacheDeadline::for_references(&[], &cache(entry), &exclusions);
            assert_eq!(wait.writes_cache(), writes, "{entry}");
        }
        let wait =
            CacheDeadline::for_references(&[], &cache("type=local,dest=d"), &Exclusions::default());
        let mut export = Export::default();
        assert_eq!(wait.warning(&export), None);
        export.cut_short = Some(Interrupted::WithAnother);
        assert!(wait.warning(&export).unwrap().contains("another target"));
    }
}
