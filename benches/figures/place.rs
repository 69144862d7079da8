//! Where the figures are taken: the lab, the program, folders of their own.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The clock of labels.
pub(crate) const NOW: &str = "2026-11-02T09:00:00Z";
pub(crate) const REPOSITORY: &str = "acme/hit-counter";
pub(crate) const GIT_REF: &str = "refs/tags/v0.2.0";
pub(crate) const SHA: &str = "6071f564087d49be48dc318b89fc22ff96cf6a17";

/// The lab as `. lab/env` shows it, and a home that holds nothing of the user's.
pub(crate) struct Place {
    /// The static program of this machine.
    pub(crate) program: PathBuf,
    pub(crate) registry: String,
    pub(crate) user: String,
    pub(crate) password: String,
    base: String,
    folder: TempDir,
}

impl Place {
    /// # Errors
    /// The lab is not up, or there is no program in `dist/`.
    pub(crate) fn find() -> Result<Self, Box<dyn Error>> {
        let machine = match env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => return Err(format!("no program for {other}").into()),
        };
        let program = root().join(format!("dist/stevedore-linux-{machine}"));
        if !program.is_file() {
            return Err(format!("{} is missing: make bench", program.display()).into());
        }
        let folder = tempfile::tempdir()?;
        for name in ["home", "temp"] {
            fs::create_dir(folder.path().join(name))?;
        }
        Ok(Self {
            program,
            registry: lab("STEVEDORE_LAB_REGISTRY")?,
            user: lab("STEVEDORE_LAB_USER")?,
            password: fs::read_to_string(lab("STEVEDORE_LAB_PASSWORD_FILE")?)?
                .trim()
                .to_owned(),
            base: lab("STEVEDORE_LAB_BASE")?,
            folder,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The example's folder: the workspace of all figures.
    pub(crate) fn workspace() -> PathBuf {
        root().join("examples/hit-counter")
    }

    /// A program in the workspace, with nothing of the user's but the lab.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .current_dir(Self::workspace())
            .env_clear()
            .env("HOME", self.path("home"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("STEVEDORE_NOW", NOW);
        for name in ["PATH", "DOCKER_HOST"] {
            if let Some(value) = env::var_os(name) {
                command.env(name, value);
            }
        }
        command
    }

    /// `publish` with these arguments, for the push of the tag v0.2.0.
    pub(crate) fn publish(&self, arguments: &[&str]) -> Command {
        self.run("publish", arguments)
    }

    /// A command of the program with these arguments, for the same push.
    pub(crate) fn run(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.program);
        command
            .arg(verb)
            .args(arguments)
            .args(["--event-name", "push", "--ref", GIT_REF, "--sha", SHA])
            .args(["--repository", REPOSITORY, "--event-file"])
            .arg(root().join("examples/events/push-tag.json"));
        command
    }

    /// The inputs of a publication to the lab's registry, the password not
    /// among them.
    pub(crate) fn inputs(&self) -> Vec<(&'static str, String)> {
        vec![
            ("images", format!("{}/bench/hit-counter", self.registry)),
            ("context", ".".to_owned()),
            ("target", "production".to_owned()),
            ("platforms", "linux/amd64,linux/arm64".to_owned()),
            ("build-args", format!("BASE={}", self.base)),
            ("username", self.user.clone()),
        ]
    }
}

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A variable of the lab's.
pub(crate) fn lab(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("{name} is not set: run `make bench`, or `. lab/env` first"))
}
