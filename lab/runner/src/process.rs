//! One process of a step: its lines, its signals, its end.
//!
//! Owns starting, cancelling and waiting. Specification: the runner's
//! ProcessInvoker. Signals go to the process alone, as the runner sends them;
//! the process has a group of its own, so that a terminal's Ctrl-C reaches it
//! through the stand-in only.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, kill_process, waitid};

use crate::Error;

/// A signal, as [`crate::Control::signal`] takes it.
pub type Signal = rustix::process::Signal;

/// How long the runner waits after SIGINT, and then after SIGTERM.
const GRACE: [(Signal, Duration); 2] = [
    (Signal::INT, Duration::from_millis(7_500)),
    (Signal::TERM, Duration::from_millis(2_500)),
];
/// How long output may stay open after the process has ended.
const OUTPUT_GRACE: Duration = Duration::from_secs(5);

/// A process that was started, for as long as someone wants to signal it.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pid: Pid,
    /// Set once the process has been waited for: its number may be another's then.
    ended: Arc<(Mutex<bool>, Condvar)>,
}

enum Event {
    Line(String),
    OutputClosed,
    Ended(std::io::Result<ExitStatus>),
}

/// The other end of a started process: what it says and how it ends.
pub(crate) struct Output {
    events: Receiver<Event>,
}

/// Starts `command` with its output as lines and no input.
pub(crate) fn start(mut command: Command) -> Result<(Process, Output), Error> {
    use std::os::unix::process::CommandExt;
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| Error::Start { program, source };
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    drop(child.stdin.take());
    let pid = Pid::from_child(&child);
    let process = Process {
        pid,
        ended: Arc::default(),
    };
    let (sender, events) = channel();
    if let Some(stdout) = child.stdout.take() {
        read_lines(stdout, sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        read_lines(stderr, sender.clone());
    }
    wait_for(child, process.clone(), sender);
    Ok((process, Output { events }))
}

impl Output {
    /// Hands over each line as it comes, until the process has ended.
    pub(crate) fn follow(self, mut line: impl FnMut(&str)) -> std::io::Result<ExitStatus> {
        let (mut open, mut end, mut deadline) = (2, None, None);
        loop {
            match self.next(deadline) {
                Some(Event::Line(text)) => line(&text),
                Some(Event::OutputClosed) => open -= 1,
                Some(Event::Ended(status)) => {
                    end = Some(status);
                    deadline = Some(Instant::now() + OUTPUT_GRACE);
                }
                None => open = 0,
            }
            if open == 0
                && let Some(status) = end.take()
            {
                return status;
            }
        }
    }

    fn next(&self, deadline: Option<Instant>) -> Option<Event> {
        let Some(deadline) = deadline else {
            return self.events.recv().ok();
        };
        let left = deadline.saturating_duration_since(Instant::now());
        self.events.recv_timeout(left).ok()
    }
}

impl Process {
    /// Sends a signal to the process; false when it has ended.
    pub(crate) fn signal(&self, signal: Signal) -> bool {
        let ended = self.lock();
        !*ended && kill_process(self.pid, signal).is_ok()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// SIGINT, SIGTERM, and at last its whole tree killed, each after its time.
    pub(crate) fn cancel(&self) {
        for (signal, grace) in GRACE {
            if !self.signal(signal) || self.wait_ended(grace) {
                return;
            }
        }
        let tree = descendants(self.pid());
        self.signal(Signal::KILL);
        tree.into_iter().for_each(kill);
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.ended.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_ended(&self, time: Duration) -> bool {
        let waited = self
            .ended
            .1
            .wait_timeout_while(self.lock(), time, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Kills a process by its number.
pub(crate) fn kill(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended by itself meanwhile: nothing to do then.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Waits without reaping first: as long as nobody has, the number is still ours to signal.
fn wait_for(mut child: Child, process: Process, sender: Sender<Event>) {
    std::thread::spawn(move || {
        let _ = waitid(
            WaitId::Pid(process.pid),
            WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
        );
        let mut ended = process.lock();
        let status = child.wait();
        *ended = true;
        drop(ended);
        process.ended.1.notify_all();
        let _ = sender.send(Event::Ended(status));
    });
}

fn read_lines(mut stream: impl Read + Send + 'static, sender: Sender<Event>) {
    std::thread::spawn(move || {
        let mut lines = LineSplitter::default();
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            lines.feed(buffer.get(..count).unwrap_or_default(), |line| {
                let _ = sender.send(Event::Line(line));
            });
        }
        if !lines.pending.is_empty() {
            let _ = sender.send(Event::Line(lines.take()));
        }
        let _ = sender.send(Event::OutputClosed);
    });
}

/// Lines end with LF, CR LF, or CR alone, as .NET reads them.
#[derive(Default)]
struct LineSplitter {
    pending: Vec<u8>,
    after_cr: bool,
}

impl LineSplitter {
    fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(String)) {
        for &byte in bytes {
            match byte {
                b'\n' if self.after_cr => {}
                b'\n' | b'\r' => line(self.take()),
                other => self.pending.push(other),
            }
            self.after_cr = byte == b'\r';
        }
    }

    fn take(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.pending)).into_owned()
    }
}

/// Every process below `root`, from /proc; none where there is no /proc.
fn descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = pids().filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&of) = found.get(next) {
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| *parent == of)
                .map(|(pid, _)| *pid),
        );
        next += 1;
    }
    found.split_off(1)
}

/// The numbers of all processes that /proc shows.
pub(crate) fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: u32) -> Option<u32> {
    // The name in parentheses may hold anything, spaces and parentheses included.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_end() {
        let mut lines = Vec::new();
        let mut splitter = LineSplitter::default();
        for bytes in ["a\r", "\nb\rc", "\n\nd"] {
            splitter.feed(bytes.as_bytes(), |line| lines.push(line));
        }
        assert_eq!(lines, ["a", "b", "c", ""]);
        assert_eq!(splitter.take(), "d");
    }

    #[test]
    fn both_streams_and_the_exit_code_arrive() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 7"]);
        let (_, output) = start(command).unwrap();
        let mut lines = Vec::new();
        let status = output.follow(|line| lines.push(line.to_owned())).unwrap();
        lines.sort();
        assert_eq!(
            (status.code(), lines),
            (Some(7), vec!["err".to_owned(), "out".to_owned()])
        );
    }
}
