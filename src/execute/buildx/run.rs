//! One buildx process: build, and push.

use crate::input::CacheEntry;
use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;
use tracing::warn;

use crate::document;
use crate::env_vars;
use crate::execute::buildx::build_check::{self, BuildCheck};
use crate::execute::buildx::build_result::BuildResult;
use crate::execute::buildx::cache_deadline::CacheDeadline;
use crate::execute::buildx::cache_reads::Imports;
use crate::execute::buildx::export::Interrupted;

pub use crate::execute::buildx::last_words::failure_text;
use crate::execute::buildx::progress::{ProgressObserver, Reader, SharedReader};
use crate::execute::buildx::push_stall::{Silent, Stall};
use crate::execute::error::Error;
use crate::host::{Command, Host, Progress, Signal, file};
use crate::image::Digest;
use crate::plan::Display;

/// How BuildKit knows a local context again, so that a run sends only what has
/// changed since the run before. buildx makes one up for each new folder.
pub const NODE_ID: &str = "5374657665646f72";
/// How often it is looked whether anything has to be said.
const TICK: Duration = Duration::from_secs(1);

/// How a buildx ended.
pub enum BuildExit {
    /// With success.
    Well,
    /// By us: only caches were left to write, and they have had their time.
    Interrupted,
    /// By us: a registry has stopped answering.
    Silent(Silent),
    /// By us: these caches gave no answer while they were read; none where the
    /// builder began nothing at all.
    Unanswered(Vec<CacheEntry>),
    /// With an error.
    Failed {
        /// Its exit code.
        code: Option<i32>,
        /// Its last words.
        message: String,
    },
    /// On a signal that reached us; true when it was done all the same.
    Cancelled(Signal, bool),
}

/// What is followed while buildx runs, and can end it.
pub struct Followed<'a, 'b> {
    /// The exports, and the time that their caches have.
    pub watches: &'a mut [ProgressObserver<'b>],
    /// True when each vertex begins with the name of a target.
    pub names_targets: bool,
    /// The caches that are read.
    pub imports: &'a Imports,
    /// The registries that are pushed to.
    pub stall: &'a Stall<'a>,
    /// How its progress is read and shown.
    pub display: Display,
}

/// Builds. What the progress told of exports is in the watches; when the wait of
/// all of them is over, a cache does not answer, or a push stalls, buildx is ended.
/// Nobody waits for the content of an image after that.
pub async fn run(
    command: &Command,
    host: &Host,
    progress: Progress<'_>,
    followed: Followed<'_, '_>,
) -> Result<BuildExit, Error> {
    let watches = followed.watches.iter();
    let contents: Vec<_> = watches.map(|watch| watch.content.clone()).collect();
    let ended = run_to_end(command, host, progress, followed).await;
    contents.iter().for_each(|content| content.end());
    ended
}

async fn run_to_end(
    command: &Command,
    host: &Host,
    progress: Progress<'_>,
    followed: Followed<'_, '_>,
) -> Result<BuildExit, Error> {
    let Followed {
        watches,
        names_targets,
        imports,
        stall,
        display,
    } = followed;
    let mut end = None;
    let finished = match progress {
        Progress::Terminal => command.run(host, Progress::Terminal).await,
        Progress::Through(writer) => {
            let waits: Vec<Arc<CacheDeadline>> =
                watches.iter().map(|watch| watch.wait.clone()).collect();
            let pushes: Vec<_> = watches.iter().map(|watch| watch.pushing.clone()).collect();
            let pushing = || pushes.iter().filter_map(|pushing| pushing.now()).collect();
            let command = with_progress(command, display);
            let style = display.style;
            let reader = Reader::new(writer, style, watches, imports, names_targets);
            let reader = Mutex::new(reader);
            let mut shared = SharedReader(&reader);
            // buildx dies with the command that is given up.
            let ended = tokio::select! {
                finished = command.run(host, Progress::Through(&mut shared)) => Ok(finished),
                () = all_expired(&waits) => Err(BuildExit::Interrupted),
                silent = stall.silent(pushing) => Err(BuildExit::Silent(silent)),
                entries = imports.wait_for_silence() => Err(BuildExit::Unanswered(entries)),
                never = tick_forever(&reader) => match never {},
            };
            let reader = reader.into_inner().unwrap_or_else(PoisonError::into_inner);
            end = Some(reader.end());
            match ended {
                Ok(finished) => finished,
                Err(ended) => {
                    for watch in watches {
                        match &ended {
                            BuildExit::Silent(silent) => watch.give_up(silent),
                            BuildExit::Interrupted => watch.cut_short(Interrupted::Bound),
                            _ => {}
                        }
                    }
                    return Ok(ended);
                }
            }
        }
    };
    let finished = finished.map_err(|source| Error::Start {
        program: command.program.display().to_string(),
        source,
    })?;
    let mut finished = finished;
    if let Some(transcript) = end {
        let transcript = host.without_secrets(&transcript);
        for watch in watches {
            watch.export.text = transcript.clone();
        }
        finished.tail = Some(transcript);
    }
    Ok(match (finished.interrupted, finished.success) {
        (Some(signal), success) => BuildExit::Cancelled(signal, success),
        (None, true) => BuildExit::Well,
        (None, false) => BuildExit::Failed {
            code: finished.code,
            message: failure_text(&finished),
        },
    })
}

