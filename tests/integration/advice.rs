//! What goes wrong beside the image, and what the person at the workflow page is
//! told to do about it.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use lab_runner::{Step, StepRun};

use crate::engine::clean;
use crate::engine_socket::EngineSocket;
use crate::front::{Front, refuse};
use crate::recorder::{recorder, step};
use crate::support::{Lab, PROGRAM, Place, event, run};

/// A user without rights.
const NOBODY: u32 = 65534;
/// As CNCF Distribution 2.8 answers on a disk without space.
const NO_SPACE: &str = r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"DriverName":"filesystem","Enclosed":{"Op":"write","Path":"/var/lib/registry/docker","Err":28}}}]}"#;

/// A push of this Dockerfile to the default branch, for one platform.
fn publish(lab: &Lab, place: &Place, image: &str, dockerfile: &str) -> Step {
    place.write("workspace/Dockerfile", dockerfile);
    lab.step(place)
        .event("push", event("push-branch"))
        .git_ref("refs/heads/main")
        .with("images", image)
        .with("platforms", "linux/amd64")
        .with("build-args", format!("BASE={}", lab.open_base))
}

fn error<'a>(run: &'a StepRun, title: &str) -> &'a str {
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
        std::fs::copy(PROGRAM, &program).unwrap();
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

#[test]
#[ignore = "needs the lab"]
fn an_engine_that_dies_during_the_build_is_named() {
    let lab = Lab::get();
    let place = Place::new();
    let (mark, engine) = (place.mark(), EngineSocket::start(&place));
    let dockerfile = format!("ARG BASE\nFROM ${{BASE}}\nRUN echo begun-{mark}; sleep 60\n");
    let image = format!("{}/tests/gone", lab.open_registry);
    let running = publish(&lab, &place, &image, &dockerfile)
        .env("DOCKER_HOST", engine.host())
        .start()
        .unwrap();
    assert!(running.wait_for(&format!(" begun-{mark}\n"), Duration::from_secs(60)));
    engine.die();
    let run = running.wait().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = error(&run, "Build");
    assert!(
        error.starts_with("Look at the log of the engine"),
        "{error}"
    );
    clean(&run);
}

/// A command line and an output that look like BuildKit's words.
#[test]
#[ignore = "needs the lab"]
fn the_text_of_a_run_is_no_failed_push() {
    let lab = Lab::get();
    let place = Place::new();
    let said = "failed to push 127.0.0.1:9/else/app:t: unexpected status: 403 Forbidden";
    let dockerfile = format!(
        "ARG BASE\nFROM ${{BASE}}\nRUN echo '{said}'; printf 'a\\rERROR: {said}\\n'; exit 3\n"
    );
    let image = format!("{}/tests/said", lab.open_registry);
    let run = publish(&lab, &place, &image, &dockerfile).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = error(&run, "Build");
    assert!(error.starts_with("buildx failed"), "{error}");
    assert!(error.contains("exit code: 3"), "{error}");
    clean(&run);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_whose_disk_is_full_is_told_before_and_after_the_build() {
    let lab = Lab::get();
    let front = Front::start(&lab, &refuse("full/app/blobs/uploads", 500, NO_SPACE));
    let image = format!("{}/full/app", front.address());
    let place = Place::new();
    place.write("workspace/mark", &place.mark());
    let step = publish(&lab, &place, &image, "FROM scratch\nCOPY mark /\n");
    let run = step.run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let advice = format!("Free disk space at {}", front.address());
    assert!(error(&run, "Push").starts_with(&advice), "{}", run.log);
    assert!(error(&run, "Publish").contains(&advice), "{}", run.log);
    clean(&run);
}
