//! What a cache may cost: a bounded time, and never the run.
//!
//! Caches are written last, when everything has been pushed. From then on
//! buildx is waited for no longer than a bound, and what it says of the cache is
//! a warning. A local cache takes the place of the one before it as a whole.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::progress::{CutShort, Export};
use super::pushes::is_named;
use crate::plan::{Cache, Omit, cache_kind};

/// How long a cache that nobody has asked for by name may be written, from the
/// last push on.
const BOUND: Duration = Duration::from_secs(120);
/// The same for `cache-to`: BuildKit's own bound for GitHub's cache service.
const BOUND_WHERE_GIVEN: Duration = Duration::from_secs(600);
/// How long a local cache stays that no run writes any more, such as that of a
/// branch that is gone: 30 days, in seconds.
const UNUSED: u64 = 30 * 24 * 60 * 60;

/// The end of the wait for a cache.
#[derive(Default)]
pub(super) struct Wait {
    awaited: Vec<String>,
    /// How long a cache may be written; `None` where there is none.
    bound: Option<Duration>,
    is_last: Notify,
}

impl Wait {
    /// For a build that pushes these references.
    pub(super) fn after(references: Vec<String>, cache: &Cache, omit: &Omit) -> Self {
        // One that is part of the image is pushed with it.
        let is_inline = |entry: &str| cache_kind(entry) == "inline";
        let mut written = cache.to.iter();
        let writes = written.any(|entry| !is_inline(entry) && !omit.has_cache_to(entry));
        Self {
            awaited: references,
            bound: match (writes, cache.added) {
                (false, _) => None,
                (true, true) => Some(BOUND),
                (true, false) => Some(BOUND_WHERE_GIVEN),
            },
            is_last: Notify::new(),
        }
    }

    /// Takes in how far an export is.
    pub(super) fn look(&self, export: &Export) {
        let is_done = export.is_writing_cache || self.bound.is_none();
        if is_done && self.is_all_pushed(export) {
            self.is_last.notify_one();
        }
    }

    /// True where a cache is written.
    pub(super) fn writes(&self) -> bool {
        self.bound.is_some()
    }

    /// True when only the cache was left to write.
    pub(super) fn is_all_pushed(&self, export: &Export) -> bool {
        let is_pushed = |reference: &String| is_named(&export.pushed, reference);
        !self.awaited.is_empty() && self.awaited.iter().all(is_pushed)
    }

    /// Returns when the cache has had its time, if there is one. Never where
    /// nothing is pushed.
    pub(super) async fn over(&self) {
        self.is_last.notified().await;
        tokio::time::sleep(self.bound.unwrap_or_default()).await;
    }

    /// What became of the cache, when it was not saved.
    pub(super) fn warning(&self, export: &Export) -> Option<String> {
        let why = match (&export.cache_error, export.cut_short) {
            (_, Some(CutShort::Bound)) => format!(
                "it took more than {} s after the last push, so buildx was ended",
                self.bound.unwrap_or_default().as_secs()
            ),
            (Some(why), _) => why.clone(),
            (None, Some(CutShort::WithAnother)) => {
                "buildx was ended with another target that failed".to_owned()
            }
            (None, None) => return None,
        };
        Some(format!(
            "the build cache was not saved, and the image is not at fault: {why}. \
             The next run builds without it; `cache: none` keeps none"
        ))
    }
}

/// Removes what a run that was ended has left of its cache.
pub(super) fn clear(folder: &Path) {
    let _ = fs::remove_dir_all(Cache::fresh(folder));
}

/// Puts the cache that was written in the place of the one before it, and
/// removes those that no run has written for a month.
///
/// # Errors
/// When nothing was written, or the folder that holds them cannot be changed.
pub(super) fn keep(folder: &Path, now: Timestamp) -> io::Result<()> {
    let fresh = Cache::fresh(folder);
    if fresh.is_dir() && !fresh.join("index.json").is_file() {
        // Of a result without steps BuildKit makes a folder alone, which nobody
        // could read.
        return remove(&fresh);
    }
    let old = folder.with_extension("old");
    remove(&old)?;
    match fs::rename(folder, &old) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::rename(fresh, folder)?;
    remove(&old)?;
    let Some(parent) = folder.parent() else {
        return Ok(());
    };
    for entry in fs::read_dir(parent)?.flatten() {
        if is_unused(&entry, now) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn is_unused(entry: &fs::DirEntry, now: Timestamp) -> bool {
    let written = entry.path().join("index.json").metadata();
    let written = written.and_then(|metadata| metadata.modified());
    let Ok(written) = written.map(Timestamp::try_from) else {
        return false;
    };
    written.is_ok_and(|written| {
        now.duration_since(written).unsigned_abs().as_secs() > UNUSED && now > written
    })
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_after_the_push_is_waited_for() {
        let cache = |entry: &str| Cache {
            to: vec![entry.to_owned()],
            added: true,
            ..Cache::default()
        };
        let left_out = Omit {
            caches: vec!["r/a:cache".to_owned()],
            ..Omit::default()
        };
        for (entry, omit, writes) in [
            ("type=registry,ref=r/a:cache", Omit::default(), true),
            ("type=inline", Omit::default(), false),
            ("type=registry,ref=r/a:cache", left_out, false),
        ] {
            let wait = Wait::after(Vec::new(), &cache(entry), &omit);
            assert_eq!(wait.writes(), writes, "{entry}");
        }
        let wait = Wait::after(Vec::new(), &cache("type=local,dest=d"), &Omit::default());
        let mut export = Export::default();
        assert_eq!(wait.warning(&export), None);
        export.cut_short = Some(CutShort::WithAnother);
        assert!(wait.warning(&export).unwrap().contains("another target"));
    }

    #[test]
    fn a_new_cache_takes_the_place_of_the_old_one_and_dead_ones_go() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("scope");
        let write = |folder: &str, text: &str| {
            let folder = place.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("index.json"), text).unwrap();
        };
        let names = || {
            let entries = fs::read_dir(place.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        write("scope", "old");
        write("scope/blobs", "of the old one");
        write("scope.new", "new");
        write("gone-branch", "");
        let now = Timestamp::try_from(fs::metadata(&folder).unwrap().modified().unwrap()).unwrap();
        keep(&folder, now).unwrap();
        assert_eq!(names(), ["gone-branch", "scope"]);
        assert_eq!(
            fs::read_to_string(folder.join("index.json")).unwrap(),
            "new"
        );
        assert!(!folder.join("blobs").exists());

        write("scope.new", "newer");
        let later = now + jiff::SignedDuration::from_hours(31 * 24);
        keep(&folder, later).unwrap();
        assert_eq!(names(), Vec::<&str>::new(), "all are old by then");

        assert!(keep(&folder, now).is_err(), "nothing was written");
        write("scope", "good");
        fs::create_dir(Cache::fresh(&folder)).unwrap();
        keep(&folder, now).unwrap();
        assert_eq!(names(), ["scope"], "the one before stays");
        remove(&folder).unwrap();
        write("scope.new", "left over");
        clear(&folder);
        assert_eq!(names(), Vec::<&str>::new());
    }
}
