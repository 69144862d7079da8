//! Commands as values, and the one runner that executes them.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep, sleep_until};
use tracing::debug;

use crate::env_vars;
use crate::host::file::size;
use crate::host::log::Log;
use crate::host::machine::Host;
use crate::host::process::END_WITH_PARENT;
use crate::host::signals::{Cancellation, Signal};

/// How much of a program's last words are kept for the diagnosis, in bytes.
const TAIL: usize = 64 * 1024;
/// How much a program may print that is read as a whole, in bytes.
const MOST: usize = 8 * 1024 * 1024;
/// How long a program may take to end after a signal. The runner kills all of us
/// 10 s after its first one.
const AFTER_SIGNAL: Duration = Duration::from_secs(4);
/// How long output may stay silent after the program's end, while something
/// that it started still holds it open.
const QUIET: Duration = Duration::from_secs(1);

/// A program to start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program's path.
    pub program: PathBuf,
    /// Its arguments. Never a secret: any user of the machine can read them.
    pub arguments: Vec<OsString>,
    /// Variables beside the environment of the host. Of that, the inputs of the
    /// action, the keys of builders and the runner's tokens stay here.
    pub environment: Vec<(String, OsString)>,
    /// What it reads on standard input.
    pub input: String,
    /// True when what it prints on standard output is only kept.
    pub keeps_output: bool,
}

/// Where a program's progress goes while it runs.
pub enum Progress<'a> {
    /// To the terminal that we run on, untouched.
    Terminal,
    /// Through this writer as it comes, standard output and error alike.
    Through(&'a mut dyn Log),
}

impl Progress<'_> {
    /// The same place, for one program after another.
    pub fn reborrow(&mut self) -> Progress<'_> {
        match self {
            Self::Terminal => Progress::Terminal,
            Self::Through(writer) => Progress::Through(&mut **writer),
        }
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct CommandResult {
    /// True when it ended with 0.
    pub success: bool,
    /// Its exit code, when it was not ended by a signal.
    pub code: Option<i32>,
    /// The last of what it printed; `None` when that went to the terminal.
    pub tail: Option<String>,
    /// The signal that reached us while it ran, and was passed on.
    pub interrupted: Option<Signal>,
    /// True when it was killed, and not by us: the kernel does that to a program
    /// for which there is no memory left.
    pub was_killed: bool,
}

impl CommandResult {
    fn new(status: ExitStatus, tail: Option<Tail>, interrupted: Option<Signal>) -> Self {
        let killed = rustix::process::Signal::KILL.as_raw();
        Self {
            success: status.success(),
            code: status.code(),
            tail: tail.map(|tail| tail.text()),
            interrupted,
            was_killed: interrupted.is_none() && status.signal() == Some(killed),
        }
    }
}

impl Command {
    /// A command without arguments.
    pub fn new(program: &Path) -> Self {
        Self {
            program: program.to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            input: String::new(),
            keeps_output: false,
        }
    }

    /// The same command, whose standard output is kept and not shown.
    #[must_use]
    pub fn keeping_output(mut self) -> Self {
        self.keeps_output = true;
        self
    }