/// The same command, with a progress that can be read.
fn with_progress(command: &Command, display: Display) -> Command {
    let form = if display.is_typed { "rawjson" } else { "plain" };
    command.clone().env(env_vars::BUILDKIT_PROGRESS, form)
}

/// Lets the log say what runs, where nothing else is said for long.
async fn tick_forever(reader: &Mutex<Reader<'_, '_>>) -> Infallible {
    loop {
        tokio::time::sleep(TICK).await;
        reader.lock().unwrap_or_else(PoisonError::into_inner).tick();
    }
}

/// Returns when all caches have had their time; never where there are none.
async fn all_expired(waits: &[Arc<CacheDeadline>]) {
    if waits.iter().any(|wait| wait.writes_cache()) {
        drop(join_all(waits.iter().map(|wait| wait.expired())).await)
    } else {
        std::future::pending().await
    }
}

/// The metadata file of a build that went well.
pub struct Metadata {
    text: String,
    value: Value,
    checks: Vec<BuildCheck>,
}

impl Metadata {
    /// One that cannot be read costs its output, not the run.
    pub fn read(path: &Path) -> Self {
        let read = || -> io::Result<Self> {
            let text = file::read_text(path, file::DATA)?;
            let mut value = document::json(text.as_bytes())?;
            let fields = value.as_object_mut();
            // They hold the whole Dockerfile.
            let found = fields.and_then(|fields| fields.remove(build_check::KEY));
            let text = match &found {
                Some(_) => serde_json::to_string_pretty(&value)?,
                None => text,
            };
            let checks = BuildCheck::all(&found.unwrap_or_default());
            Ok(Self {
                text,
                value,
                checks,
            })
        };
        read().unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                let why = "the output `metadata` stays empty";
                warn!(title = "Metadata", "buildx's metadata file {error}: {why}");
            }
            Self {
                text: String::new(),
                value: Value::Null,
                checks: Vec::new(),
            }
        })
    }

    /// Takes out what it says of the result. Bake has each target under its name.
    pub fn take_result(&mut self, target: Option<&str>) -> BuildResult {
        let (metadata, value) = match target {
            None => (mem::take(&mut self.text), self.value.take()),
            Some(target) => match self.value.get_mut(target).map(Value::take) {
                Some(value) => (value.to_string(), value),
                None => (String::new(), Value::Null),
            },
        };
        let digest = |name: &str| Digest::parse(value.get(name)?.as_str()?).ok();
        let of_index = digest("containerimage.digest");
        BuildResult {
            image_id: digest("containerimage.config.digest").or_else(|| of_index.clone()),
            digest: of_index,
            metadata,
            // Of several targets nobody says whose they are: the first tells them.
            checks: mem::take(&mut self.checks),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(file: &Path, target: Option<&str>) -> BuildResult {
        Metadata::read(file).take_result(target)
    }

    #[test]
    fn digests_are_those_of_the_metadata_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metadata.json");
        let (index, config) = (Digest::of(b"i"), Digest::of(b"c"));
        fs::write(&file, format!(r#"{{"containerimage.digest":"{index}"}}"#)).unwrap();
        let result = read(&file, None);
        assert_eq!(result.image_id, Some(index.clone()));
        let both = format!(
            r#"{{"containerimage.digest":"{index}","containerimage.config.digest":"{config}"}}"#
        );
        fs::write(&file, &both).unwrap();
        let result = read(&file, None);
        assert_eq!(
            (result.digest, result.image_id),
            (Some(index), Some(config.clone()))
        );
        fs::write(&file, format!(r#"{{"base":{{}},"api":{both}}}"#)).unwrap();
        let result = read(&file, Some("api"));
        assert_eq!(result.image_id, Some(config));
        assert_eq!(result.metadata, both);
    }

    #[test]
    fn a_file_that_is_missing_or_cannot_be_read_has_no_digest() {
        assert!(read(Path::new("/nonexistent"), None).digest.is_none());
        let folder = tempfile::tempdir().unwrap();
        let endless = folder.path().join("metadata.json");
        symlink("/dev/zero", &endless).unwrap();
        let result = read(&endless, None);
        assert_eq!((result.digest, result.metadata), (None, String::new()));
    }

    #[test]
    fn every_target_takes_its_own_part() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metadata.json");
        fs::write(&file, r#"{"a":{"x":1},"b":{"x":2}}"#).unwrap();
        let mut metadata = Metadata::read(&file);
        let mut of = |target| metadata.take_result(Some(target)).metadata;
        assert_eq!(
            [of("b"), of("a"), of("c")],
            [r#"{"x":2}"#, r#"{"x":1}"#, ""]
        );
    }
}
