//! How tests run the program: nothing of the machine's own GitHub variables
//! reaches it, and everything it could leave behind is in a folder of the test's.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lab_runner::Step;
use serde_json::Value;
use tempfile::TempDir;

/// The program that this test run built.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_stevedore");
/// The clock of all tests.
pub(crate) const NOW: &str = "2026-11-02T09:00:00Z";
/// The commit of the example events.
pub(crate) const SHA: &str = "6071f564087d49be48dc318b89fc22ff96cf6a17";

/// The root of the project.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// One of examples/events.
pub(crate) fn event(name: &str) -> Value {
    serde_json::from_str(&read(&format!("examples/events/{name}.json"))).unwrap()
}

/// A folder of a test: a workspace with a checkout, a home, a temporary folder.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        for folder in ["workspace/.git", "home", "temp", "bin"] {
            fs::create_dir_all(place.path(folder)).unwrap();
        }
        place.write("workspace/Dockerfile", "FROM scratch\nCOPY . /\n");
        place
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// A word that no other place has.
    pub(crate) fn mark(&self) -> String {
        let folder = self.path("");
        let name = folder.file_name().unwrap().to_str().unwrap();
        format!("mark{}", name.trim_start_matches('.'))
    }

    /// Empties the engine's builder of the steps whose description has this word;
    /// what buildx prints of it.
    pub(crate) fn forget(&self, mark: &str) -> String {
        let mut prune = Command::new("docker-buildx");
        prune
            .args(["prune", "--force", "--all", "--filter"])
            .arg(format!("description~={mark}"))
            .env("DOCKER_CONFIG", self.path("client"));
        let printed = run(&mut prune);
        assert!(printed.success, "{}", printed.err);
        printed.out
    }

    /// What a reference stands for, as another client sees it; `None` for nothing.
    pub(crate) fn digest(&self, reference: &str) -> Option<String> {
        let printed = self.imagetools(reference, "Manifest");
        let manifest: Value = serde_json::from_str(&printed.out).ok()?;
        Some(manifest["digest"].as_str()?.to_owned())
    }

    /// What another client sees of a reference: the `Manifest` or the `Image`, JSON.
    pub(crate) fn imagetools(&self, reference: &str, what: &str) -> Printed {
        let mut command = Command::new("docker-buildx");
        command
            .args(["imagetools", "inspect", reference, "--format"])
            .arg(format!("{{{{json .{what}}}}}"))
            .env("DOCKER_CONFIG", self.path("client"))
            .env("BUILDX_CONFIG", self.path("client/buildx"));
        run(&mut command)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    /// A program on the PATH of the test.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        let text = format!("{path}.text");
        self.write(&text, script);
        install(&self.path(&text), &self.path(&path));
        fs::remove_file(self.path(&text)).unwrap();
    }

    /// A `docker-buildx` that tells its version, and else is this script.
    pub(crate) fn buildx(&self, script: &str) {
        let version =
            "[ \"$1\" != version ] || { echo 'github.com/docker/buildx v0.29.1'; exit 0; }";
        self.program("docker-buildx", &format!("#!/bin/sh\n{version}\n{script}"));
    }

    pub(crate) fn text(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The program, in the workspace, with a made-up environment.
    pub(crate) fn stevedore<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(PROGRAM);
        let path = std::env::var("PATH").unwrap();
        command
            .args(arguments)
            .current_dir(self.path("workspace"))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("HOME", self.path("home"))
            .env("RUNNER_TEMP", self.path("temp"))
            .env("STEVEDORE_NOW", NOW)
            .stdin(Stdio::null());
        command
    }

    /// The local caches in the tool cache `tools`.
    pub(crate) fn local_caches(&self) -> Vec<String> {
        let all = self.list("tools/stevedore-cache").into_iter();
        all.filter(|name| name != ".lock").collect()
    }

    /// The names of what is in a folder, without the report that the output `report`
    /// names.
    pub(crate) fn list(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with("stevedore-report-"))
            .collect()
    }
}

/// What a finished program printed.
pub(crate) struct Printed {
    pub(crate) success: bool,
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn run(command: &mut Command) -> Printed {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    Printed {
        success: status.success(),
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// The lab, as `. lab/env` shows it.
pub(crate) struct Lab {
    pub(crate) registry: String,
    pub(crate) open_registry: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) base: String,
    pub(crate) open_base: String,
    pub(crate) nginx: String,
}

impl Lab {
    /// The lab, for a test that carries `#[ignore = "needs the lab"]`.
    pub(crate) fn get() -> Self {
        let get = |name: &str| {
            std::env::var(name).unwrap_or_else(|_| {
                panic!(
                    "{name} is not set: run this test with `make test`, or after \
                     `lab/up classic second builder` and `. lab/env`"
                )
            })
        };
        let password = fs::read_to_string(get("STEVEDORE_LAB_PASSWORD_FILE")).unwrap();
        Self {
            registry: get("STEVEDORE_LAB_REGISTRY"),
            open_registry: get("STEVEDORE_LAB_OPEN_REGISTRY"),
            user: get("STEVEDORE_LAB_USER"),
            password: password.trim().to_owned(),
            base: get("STEVEDORE_LAB_BASE"),
            open_base: get("STEVEDORE_LAB_OPEN_BASE"),
            nginx: get("STEVEDORE_LAB_NGINX"),
        }
    }

    /// A step with the action of this source, for the push of tag v0.2.0.
    pub(crate) fn step(&self, place: &Place) -> Step {
        self.step_of(place, "")
    }

    /// The same for a part of the action, in this folder.
    pub(crate) fn step_of(&self, place: &Place, part: &str) -> Step {
        Step::node(action(place).join(part))
            .event("push", event("push-tag"))
            .git_ref("refs/tags/v0.2.0")
            .sha(SHA)
            .repository("acme/hit-counter")
            .workspace(place.path("workspace"))
            .env("STEVEDORE_NOW", NOW)
            .env("HOME", place.path("home").to_str().unwrap())
            .secret("LAB_PASSWORD", &self.password)
    }

    /// The same step, logged in to the lab's registry.
    pub(crate) fn step_with_login(&self, place: &Place) -> Step {
        self.step(place)
            .with("username", &self.user)
            .with("password", "${{ secrets.LAB_PASSWORD }}")
    }
}

/// Copies a program, by another process: one that this process had open to write would
/// be open in whatever another thread starts meanwhile, and cannot be run until that is
/// itself.
pub(crate) fn install(from: &Path, to: &Path) {
    let mut install = Command::new("install");
    let printed = run(install.args(["-m", "755"]).args([from, to]));
    assert!(printed.success, "{}", printed.err);
}

/// The action as a release has it: its files, and the program under `dist/`.
pub(crate) fn action(place: &Place) -> PathBuf {
    let folder = place.path("action");
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => panic!("no release for {other}"),
    };
    fs::create_dir_all(folder.join("dist")).unwrap();
    for part in ["metadata", "plan", "merge"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    for file in [
        "action.yml",
        "launcher.cjs",
        "metadata/action.yml",
        "metadata/main.cjs",
        "plan/action.yml",
        "plan/main.cjs",
        "merge/action.yml",
        "merge/main.cjs",
    ] {
        fs::copy(root().join(file), folder.join(file)).unwrap();
    }
    let program = folder.join(format!("dist/stevedore-linux-{machine}"));
    // Another step of the test may be running it.
    if !program.exists() {
        install(PROGRAM.as_ref(), &program);
    }
    folder
}
