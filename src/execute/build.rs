//! One buildx process: build, and push.

use std::io::{self, ErrorKind};
use std::mem;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;
use tracing::warn;

use super::Error;
use super::cache::Wait;
use super::imports::Imports;
use super::progress::{CutShort, Reader, Watch};
use super::stall::{Silent, Stall};
use crate::document;
use crate::host::{Command, Finished, Host, Progress, Signal, file};
use crate::image::Digest;

/// How BuildKit knows a local context again, so that a run sends only what has
/// changed since the run before. buildx makes one up for each new folder.
pub(super) const NODE_ID: &str = "5374657665646f72";

/// What buildx told of the result in its metadata file.
#[derive(Debug, Default)]
pub struct BuildResult {
    /// The file as it was, empty when buildx wrote none.
    pub metadata: String,
    /// `containerimage.digest`: of the index, or of the one manifest.
    pub digest: Option<Digest>,
    /// `containerimage.config.digest` for one platform, else the digest.
    pub image_id: Option<Digest>,
}

/// How a buildx ended.
pub(super) enum Ended {
    /// With success.
    Well,
    /// By us: only caches were left to write, and they have had their time.
    CutShort,
    /// By us: a registry has stopped answering.
    Silent(Silent),
    /// By us: these caches gave no answer while they were read; none where the
    /// builder began nothing at all.
    Unanswered(Vec<String>),
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
pub(super) struct Followed<'a, 'b> {
    /// The exports, and the time that their caches have.
    pub(super) watches: &'a mut [Watch<'b>],
    /// True when each vertex begins with the name of a target.
    pub(super) names_targets: bool,
    /// The caches that are read.
    pub(super) imports: &'a Imports,
    /// The registries that are pushed to.
    pub(super) stall: &'a Stall<'a>,
}

/// Builds. What the progress told of exports is in the watches; when the wait of
/// all of them is over, a cache does not answer, or a push stalls, buildx is ended.
pub(super) async fn run(
    command: &Command,
    host: &Host,
    progress: Progress<'_>,
    followed: Followed<'_, '_>,
) -> Result<Ended, Error> {
    let Followed {
        watches,
        names_targets,
        imports,
        stall,
    } = followed;
    let finished = match progress {
        Progress::Terminal => command.run(host, Progress::Terminal).await,
        Progress::Through(writer) => {
            let waits: Vec<Arc<Wait>> = watches.iter().map(|watch| watch.wait.clone()).collect();
            let pushes: Vec<_> = watches.iter().map(|watch| watch.pushing.clone()).collect();
            let pushing = || pushes.iter().filter_map(|pushing| pushing.now()).collect();
            let mut reader = Reader::new(writer, watches, imports, names_targets);
            // buildx dies with the command that is given up.
            let ended = tokio::select! {
                finished = command.run(host, Progress::Through(&mut reader)) => Ok(finished),
                () = over(&waits) => Err(Ended::CutShort),
                silent = stall.silent(pushing) => Err(Ended::Silent(silent)),
                entries = imports.unanswered() => Err(Ended::Unanswered(entries)),
            };
            drop(reader);
            match ended {
                Ok(finished) => finished,
                Err(ended) => {
                    for watch in watches {
                        match &ended {
                            Ended::Silent(silent) => watch.give_up(silent),
                            Ended::CutShort => watch.cut_short(CutShort::Bound),
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
    for watch in watches {
        watch.export.text = finished.tail.clone().unwrap_or_default();
    }
    Ok(match (finished.interrupted, finished.success) {
        (Some(signal), success) => Ended::Cancelled(signal, success),
        (None, true) => Ended::Well,
        (None, false) => Ended::Failed {
            code: finished.code,
            message: words(&finished),
        },
    })
}

/// Returns when all caches have had their time; never where there are none.
async fn over(waits: &[Arc<Wait>]) {
    match waits.iter().any(|wait| wait.writes()) {
        true => drop(join_all(waits.iter().map(|wait| wait.over())).await),
        false => std::future::pending().await,
    }
}

/// What a program said last, where we heard it.
pub(super) fn words(finished: &Finished) -> String {
    if finished.was_killed {
        return "it was killed, and not by this run. The kernel does that when memory runs out: \
                use a larger runner, or build fewer `platforms` at once"
            .to_owned();
    }
    match &finished.tail {
        Some(tail) => last_words(tail),
        None => "its words are above".to_owned(),
    }
}

/// The metadata file of a build that went well.
pub(super) struct Metadata {
    text: String,
    value: Value,
}

impl Metadata {
    /// One that cannot be read costs its output, not the run.
    pub(super) fn read(path: &Path) -> Self {
        let read = || -> io::Result<Self> {
            let text = file::read_text(path, file::DATA)?;
            let value = document::json(text.as_bytes())?;
            Ok(Self { text, value })
        };
        read().unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                let why = "the output `metadata` stays empty";
                warn!(title = "Metadata", "buildx's metadata file {error}: {why}");
            }
            Self {
                text: String::new(),
                value: Value::Null,
            }
        })
    }

    /// Takes out what it says of the result. Bake has each target under its name.
    pub(super) fn take(&mut self, target: Option<&str>) -> BuildResult {
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
        }
    }
}

/// buildx's own summary of what failed: from its last `ERROR` line on.
pub(super) fn last_words(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().map(str::trim_end).collect();
    // What `call: check` found, before the places where it did.
    if let Some(found) = lines
        .iter()
        .find(|line| line.starts_with("Check complete, "))
    {
        return (*found).to_owned();
    }
    let last = lines
        .iter()
        .rposition(|line| line.starts_with("ERROR: ") || line.starts_with("error: "));
    let words = match last {
        Some(index) => lines[index..].join("\n"),
        None => lines[lines.len().saturating_sub(5)..].join("\n"),
    };
    let words = words.trim_start_matches("ERROR: ").trim();
    match words {
        "" => "it printed nothing; its progress is above".to_owned(),
        words => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn read(file: &Path, target: Option<&str>) -> BuildResult {
        Metadata::read(file).take(target)
    }

    #[test]
    fn the_last_words_are_buildxs_summary() {
        let tail = "#5 0.1 error: in a step\n#5 ERROR: x\n------\nDockerfile:3\nERROR: failed to solve: process failed\n";
        assert_eq!(last_words(tail), "failed to solve: process failed");
        assert_eq!(last_words("a\nb\n"), "a\nb");
        let check =
            "#3 done\nCheck complete, 2 warnings have been found!\n\nWARNING: x\n 1 | from\n";
        assert_eq!(
            last_words(check),
            "Check complete, 2 warnings have been found!"
        );
        assert!(last_words("").contains("nothing"));
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
        let mut of = |target| metadata.take(Some(target)).metadata;
        assert_eq!(
            [of("b"), of("a"), of("c")],
            [r#"{"x":2}"#, r#"{"x":1}"#, ""]
        );
    }
}