    /// The same command with these arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same command with one more variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The same command with this on standard input.
    #[must_use]
    pub fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that starts programs"
    )]
    fn prepare(&self, host: &Host) -> tokio::process::Command {
        let mut command = match &host.program {
            Some(own) => {
                let mut command = tokio::process::Command::new(own);
                let parent = std::process::id().to_string();
                command.args([END_WITH_PARENT, &parent, "--"]);
                command.arg(&self.program);
                command
            }
            None => tokio::process::Command::new(&self.program),
        };
        command
            .args(&self.arguments)
            .env_clear()
            .envs(host.vars().filter(|(name, _)| !stays_here(name)))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(host.directory())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        debug!("running {} {:?}", self.program.display(), self.arguments);
        command
    }

    /// Runs the program to its end and gives what it printed on standard output.
    ///
    /// # Errors
    /// When it cannot be started, with its last words when it fails, and when it
    /// prints more than the limit.
    pub async fn read(&self, host: &Host) -> io::Result<String> {
        let mut child = self
            .prepare(host)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (input, out, err) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (out, err, ()) =
            tokio::try_join!(read_output(out), last(err), write_input(input, &self.input))?;
        let status = child.wait().await?;
        let out = String::from_utf8_lossy(&out);
        if status.success() {
            return Ok(out.into_owned());
        }
        let words = format!("{out}{err}");
        Err(io::Error::other(host.without_secrets(words.trim())))
    }

    /// Runs the program to its end, its progress shown as it comes. A signal
    /// that reaches us is passed on to it, and its end is waited for.
    ///
    /// # Errors
    /// When it cannot be started or waited for.
    pub async fn run(&self, host: &Host, progress: Progress<'_>) -> io::Result<CommandResult> {
        self.start(host, progress, host.cancellation().clone())
            .await
    }

    /// The same, but it hears of no signal.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub async fn run_undisturbed(
        &self,
        host: &Host,
        progress: Progress<'_>,
    ) -> io::Result<CommandResult> {
        self.start(host, progress, Cancellation::never()).await
    }

    async fn start(
        &self,
        host: &Host,
        progress: Progress<'_>,
        cancellation: Cancellation,
    ) -> io::Result<CommandResult> {
        let mut command = self.prepare(host);
        let mut nowhere = io::sink();
        let (writer, is_heard): (&mut dyn Log, bool) = match progress {
            Progress::Terminal => (&mut nowhere, self.keeps_output),
            Progress::Through(writer) => {
                command.stderr(Stdio::piped());
                (writer, true)
            }
        };
        if is_heard {
            command.stdout(Stdio::piped());
        }
        let mut child = command.spawn()?;
        let tail = is_heard.then(Tail::default);
        let mut finished =
            attend(&mut child, writer, self.keeps_output, tail, cancellation).await?;
        finished.tail = finished.tail.map(|tail| host.without_secrets(&tail));
        Ok(finished)
    }
}

/// Writes what a program is to read. One that does not read it is not an error.
async fn write_input(input: Option<ChildStdin>, text: &str) -> io::Result<()> {
    if let Some(mut input) = input {
        let _ = input.write_all(text.as_bytes()).await;
    }
    Ok(())
}

/// All that a program prints. One that prints more than the limit is given up,
/// which ends it.
async fn read_output(out: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(out) = out {
        let limit = u64::try_from(MOST).unwrap_or(u64::MAX).saturating_add(1);
        out.take(limit).read_to_end(&mut bytes).await?;
    }
    if bytes.len() > MOST {
        let why = format!("printed more than {}, which is the limit", size(MOST));
        return Err(io::Error::new(ErrorKind::FileTooLarge, why));
    }
    Ok(bytes)
}

/// The last of what a program prints.
async fn last(mut err: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut tail = Tail::default();
    let mut buffer = [0; 8192];
    while err.is_some() {
        let count = read_some(&mut err, &mut buffer).await?;
        tail.push(&buffer[..count]);
    }
    Ok(tail.text())
}

fn stays_here(variable: &str) -> bool {
    let mut withheld = ["INPUT_", env_vars::BUILDER_NODE]
        .iter()
        .chain(&env_vars::RUNNER_TOKENS);
    withheld.any(|prefix| variable.starts_with(prefix))
}

/// Waits for a child's end, meanwhile passing its output through and signals on.
/// A child that does not end on a signal is killed.
async fn attend(
    child: &mut Child,
    writer: &mut (dyn Write + Send),
    keeps_output: bool,
    mut tail: Option<Tail>,
    mut cancellation: Cancellation,
) -> io::Result<CommandResult> {
    let mut out = child.stdout.take();
    let mut err = child.stderr.take();
    let (mut interrupted, mut kill_at) = (None, None);
    let (mut out_buffer, mut err_buffer) = ([0; 8192], [0; 8192]);
    let mut ended = None;
    let status = loop {
        if let (Some(status), None, None) = (ended, &out, &err) {
            break status;
        }
        tokio::select! {
            count = read_some(&mut out, &mut out_buffer) => {
                let mut nowhere = io::sink();
                let writer = if keeps_output { &mut nowhere } else { &mut *writer };
                pass(writer, &mut tail, &out_buffer[..count?]);
            }
            count = read_some(&mut err, &mut err_buffer) => pass(writer, &mut tail, &err_buffer[..count?]),
            signal = cancellation.next() => {
                interrupted = Some(signal);
                kill_at.get_or_insert_with(|| Instant::now() + AFTER_SIGNAL);
                signal.send(child.id());
            }
            () = wait_until(kill_at), if ended.is_none() => {
                kill_at = None;
                child.start_kill()?;
            }
            status = child.wait(), if ended.is_none() => ended = Some(status?),
            () = sleep(QUIET), if ended.is_some() => {
                if let Some(status) = ended {
                    break status;
                }
            }
        }
    };
    Ok(CommandResult::new(status, tail, interrupted))
}

