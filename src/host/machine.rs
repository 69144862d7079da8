//! The machine that the program runs on.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::hash::BuildHasher as _;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use tempfile::TempDir;

use crate::env_vars;
use crate::error::InputProblem;
use crate::host::signals::{Cancellation, Signal};
use crate::secret::{Redactor, Secret};

/// What the program sees of the machine it runs on.
#[derive(Clone, Debug)]
pub struct Host {
    environment: BTreeMap<String, String>,
    directory: PathBuf,
    /// `None` for a clock that is set to a time which no date can be made of.
    now: Option<Timestamp>,
    clock: Timestamp,
    /// This program, by which others are started so that they end with it.
    pub program: Option<PathBuf>,
    /// What is taken out of the words of programs.
    secrets: Redactor,
    /// Whether the run is to stop.
    cancellation: Cancellation,
}

impl Host {
    /// The process's own environment, directory and clock.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that may ask the process"
    )]
    pub fn real() -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let clock = moment(SystemTime::now());
        Self {
            environment,
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
            now: clock,
            clock: clock.unwrap_or_default(),
            // Only Linux tells a process that its parent has ended.
            program: std::env::current_exe()
                .ok()
                .filter(|_| cfg!(target_os = "linux")),
            secrets: Redactor::default(),
            cancellation: Cancellation::never(),
        }
    }

    /// A machine made up from its environment, for tests.
    pub fn with(environment: &[(&str, &str)], directory: &Path, now: Timestamp) -> Self {
        Self {
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            directory: directory.to_owned(),
            now: Some(now),
            clock: now,
            program: None,
            secrets: Redactor::default(),
            cancellation: Cancellation::never(),
        }
    }

    /// From now on a signal does not end the process: it cancels the run.
    ///
    /// # Errors
    /// When the system lets no handler be set.
    pub fn catch_signals(&mut self) -> io::Result<()> {
        self.cancellation = Cancellation::on_signals()?;
        Ok(())
    }

    /// Whether the run is to stop.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Does this, and gives it up when the run is cancelled.
    ///
    /// # Errors
    /// The signal that cancelled it.
    pub async fn unless_cancelled<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            done = work => Ok(done),
            signal = self.cancellation.requested() => Err(signal),
        }
    }

    /// A variable of the environment; an empty one counts as absent.
    pub fn var(&self, name: &str) -> Option<&str> {
        let value = self.environment.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// Every variable.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a variable for this program, not for the process.
    pub fn set_var(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Takes this secret out of whatever programs say from now on.
    pub fn hide(&mut self, secret: &Secret) {
        self.secrets.add(secret);
    }

    /// Words of a program, or of somebody else, without the run's secrets.
    pub fn without_secrets(&self, words: &str) -> String {
        self.secrets.take_out(words)
    }

    /// The working directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// A path as seen from the working directory.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.directory.join(path)
    }

    /// Makes a folder that only this user can read, in the job's temporary
    /// folder, or in the machine's outside a job.
    ///
    /// # Errors
    /// When that folder cannot be written to.
    pub fn private_folder(&self, prefix: &str) -> io::Result<TempDir> {
        let mut builder = tempfile::Builder::new();
        builder
            .prefix(prefix)
            .permissions(Permissions::from_mode(0o700));
        match self.var(env_vars::RUNNER_TEMP) {
            Some(parent) => {
                let parent = self.path(parent);
                let made = fs::create_dir_all(&parent).and_then(|()| builder.tempdir_in(&parent));
                made.map_err(|error| not_made(&parent, &error))
            }
            None => builder.tempdir(),
        }
    }

    /// Hexadecimal digits that no other run on any machine has got.
    pub fn unique(&self) -> String {
        // The standard library seeds its hash maps from the system's randomness.
        let state = std::hash::RandomState::new();
        format!("{:016x}", state.hash_one(self.now().as_nanosecond()))
    }

    /// When the run started: read once, so that every tag of a run agrees.
    pub fn now(&self) -> Timestamp {
        self.now.unwrap_or_default()
    }

    /// The machine's own clock at that time, by which tokens expire.
    /// `STEVEDORE_NOW` does not set it.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// True when GitHub's runner reads what is printed.
    pub fn is_github_actions(&self) -> bool {
        self.var(env_vars::GITHUB_ACTIONS) == Some("true")
    }

    /// Sets the clock to `STEVEDORE_NOW`, when that is given. Without it the
    /// machine's own has to be usable.
    pub fn fix_clock(&mut self) -> Option<InputProblem> {
        const RIGHT: &str = "a clock that is right, or a time in STEVEDORE_NOW";
        let Some(given) = self.var(env_vars::STEVEDORE_NOW) else {
            let why = "is set to a time before the year -9999 or after the year 9999";
            let problem = || InputProblem::new("the machine's clock", "", why, RIGHT);
            return self.now.is_none().then(problem);
        };
        match given.parse() {
            Ok(now) => {
                self.now = Some(now);
                None
            }
            Err(_) => Some(InputProblem::new(
                env_vars::STEVEDORE_NOW,
                given,
                "is not a time",
                "a time as RFC 3339 writes it, such as 2026-01-31T12:00:00Z",
            )),
        }
    }

    /// The folders of `PATH`.
    pub fn search_path(&self) -> Vec<PathBuf> {
        let path = self.var(env_vars::PATH).unwrap_or_default();
        std::env::split_paths(path).collect()
    }
}

/// The error of a folder that cannot be made in `RUNNER_TEMP`.
fn not_made(parent: &Path, error: &io::Error) -> io::Error {
    let why = if parent.is_dir() || !parent.exists() {
        error.to_string()
    } else {
        "it is not a folder".to_owned()
    };
    let (parent, variable) = (parent.display(), env_vars::RUNNER_TEMP);
    let text = format!(
        "cannot make a folder in {parent}, which {variable} names: {why}. \
         Set {variable} to a folder that this user may write to"
    );
    io::Error::new(error.kind(), text)
}

/// A time of the system's clock, which knows far more of them.
fn moment(time: SystemTime) -> Option<Timestamp> {
    Timestamp::try_from(time).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_beyond_all_dates_is_a_problem_and_not_a_panic() {
        let beyond = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        assert_eq!(moment(beyond), None);
        assert!(moment(SystemTime::now()).is_some());

        let mut host = Host::with(&[], Path::new("/"), Timestamp::MAX);
        assert_eq!(host.fix_clock(), None);
        host.now = None;
        let problem = host.fix_clock().unwrap().to_string();
        assert!(
            problem.starts_with("the machine's clock: is set to"),
            "{problem}"
        );
        host.set_var(env_vars::STEVEDORE_NOW, "2026-01-31T12:00:00Z");
        assert_eq!(host.fix_clock(), None);
        assert_eq!(host.now().to_string(), "2026-01-31T12:00:00Z");
        host.set_var(env_vars::STEVEDORE_NOW, "10000-01-01T00:00:00Z");
        assert!(host.fix_clock().is_some());
    }
}
