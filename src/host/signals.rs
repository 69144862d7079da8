//! The signals by which a run is cancelled.
//!
//! GitHub's runner sends SIGINT, SIGTERM 7.5 s later, and kills the rest 2.5 s
//! after that; a terminal sends SIGINT to the whole group.

use std::io;

use rustix::process::{Pid, kill_process};
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The exit code by which a shell reports an end by this signal.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    /// Passes the signal on to a child that still runs.
    pub(super) fn send(self, child: Option<u32>) {
        let pid = child
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // A child that has ended in between needs no signal.
            let _ = kill_process(
                pid,
                match self {
                    Self::Interrupt => rustix::process::Signal::INT,
                    Self::Terminate => rustix::process::Signal::TERM,
                },
            );
        }
    }
}

/// The requests to stop that reach this process, from now on.
#[derive(Debug)]
pub struct Signals {
    interrupt: Stream,
    terminate: Stream,
}

impl Signals {
    /// Starts to catch SIGINT and SIGTERM, which end the process no more.
    ///
    /// # Errors
    /// When the system lets no handler be set.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}