/// Returns at that time; never where there is none.
async fn wait_until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Reads what is there; closes and then never answers again at the end.
async fn read_some<R: AsyncRead + Unpin>(
    reader: &mut Option<R>,
    buffer: &mut [u8],
) -> io::Result<usize> {
    let Some(open) = reader else {
        return std::future::pending().await;
    };
    let count = open.read(buffer).await?;
    if count == 0 {
        *reader = None;
    }
    Ok(count)
}

/// Passes output on. Nobody may be left to read it: the program goes on all the
/// same.
fn pass(writer: &mut (dyn Write + Send), tail: &mut Option<Tail>, bytes: &[u8]) {
    if let Some(tail) = tail {
        tail.push(bytes);
    }
    let _ = writer.write_all(bytes).and_then(|()| writer.flush());
}

/// The last of what is printed.
#[derive(Default)]
pub struct Tail(Vec<u8>);

impl Tail {
    /// Takes more in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 2 * TAIL {
            self.0.drain(..self.0.len() - TAIL);
        }
    }

    /// What is left of it.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    async fn read(script: &str) -> io::Result<String> {
        let environment = [("PATH", "/usr/bin:/bin")];
        let host = Host::with(&environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        let shell = Command::new(Path::new("/bin/sh"));
        let command = shell.args(["-c", script]).input("asked\n");
        let bound = tokio::time::timeout(Duration::from_secs(60), command.read(&host));
        bound.await.expect("an end")
    }

    #[tokio::test]
    async fn what_a_program_prints_is_read_up_to_a_limit() {
        assert_eq!(read("cat").await.unwrap(), "asked\n");
        assert_eq!(
            read("echo no input is read").await.unwrap(),
            "no input is read\n"
        );
        let failed = read("echo a; echo b >&2; exit 1").await.unwrap_err();
        assert_eq!(failed.to_string(), "a\nb");
        let endless = read("exec cat /dev/zero").await.unwrap_err();
        assert_eq!(
            endless.to_string(),
            "printed more than 8 MiB, which is the limit"
        );
        let noisy = read("head -c 10000000 /dev/zero | tr '\\0' x >&2; echo the end >&2; exit 1")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            noisy.len() <= 2 * TAIL && noisy.ends_with("the end"),
            "{}",
            noisy.len()
        );
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_does_not_hold_us() {
        let environment = [("PATH", "/usr/bin:/bin")];
        let host = Host::with(&environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        let mut out = Vec::new();
        let finished = Command::new(Path::new("/bin/sh"))
            .args(["-c", "sleep 60 & echo started; exit 3"])
            .run(&host, Progress::Through(&mut out))
            .await
            .unwrap();
        assert_eq!(finished.code, Some(3));
        assert_eq!(String::from_utf8(out).unwrap(), "started\n");
    }

    #[tokio::test]
    async fn a_program_that_the_kernel_kills_is_told_from_one_that_fails() {
        let environment = [("PATH", "/usr/bin:/bin")];
        let host = Host::with(&environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        for (script, was_killed) in [("kill -KILL $$", true), ("exit 137", false)] {
            let mut out = Vec::new();
            let finished = Command::new(Path::new("/bin/sh"))
                .args(["-c", script])
                .run(&host, Progress::Through(&mut out))
                .await
                .unwrap();
            assert_eq!(finished.was_killed, was_killed, "{script}");
        }
    }

    #[tokio::test]
    async fn output_that_is_kept_is_not_shown() {
        let environment = [("PATH", "/usr/bin:/bin")];
        let host = Host::with(&environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        let mut shown = Vec::new();
        let finished = Command::new(Path::new("/bin/sh"))
            .args(["-c", "echo kept; echo shown >&2"])
            .keeping_output()
            .run_undisturbed(&host, Progress::Through(&mut shown))
            .await
            .unwrap();
        assert_eq!(String::from_utf8(shown).unwrap(), "shown\n");
        assert!(finished.tail.unwrap().contains("kept"));
    }
}
