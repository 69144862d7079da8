//! Caches in folders that several runs share.
//!
//! A run reads a copy made of hard links, which no other run changes, and writes
//! into a folder of its own. What it has written takes the place of the cache
//! before it as a whole, under a lock.

use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use tokio::time::{Instant, sleep};

use crate::host::check_own_folder;
use crate::plan::{Cache, LocalCache, Plan};

/// How long other runs are waited for. They hold the lock while they rename.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long to wait before the lock is tried again.
const AGAIN: Duration = Duration::from_millis(20);
/// Locked for as long as a run lasts, in the run's own folder.
const ALIVE: &str = "alive";
/// What BuildKit writes last.
const INDEX: &str = "index.json";
/// How long a cache stays that no run writes any more, such as that of a branch
/// that is gone: 30 days, in seconds.
const UNUSED: u64 = 30 * 24 * 60 * 60;

/// The run's own folder among the caches. It is removed with the value, or by a
/// later run if this one is killed.
pub struct LocalCaches {
    own: PathBuf,
    _alive: File,
}

impl LocalCaches {
    /// Makes the run's own folder, with what is read in it; `None` where the
    /// plan has no local cache.
    ///
    /// # Errors
    /// When the shared folder cannot be used.
    pub async fn open(plan: &Plan) -> io::Result<Option<Self>> {
        let builds = plan.builds.iter();
        let all = builds.filter_map(|build| build.cache.local.as_ref());
        let Some(first) = all.clone().next() else {
            return Ok(None);
        };
        own_folder(&first.shared)?;
        let _lock = lock(first).await?;
        remove_dead_runs(&first.shared);
        private_folder(&first.own)?;
        let alive = open(&first.own.join(ALIVE))?;
        flock(&alive, FlockOperation::NonBlockingLockExclusive)?;
        let caches = Self {
            own: first.own.clone(),
            _alive: alive,
        };
        for local in all {
            for scope in &local.read {
                link(&local.shared_path(scope), &local.from(scope))?;
            }
        }
        Ok(Some(caches))
    }
}

impl Drop for LocalCaches {
    fn drop(&mut self) {
        // What stays is removed by the next run.
        let _ = fs::remove_dir_all(&self.own);
    }
}

/// True when an error of buildx is about the run's own folder: it is the cache
/// that could not be written.
pub fn is_about(message: &str, cache: &Cache) -> bool {
    let own = cache.own_folder();
    own.is_some_and(|own| message.contains(&*own.to_string_lossy()))
}

/// Removes what an earlier try has written.
pub fn clear(local: &LocalCache) {
    if let Some(scope) = &local.written {
        let _ = fs::remove_dir_all(local.to(scope));
    }
}

/// Puts the cache that was written in the place of the one before it, and
/// removes those that no run has written for a month.
///
/// # Errors
/// When nothing was written, or the shared folder cannot be changed.
pub async fn keep(local: &LocalCache, now: Timestamp) -> io::Result<()> {
    // Without the run's own folder the cache was left out.
    let Some(scope) = local.written.as_ref().filter(|_| local.own.is_dir()) else {
        return Ok(());
    };
    let written = local.to(scope);
    if written.is_dir() && !written.join(INDEX).is_file() {
        // Of a result without steps BuildKit makes a folder alone, which nobody
        // could read.
        return remove(&written);
    }
    let _lock = lock(local).await?;
    let (seen, replaced) = (local.shared_path(scope), local.replaced_path(scope));
    replace(&seen, &written, &replaced)?;
    for entry in fs::read_dir(&local.shared)?.flatten() {
        if is_unused(&entry, now) {
            let name = entry.file_name();
            take_away(&entry.path(), &local.replaced_path(&name.to_string_lossy()))?;
        }
    }
    Ok(())
}

fn replace(seen: &Path, written: &Path, replaced: &Path) -> io::Result<()> {
    take_away(seen, replaced)?;
    let put = fs::rename(written, seen);
    if put.is_err() {
        let _ = fs::rename(replaced, seen);
    }
    put
}

/// Moves a folder to where it is removed without the lock.
fn take_away(folder: &Path, replaced: &Path) -> io::Result<()> {
    if let Some(parent) = replaced.parent() {
        fs::create_dir_all(parent)?;
    }
    remove(replaced)?;
    missing_is_fine(fs::rename(folder, replaced))
}

fn is_unused(entry: &DirEntry, now: Timestamp) -> bool {
    let written = entry
        .path()
        .join(INDEX)
        .metadata()
        .and_then(|metadata| metadata.modified());
    let Ok(written) = written.map(Timestamp::try_from) else {
        return false;
    };
    written.is_ok_and(|written| {
        now.duration_since(written).unsigned_abs().as_secs() > UNUSED && now > written
    })
}

