//! A stage of a step on its way: watched, signalled, cancelled, waited for.
//!
//! Owns the thread that follows it; the order of stages is `job`'s.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::log::Log;
use crate::process::{Output, Process, Signal};
use crate::{Error, StageRun};

/// A hand on the process that runs now; copies share it.
#[derive(Clone, Debug, Default)]
pub struct Control {
    current: Arc<Mutex<Option<Process>>>,
    cancelled: Arc<AtomicBool>,
}

impl Control {
    /// Cancels as the runner does: SIGINT, 7.5 s, SIGTERM, 2.5 s, the tree is
    /// killed. Returns at once. Post still runs; steps that follow do not.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        if let Some(process) = self.process() {
            std::thread::spawn(move || process.cancel());
        }
    }

    /// Sends a signal to the process that runs now; false when there is none.
    #[must_use]
    pub fn signal(&self, signal: Signal) -> bool {
        self.process().is_some_and(|process| process.signal(signal))
    }

    /// The process that runs now.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process().map(|process| process.pid())
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn set(&self, process: Option<Process>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = process;
    }

    fn process(&self) -> Option<Process> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A log that can be waited on.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedLog(Arc<(Mutex<Log>, Condvar)>);

impl SharedLog {
    pub(crate) fn new(log: Log) -> Self {
        Self(Arc::new((Mutex::new(log), Condvar::new())))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, line: &str) {
        self.lock().line(line);
        self.0.1.notify_all();
    }

    pub(crate) fn wait_for(&self, text: &str, time: Duration) -> bool {
        let missing = |log: &mut Log| !log.raw.contains(text);
        let waited = self.0.1.wait_timeout_while(self.lock(), time, missing);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

/// A stage whose process was started.
#[derive(Debug)]
pub(crate) struct Stage {
    thread: JoinHandle<std::io::Result<StageRun>>,
}

impl Stage {
    pub(crate) fn follow(output: Output, log: SharedLog, begin: Instant) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let thread = std::thread::spawn(move || {
            let status = output.follow(|line| log.line(line))?;
            let (exit_code, signal) = (status.code(), status.signal());
            Ok(StageRun {
                exit_code,
                signal,
                elapsed: begin.elapsed(),
            })
        });
        Self { thread }
    }

    pub(crate) fn wait(self) -> Result<StageRun, Error> {
        let ended = self
            .thread
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the log's thread panicked")));
        ended.map_err(|source| Error::Start {
            program: "the step".into(),
            source,
        })
    }
}
