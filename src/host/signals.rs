//! The signals by which a run is cancelled.
//!
//! GitHub's runner sends SIGINT, SIGTERM 7.5 s later, and kills the rest 2.5 s
//! after that; a terminal sends SIGINT or SIGQUIT to the whole group, and SIGHUP
//! when it is closed.

use std::io;
use std::path::Path;

use rustix::process::{Pid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::host::file;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGHUP.
    Hangup,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    const ALL: [Self; 4] = [Self::Hangup, Self::Interrupt, Self::Quit, Self::Terminate];

    fn kind(self) -> SignalKind {
        match self {
            Self::Hangup => SignalKind::hangup(),
            Self::Interrupt => SignalKind::interrupt(),
            Self::Quit => SignalKind::quit(),
            Self::Terminate => SignalKind::terminate(),
        }
    }

    /// The exit code by which a shell reports an end by this signal.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Hangup => 129,
            Self::Interrupt => 130,
            Self::Quit => 131,
            Self::Terminate => 143,
        }
    }

    /// Asks a child that still runs to stop. buildx stops in order on SIGINT and
    /// SIGTERM only; SIGQUIT makes a program in Go print what it is doing.
    pub fn send(self, child: Option<u32>) {
        let pid = child
            .and_then(|id| i32::try_from(id).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // A child that has ended in between needs no signal.
            let _ = kill_process(
                pid,
                match self {
                    Self::Interrupt => rustix::process::Signal::INT,
                    Self::Hangup | Self::Quit | Self::Terminate => rustix::process::Signal::TERM,
                },
            );
        }
    }
}

/// Whether the run is to stop. Clones hear the same.
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<Option<Signal>>);

impl Cancellation {
    /// One that nobody asks for.
    pub fn never() -> Self {
        Self(watch::channel(None).1)
    }

    /// Begins to listen to signals, which end the process no more.
    ///
    /// # Errors
    /// When the system lets no handler be set.
    pub fn on_signals() -> io::Result<Self> {
        let (sender, receiver) = watch::channel(None);
        for one in Signal::ALL {
            if one == Signal::Hangup && ignores_hangup() {
                continue;
            }
            let mut stream = signal(one.kind())?;
            let sender = sender.clone();
            tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    sender.send_replace(Some(one));
                }
            });
        }
        Ok(Self(receiver))
    }

    /// The latest signal, once there is one.
    pub fn signal(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits until the run is to stop; does not wait when that is known already.
    pub async fn requested(&self) -> Signal {
        self.clone().next().await
    }

    /// Waits for the next signal, beginning with one that has come already.
    pub async fn next(&mut self) -> Signal {
        loop {
            if self.0.changed().await.is_err() {
                // Nobody sends any more.
                return std::future::pending().await;
            }
            if let Some(signal) = *self.0.borrow_and_update() {
                return signal;
            }
        }
    }
}

/// True when we were started with SIGHUP ignored: `nohup` lets a program outlive
/// its terminal so.
fn ignores_hangup() -> bool {
    let status =
        file::read_text(Path::new("/proc/self/status"), file::SETTINGS).unwrap_or_default();
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // The first bit is that of signal 1, SIGHUP.
    mask.is_some_and(|mask| mask & 1 == 1)
}