/// Waits until no other run reads or changes what all see.
async fn lock(local: &LocalCache) -> io::Result<File> {
    let path = local.lock();
    let file = open(&path)?;
    let until = Instant::now() + PATIENCE;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(Errno::WOULDBLOCK) if Instant::now() < until => sleep(AGAIN).await,
            Err(Errno::WOULDBLOCK) => {
                let (path, seconds) = (path.display(), PATIENCE.as_secs());
                let text = format!("another run has held {path} for {seconds} s");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Opens a file for locking. Whoever shares the folder may have put a link or a
/// pipe there.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
}

/// Removes the folders of runs that were killed.
fn remove_dead_runs(shared: &Path) {
    let entries = fs::read_dir(shared).into_iter().flatten().flatten();
    for entry in entries {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let is_of_a_run = entry.file_name().as_encoded_bytes().starts_with(b".");
        if is_folder && is_of_a_run && !is_alive(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_alive(own: &Path) -> bool {
    let alive = open(&own.join(ALIVE));
    alive.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
}

/// Makes the same files visible in another folder, of which nothing is there
/// yet. Nothing but files and folders is followed.
fn link(from: &Path, to: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    if to.exists() {
        return Ok(());
    }
    private_folder(to)?;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            link(&entry.path(), &target)?;
        } else if kind.is_file() {
            // Some file systems have no hard links.
            fs::hard_link(entry.path(), &target)
                .or_else(|_| fs::copy(entry.path(), &target).map(drop))?;
        }
    }
    Ok(())
}

/// Makes the folder that runs of this user share. What somebody else had put
/// into it would become part of images.
fn own_folder(path: &Path) -> io::Result<()> {
    private_folder(path)?;
    check_own_folder(path).map_err(|error| {
        let text = format!("{} is not used: {error}", path.display());
        io::Error::new(error.kind(), text)
    })
}

fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn remove(folder: &Path) -> io::Result<()> {
    missing_is_fine(fs::remove_dir_all(folder))
}

fn missing_is_fine(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of caches, and a run that uses one scope of it.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn run(&self, name: &str) -> LocalCache {
            let shared = self.0.path().to_owned();
            LocalCache {
                own: shared.join(format!(".{name}")),
                shared,
                read: vec!["scope".to_owned()],
                written: Some("scope".to_owned()),
            }
        }

        /// The caches that others see.
        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.path()).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| !name.starts_with('.'))
                .collect();
            names.sort();
            names
        }
    }

    fn write(folder: &Path, name: &str, text: &str) {
        fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        fs::write(folder.join(name), text).unwrap();
    }

    fn read(folder: &Path, name: &str) -> String {
        fs::read_to_string(folder.join(name)).unwrap()
    }

    fn now(place: &Place) -> Timestamp {
        let index = place.0.path().join("scope/index.json");
        let written = fs::metadata(index).map(|index| index.modified().unwrap());
        written.map_or(Timestamp::UNIX_EPOCH, |at| Timestamp::try_from(at).unwrap())
    }

    #[tokio::test]
    async fn a_new_cache_takes_the_place_of_the_old_one_and_dead_ones_go() {
        let place = Place::new();
        let run = place.run("run");
        write(&run.shared_path("scope"), INDEX, "old");
        write(&run.shared_path("scope"), "blobs/a", "of the old one");
        write(&run.shared_path("gone-branch"), INDEX, "");
        write(&run.to("scope"), INDEX, "new");
        let now = now(&place);
        keep(&run, now).await.unwrap();
        assert_eq!(place.names(), ["gone-branch", "scope"]);
        assert_eq!(read(&run.shared_path("scope"), INDEX), "new");
        assert!(!run.shared_path("scope").join("blobs").exists());

        write(&run.to("scope"), INDEX, "newer");
        let later = now + jiff::SignedDuration::from_hours(31 * 24);
        keep(&run, later).await.unwrap();
        assert_eq!(place.names(), Vec::<&str>::new(), "all are old by then");

        assert!(keep(&run, now).await.is_err(), "nothing was written");
        write(&run.shared_path("scope"), INDEX, "good");
        fs::create_dir_all(run.to("scope")).unwrap();
        keep(&run, now).await.unwrap();
        assert_eq!(place.names(), ["scope"], "the one before stays");
    }

    #[tokio::test]
    async fn what_a_run_reads_is_not_changed_by_another() {
        let place = Place::new();
        let (reader, writer) = (place.run("reader"), place.run("writer"));
        write(&reader.shared_path("scope"), "blobs/a", "old");
        link(&reader.shared_path("scope"), &reader.from("scope")).unwrap();
        write(&writer.to("scope"), INDEX, "new");
        keep(&writer, now(&place)).await.unwrap();
        fs::remove_dir_all(&writer.own).unwrap();
        assert_eq!(read(&reader.from("scope"), "blobs/a"), "old");
        assert_eq!(read(&reader.shared_path("scope"), INDEX), "new");
    }

    #[test]
    fn a_folder_that_others_write_to_has_no_cache() {
        use std::os::unix::fs::PermissionsExt as _;
        let place = Place::new();
        let shared = place.0.path().join("stevedore-cache");
        own_folder(&shared).unwrap();
        own_folder(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o777)).unwrap();
        let error = own_folder(&shared).unwrap_err().to_string();
        assert!(
            error.contains("stevedore-cache is not used: its mode 777"),
            "{error}"
        );
    }

    #[test]
    fn links_are_not_followed() {
        let place = Place::new();
        let run = place.run("run");
        write(&run.shared_path("scope"), INDEX, "");
        let link_to_secrets = run.shared_path("scope").join("blobs");
        std::os::unix::fs::symlink("/etc", link_to_secrets).unwrap();
        link(&run.shared_path("scope"), &run.from("scope")).unwrap();
        let linked = fs::read_dir(run.from("scope")).unwrap();
        assert_eq!(linked.count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_that_is_never_given_back_is_given_up() {
        let place = Place::new();
        let _held = lock(&place.run("one")).await.unwrap();
        let refused = lock(&place.run("two")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn only_folders_of_runs_that_are_gone_are_swept() {
        let place = Place::new();
        let (alive, gone) = (place.run("alive"), place.run("gone"));
        for run in [&alive, &gone] {
            private_folder(&run.own).unwrap();
        }
        write(&alive.shared_path("scope"), INDEX, "");
        let held = open(&alive.own.join(ALIVE)).unwrap();
        flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        remove_dead_runs(&alive.shared);
        assert!(alive.own.exists() && !gone.own.exists());
        assert_eq!(place.names(), ["scope"]);
    }
}
