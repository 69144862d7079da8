//! The engine with the classic image store, and what builders leave on it.

use crate::support::run;
use std::process::Command;

/// The engine without the containerd image store.
pub(crate) fn classic() -> String {
    std::env::var("STEVEDORE_LAB_CLASSIC_HOST").expect("lab/up classic builder")
}

/// What the Docker CLI prints about that engine.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let mut docker = Command::new("docker");
    let printed = run(docker.args(arguments).env("DOCKER_HOST", classic()));
    assert!(printed.success, "{arguments:?}: {}", printed.err);
    printed.out
}

/// The containers and the volumes of a builder.
pub(crate) fn left(builder: &str) -> (String, String) {
    let filter = format!("name=buildx_buildkit_{builder}");
    let list = ["--quiet", "--filter", &filter];
    let containers = docker(&[&["ps", "--all"], &list[..]].concat());
    (containers, docker(&[&["volume", "ls"], &list[..]].concat()))
}

pub(crate) fn gone(builder: &str) {
    assert_eq!(left(builder), (String::new(), String::new()), "{builder}");
}
