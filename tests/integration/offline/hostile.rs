//! Files, programs and answers that do not end, or grow as they are read: each is
//! refused or passed over, and said to be.
//!
//! `fuzz/seeds` has more of them, which unit tests read.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::support::{Place, Printed, root, run};

/// Far more than any of these takes, on any machine.
const LONGEST: Duration = Duration::from_secs(60);

/// The program, ended when it does not end by itself.
fn bounded(command: &mut Command) -> Printed {
    let mut timed = Command::new("timeout");
    timed
        .arg(LONGEST.as_secs().to_string())
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(command.get_current_dir().unwrap())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        timed.env(name, value.unwrap());
    }
    run(&mut timed)
}

/// A link to what never ends, a pipe that nobody writes to, and a folder.
fn replace(place: &Place, path: &str, kind: &str) {
    let path = place.path(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&path);
    match kind {
        "endless" => symlink("/dev/zero", path).unwrap(),
        "pipe" => mkfifo(&path, Mode::S_IRWXU).unwrap(),
        _ => fs::create_dir(path).unwrap(),
    }
}

const KINDS: [&str; 3] = ["endless", "pipe", "folder"];

#[test]
fn a_dockerfile_that_is_not_a_file_is_refused() {
    for kind in KINDS {
        let place = Place::new();
        replace(&place, "workspace/Dockerfile", kind);
        let printed = bounded(&mut place.stevedore(["publish", "--dry-run"]));
        assert_eq!(printed.code, Some(1), "{kind}: {}", printed.err);
        let said = "file: \"Dockerfile\": is not a regular file. Accepted: ";
        assert!(printed.err.contains(said), "{kind}: {}", printed.err);
    }
}

#[test]
fn a_dockerfile_that_grows_as_it_is_read_is_planned_for_every_platform() {
    let folder = root().join("fuzz/seeds/dockerfile");
    let seeds = ["grows", "nested", "onbuild"].map(|name| fs::read_to_string(folder.join(name)));
    let stages: String = (0..40_000).map(|at| format!("FROM a AS s{at}\n")).collect();
    let large = format!("FROM a\n{}", "# a comment\n".repeat(200_000));
    for text in seeds.map(Result::unwrap).into_iter().chain([stages, large]) {
        let place = Place::new();
        place.write("workspace/Dockerfile", &text);
        let begun = Instant::now();
        let printed = bounded(&mut place.stevedore(["publish", "--dry-run"]));
        assert_eq!(printed.code, Some(0), "{}", printed.err);
        assert!(begun.elapsed() < LONGEST);
    }
}

#[test]
fn files_that_inputs_and_options_name_are_regular_and_bounded() {
    for kind in KINDS {
        let place = Place::new();
        replace(&place, "workspace/file", kind);
        for (arguments, said) in [
            (
                ["--event-file", "file"],
                "event file: \"file\": is not a regular file",
            ),
            (["--workflow", "file"], "file\": is not a regular file"),
            (
                ["--with", "ca-certificates=file"],
                "ca-certificates: \"file\": is not a regular file",
            ),
        ] {
            let all = ["publish", "--dry-run"].into_iter().chain(arguments);
            let printed = bounded(&mut place.stevedore(all));
            assert_eq!(
                printed.code,
                Some(1),
                "{kind} {arguments:?}: {}",
                printed.err
            );
            assert!(
                printed.err.contains(said),
                "{kind} {arguments:?}: {}",
                printed.err
            );
        }
    }
    let place = Place::new();
    place.write("workspace/file", &" ".repeat(33 * 1024 * 1024));
    let printed = bounded(&mut place.stevedore(["publish", "--dry-run", "--event-file", "file"]));
    let said = "is larger than 32 MiB, which is the limit";
    assert!(printed.err.contains(said), "{}", printed.err);
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let place = Place::new();
    let deep = format!("{{\"a\": {}", "[".repeat(100_000));
    place.write("workspace/event.json", &deep);
    place.write("workspace/w.yml", &format!("jobs: {}", "[".repeat(10_000)));
    for (arguments, said) in [
        (["--event-file", "event.json"], "recursion limit exceeded"),
        (["--workflow", "w.yml"], "is not YAML of this form"),
        (["--with", "append=[[[[[[[[[["], "is not YAML of this form"),
    ] {
        let all = ["publish", "--dry-run"].into_iter().chain(arguments);
        let printed = bounded(&mut place.stevedore(all));
        assert_eq!(printed.code, Some(1), "{arguments:?}: {}", printed.err);
        assert!(printed.err.contains(said), "{arguments:?}: {}", printed.err);
    }
}

#[test]
fn settings_of_docker_and_of_git_that_do_not_end_hold_nobody() {
    for kind in KINDS {
        let place = Place::new();
        for path in [
            "home/.docker/config.json",
            "home/.docker/buildx/current",
            "workspace/.git/HEAD",
            "workspace/.git/config",
        ] {
            replace(&place, path, kind);
        }
        let printed = bounded(&mut place.stevedore(["publish", "--dry-run"]));
        assert_eq!(printed.code, Some(0), "{kind}: {}", printed.err);
    }
}

#[test]
fn a_buildx_that_prints_without_end_is_given_up() {
    let place = Place::new();
    place.buildx("exec cat /dev/zero");
    let arguments = [
        "publish",
        "--dry-run",
        "--with",
        "bake-files=docker-bake.hcl",
    ];
    let printed = bounded(&mut place.stevedore(arguments));
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    let said = "buildx printed more than 8 MiB, which is the limit";
    assert!(printed.err.contains(said), "{}", printed.err);
}

#[test]
fn expressions_of_a_workflow_that_do_not_end_are_left_open() {
    let chain = format!("1{}", " || 1".repeat(4000));
    let mut grows = "'0123456789'".to_owned();
    for _ in 0..12 {
        grows = format!("format('{}', {grows})", "{0}".repeat(10));
    }
    for expression in [chain, grows] {
        let place = Place::new();
        let step = format!("{{uses: ./, with: {{target: \"${{{{ {expression} }}}}\"}}}}");
        place.write(
            "workspace/w.yml",
            &format!("jobs: {{a: {{steps: [{step}]}}}}\n"),
        );
        let arguments = [
            "publish",
            "--dry-run",
            "--workflow",
            "w.yml",
            "--with",
            "target=x",
        ];
        let printed = bounded(&mut place.stevedore(arguments));
        assert_eq!(printed.code, Some(0), "{}", printed.err);
        let printed = bounded(&mut place.stevedore(&arguments[..4]));
        let said = "is not known here: `target` is left as it stands";
        assert!(printed.err.contains(said), "{}", printed.err);
    }
}

#[test]
fn thousands_of_nodes_are_planned_in_no_time() {
    let place = Place::new();
    let append = format!("append={}", "- endpoint: a\n".repeat(1200));
    let begun = Instant::now();
    let printed = bounded(&mut place.stevedore([
        "publish",
        "--dry-run",
        "--with",
        "driver=remote",
        "--with",
        "endpoint=x",
        "--with",
        &append,
    ]));
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    assert!(begun.elapsed() < LONGEST);
}
