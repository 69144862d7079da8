//! The start of a builder's containers, which is not broken off halfway.
//!
//! A buildx that is ended while it asks the engine for a container leaves one
//! behind: the engine makes it all the same. One of them, with which buildx looks
//! for GPUs, has no name to find it by. So who stops a run waits until the
//! containers are up, and only then are they removed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::info;

use crate::execute::error::Error;
use crate::host::{Command, CommandResult, Host, Log, Progress, Signal};

/// How long the containers of a run that is stopped may take until they are up.
/// The runner ends a step 10 s after it has cancelled it.
const BOUND: Duration = Duration::from_secs(5);
/// How long buildx may take to print what it does.
const PRINTS: Duration = Duration::from_millis(400);
/// What buildx prints once the image is there.
const MAKES: &[u8] = b"creating container";

/// What stops the making of a builder.
#[derive(Clone, Copy)]
pub struct StopRequest<'a> {
    pub host: &'a Host,
    /// Told when the run will go no further; nobody tells it once there is a
    /// builder.
    pub refused: Option<&'a Notify>,
}

impl StopRequest<'_> {
    /// Waits for one: a signal, or none when the run goes no further.
    async fn next(&self) -> Option<Signal> {
        let refused = async {
            match self.refused {
                Some(refused) => refused.notified().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            signal = self.host.cancellation().requested() => Some(signal),
            () = refused => None,
        }
    }
}

/// Runs a program that may be ended at any time.
pub async fn run(
    command: &Command,
    progress: Progress<'_>,
    stops: StopRequest<'_>,
) -> Result<CommandResult, Error> {
    tokio::select! {
        finished = command.run_undisturbed(stops.host, progress) => finished.map_err(started(command)),
        signal = stops.next() => Err(stopped(signal)),
    }
}

/// Runs a program that makes containers; true when it came to its end with success,
/// so that it has left none half made. A terminal's Ctrl-C reaches it, too.
pub async fn run_patiently(
    command: &Command,
    progress: Progress<'_>,
    stops: StopRequest<'_>,
) -> (Result<CommandResult, Error>, bool) {
    let makes = Arc::new(AtomicBool::new(false));
    let mut watched;
    let progress = match progress {
        Progress::Terminal => {
            // What it does there is not seen from here.
            makes.store(true, Ordering::Relaxed);
            Progress::Terminal
        }
        Progress::Through(writer) => {
            watched = ContainerWatcher {
                writer,
                makes: Arc::clone(&makes),
            };
            Progress::Through(&mut watched)
        }
    };
    let run = command.run_undisturbed(stops.host, progress);
    tokio::pin!(run);
    let signal = tokio::select! {
        finished = &mut run => {
            let finished = finished.map_err(started(command));
            let is_whole = finished.as_ref().is_ok_and(|finished| finished.success);
            return (finished, is_whole);
        }
        signal = stops.next() => signal,
    };
    let mut ended = tokio::time::timeout(PRINTS, &mut run).await;
    if ended.is_err() && makes.load(Ordering::Relaxed) {
        info!("waiting for the builder to start, to remove all of it");
        ended = tokio::time::timeout(BOUND, &mut run).await;
    }
    let is_whole = matches!(ended, Ok(Ok(finished)) if finished.success);
    (Err(stopped(signal)), is_whole)
}

fn stopped(signal: Option<Signal>) -> Error {
    match signal {
        Some(signal) => Error::Cancelled(signal),
        // Whoever has asked the registries tells what they answered.
        None => Error::Refused(Vec::new()),
    }
}

fn started(command: &Command) -> impl FnOnce(io::Error) -> Error {
    let program = command.program.display().to_string();
    move |source| Error::Start { program, source }
}

/// A writer that sees when containers are made.
struct ContainerWatcher<'a> {
    writer: &'a mut dyn Log,
    makes: Arc<AtomicBool>,
}

impl Write for ContainerWatcher<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.windows(MAKES.len()).any(|some| some == MAKES) {
            self.makes.store(true, Ordering::Relaxed);
        }
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Log for ContainerWatcher<'_> {}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Runs a script that is to stop at once, and would end in 1 s; whether it came
    /// to its end.
    async fn is_whole(says: &str) -> bool {
        let environment = [("PATH", "/usr/bin:/bin")];
        let host = Host::with(&environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        let script = format!("echo '#1 {says}'; sleep 1");
        let command = Command::new(Path::new("/bin/sh")).args(["-c", &script]);
        let refused = Notify::new();
        let stops = StopRequest {
            host: &host,
            refused: Some(&refused),
        };
        refused.notify_one();
        let mut out = Vec::new();
        let progress = Progress::Through(&mut out);
        let (stopped, is_whole) = run_patiently(&command, progress, stops).await;
        assert!(String::from_utf8(out).unwrap().contains(says));
        assert!(matches!(stopped, Err(Error::Refused(_))), "{stopped:?}");
        is_whole
    }

    #[tokio::test]
    async fn containers_that_are_being_made_are_waited_for() {
        assert!(is_whole("creating container buildx_buildkit_b0").await);
        assert!(!is_whole("pulling image moby/buildkit").await);
    }
}
