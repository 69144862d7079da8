//! What goes wrong beside the image, and what the person at the workflow page is
//! told to do about it.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;

use lab_runner::StepRun;

use crate::support::recorder::{recorder, step};
use crate::support::{PROGRAM, Place, install, run};

/// A user without rights.
const NOBODY: u32 = 65534;

pub(crate) fn error<'a>(run: &'a StepRun, title: &str) -> &'a str {
    let mut annotations = run.annotations.iter();
    let found = annotations.find(|a| a.title.as_deref() == Some(title));
    &found.unwrap_or_else(|| panic!("{}", run.log)).message
}

#[test]
fn a_socket_that_this_user_may_not_open_is_no_missing_engine() {
    let place = Place::new();
    recorder(&place);
    let socket = place.path("engine.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = step(&place, &[("builder", "")]);
    command.env("DOCKER_HOST", format!("unix://{}", socket.display()));
    if nix::unistd::geteuid().is_root() {
        // Root opens everything, and what is below target/ is root's alone.
        let program = place.path("bin/stevedore");
        install(PROGRAM.as_ref(), &program);
        let mut unprivileged = std::process::Command::new(&program);
        unprivileged
            .current_dir(place.path("workspace"))
            .env_clear()
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .uid(NOBODY);
        command = unprivileged;
        for path in ["", "temp", "home"] {
            chown(place.path(path), Some(NOBODY), None).unwrap();
        }
    } else {
        let none = std::fs::Permissions::from_mode(0o000);
        std::fs::set_permissions(&socket, none).unwrap();
    }
    let printed = run(&mut command);
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    assert!(
        printed.out.contains("may not use the Docker engine"),
        "{}",
        printed.out
    );
    assert!(
        printed.out.contains("group that owns the socket"),
        "{}",
        printed.out
    );
    assert!(!printed.out.contains("install it"), "{}", printed.out);
}

/// As the kernel ends a program for which there is no memory.
#[test]
fn a_buildx_that_is_killed_is_told_as_a_matter_of_memory() {
    let place = Place::new();
    place.buildx("echo '#7 0.1 error: failed to push r/a:b: 403'\nkill -KILL $$\n");
    let printed = run(&mut step(&place, &[]));
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    let error = printed
        .out
        .lines()
        .find(|line| line.starts_with("::error title="));
    let error = error.unwrap();
    assert!(
        error.contains("it was killed, and not by this run"),
        "{error}"
    );
    assert!(error.contains("memory"), "{error}");
    assert!(!error.contains("403"), "{error}");
}
