//! An action's folder with a stand-in for the program, and the Nodes to run it with.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests that start real programs"
)]

use lab_runner::Step;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Which program the launcher ran, with what: the stand-in for the binary.
pub(crate) const PROGRAM: &str = r#"#!/bin/sh
echo "program:[$*] pid:$$ left:$STATE_left"
[ "$1" = post ] && exit 0
eval "$INPUT_DO"
"#;

/// A Node to test with, and how it starts the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// GitHub's runner has it; the launcher becomes the program.
    V24,
    /// The same, `process.execve` hidden: the program is a child.
    WithoutExecve,
    /// Whatever this machine has.
    Own,
}

pub(crate) const NODES: [Node; 3] = [Node::V24, Node::WithoutExecve, Node::Own];

/// An action's folder, a tool cache, and scripts to load into Node.
pub(crate) struct Action {
    pub(crate) folder: TempDir,
}

impl Action {
    /// launcher.cjs, action.yml, nothing to run yet.
    pub(crate) fn empty() -> Self {
        let action = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("launcher.cjs");
        fs::copy(launcher, action.path("launcher.cjs")).unwrap();
        action.write(
            "action.yml",
            "name: stand-in\ninputs: {do: {default: 'true'}}\nruns: {using: node24, main: launcher.cjs, post: launcher.cjs}\n",
        );
        action.write("preload/no-execve.cjs", "delete process.execve;");
        action
    }

    pub(crate) fn with_program(script: &str) -> Self {
        let action = Self::empty();
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "amd64"
        };
        action.program(arch, script);
        action
    }

    /// The crate that the launcher builds where there is no program.
    pub(crate) fn with_crate(main: &str) -> Self {
        let action = Self::empty();
        action.write("Cargo.toml", "[package]\nname = \"stevedore\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n");
        action.write(
            "Cargo.lock",
            "version = 3\n[[package]]\nname = \"stevedore\"\nversion = \"0.1.0\"\n",
        );
        action.write("src/main.rs", main);
        action
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn program(&self, arch: &str, script: &str) {
        self.executable(&format!("dist/stevedore-linux-{arch}"), script);
    }

    /// A script that can be run. Another process writes it: one that this process had
    /// open to write would be open in whatever another thread starts meanwhile.
    pub(crate) fn executable(&self, name: &str, script: &str) {
        let text = format!("{name}.text");
        self.write(&text, script);
        let mut install = std::process::Command::new("install");
        install.args(["-m", "755"]);
        install.args([self.path(&text), self.path(name)]);
        assert!(install.status().unwrap().success());
        fs::remove_file(self.path(&text)).unwrap();
    }

    pub(crate) fn step(&self, node: Node) -> Step {
        let real = std::env::var("HOME").unwrap();
        let kept = |name: &str, folder: &str| {
            std::env::var(name).unwrap_or_else(|_| format!("{real}/{folder}"))
        };
        let step = Step::node(self.folder.path())
            .tool_cache(self.path("tools"))
            .env("HOME", self.path("home").display().to_string())
            .env("CARGO_HOME", kept("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", kept("RUSTUP_HOME", ".rustup"));
        match node {
            Node::V24 => step.node_program(node_24()),
            Node::Own => step.node_program(own_node()),
            Node::WithoutExecve => self.preload(step, "no-execve.cjs").node_program(node_24()),
        }
    }

    pub(crate) fn preload(&self, step: Step, script: &str) -> Step {
        let script = self.path("preload").join(script);
        step.env("NODE_OPTIONS", format!("--require {}", script.display()))
    }

    /// What the launcher keeps in the tool cache.
    pub(crate) fn built(&self) -> Vec<PathBuf> {
        let inside = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path())
        };
        let users = inside(self.path("tools"));
        users.flat_map(inside).flat_map(inside).collect()
    }

    /// The only program that it keeps there.
    pub(crate) fn kept(&self) -> PathBuf {
        let built = self.built();
        assert_eq!(built.len(), 1, "{built:?}");
        built[0].clone()
    }
}

pub(crate) fn node_script(argument: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/node.sh");
    let output = Command::new(script)
        .args(argument.split_whitespace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

pub(crate) fn node_24() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| node_script(""))
}

pub(crate) fn own_node() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| {
        let output = Command::new("node")
            .args(["-p", "process.execPath"])
            .output()
            .unwrap();
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}
