//! Builders that the run makes, with a `docker-buildx` that only records: what
//! it is told, what it finds in its folder, and what is left afterwards.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::support::builder_recorder::{FLAGS, calls, own, succeeded};
use crate::support::recorder::post;
use crate::support::{Place, run};

#[test]
fn what_a_builder_prints_is_no_workflow_command() {
    let place = Place::new();
    let printed = run(&mut own(
        &place,
        &[("driver", "docker-container"), ("endpoint", "far")],
    ));
    succeeded(&printed);
    let stop = printed.out.find("::stop-commands::").unwrap();
    let hostile = printed.out.find("::error::from create").unwrap();
    assert!(stop < hostile, "{}", printed.out);
}

#[test]
fn a_kubernetes_builder_needs_no_engine() {
    let place = Place::new();
    let printed = run(&mut own(
        &place,
        &[
            ("driver", "kubernetes"),
            ("driver-opts", "namespace=build\nreplicas=2"),
            ("buildkitd-flags", "--debug"),
            (
                "append",
                "- name: arm\n  platforms: linux/arm64\n  driver-opts:\n    - namespace=build\n",
            ),
        ],
    ));
    succeeded(&printed);
    assert_eq!(
        calls(&place),
        [
            "create|--name|<unique>|--driver|kubernetes|--driver-opt|namespace=build|\
             --driver-opt|replicas=2|--buildkitd-flags|--debug",
            &format!(
                "create|--name|<unique>|--append|--node|arm|--driver-opt|namespace=build|{FLAGS}|\
                 --platform|linux/arm64"
            ),
            "inspect|--bootstrap|<unique>",
            "build",
            "rm|<unique>",
        ]
    );
}

#[test]
fn remote_nodes_are_let_in_by_certificates_that_nobody_sees() {
    let place = Place::new();
    let mut command = own(
        &place,
        &[
            ("driver", "remote"),
            ("endpoint", "tcp://a.example:1234"),
            (
                "append",
                "- endpoint: tcp://b.example:1234\n  driver-opts: [servername=b]\n- endpoint: unix:///c.sock\n",
            ),
        ],
    );
    for (node, what) in [
        (0, "CACERT"),
        (0, "CERT"),
        (0, "KEY"),
        (1, "CACERT"),
        (2, "KEY"),
    ] {
        let name = format!("BUILDER_NODE_{node}_AUTH_TLS_{what}");
        command.env(
            name,
            format!("-----BEGIN {what}-----\nhunter{node}{what}\n"),
        );
    }
    let printed = run(&mut command);
    succeeded(&printed);
    let file =
        |node: usize, what: &str| format!("--driver-opt|{what}=<run>/tls/node-{node}-{what}.pem");
    assert_eq!(
        calls(&place),
        [
            format!(
                "create|--name|<unique>|--driver|remote|{}|{}|{}|tcp://a.example:1234",
                file(0, "cacert"),
                file(0, "cert"),
                file(0, "key")
            ),
            format!(
                "create|--name|<unique>|--append|--driver-opt|servername=b|{}|tcp://b.example:1234",
                file(1, "cacert")
            ),
            "create|--name|<unique>|--append|unix:///c.sock".to_owned(),
            "inspect|--bootstrap|<unique>".to_owned(),
            "build".to_owned(),
            "rm|<unique>".to_owned(),
        ]
    );
    assert!(
        place
            .text("record/tls/node-0-key.pem")
            .contains("hunter0KEY")
    );
    assert!(place.text("record/modes").lines().all(|mode| mode == "600"));
    assert!(!place.text("record/environment").contains("hunter"));
    let log = printed.out + &printed.err;
    let mut lines = log.lines();
    assert!(lines.any(|line| line == "::add-mask::hunter0KEY"), "{log}");
    assert!(
        lines.all(|line| line.starts_with("::add-mask::") || !line.contains("hunter")),
        "{log}"
    );
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

#[test]
fn kept_state_is_found_by_the_next_run_of_the_repository_on_the_runner() {
    let names: Vec<String> = ["one", "one", "two"]
        .into_iter()
        .map(|runner| {
            let place = Place::new();
            let mut command = own(&place, &[("endpoint", "far"), ("keep-state", "true")]);
            succeeded(&run(command.env("RUNNER_NAME", runner)));
            let calls = calls(&place);
            let name = calls[0].split('|').nth(2).unwrap().to_owned();
            assert_eq!(calls.last().unwrap(), &format!("rm|--keep-state|{name}"));
            name
        })
        .collect();
    assert_eq!(names[0], names[1]);
    assert_ne!(names[0], names[2]);
}

#[test]
fn a_builder_that_is_to_stay_is_where_later_steps_look_for_it() {
    let place = Place::new();
    let inputs = [
        ("builder", "mine"),
        ("endpoint", "far"),
        ("cleanup", "false"),
    ];
    succeeded(&run(&mut own(&place, &inputs)));
    let first = [
        format!("create|--name|mine|--driver|docker-container|{FLAGS}|far"),
        "inspect|--bootstrap|mine".to_owned(),
        "build".to_owned(),
    ];
    assert_eq!(calls(&place), first);
    assert_eq!(place.list("home/.docker/buildx/instances"), ["mine"]);

    // It is there now: used, and not touched even where clean-up is asked for.
    fs::remove_file(place.path("record/calls")).unwrap();
    fs::remove_file(place.path("output")).unwrap();
    let again = [("builder", "mine"), ("endpoint", "far"), ("cleanup", "all")];
    succeeded(&run(&mut own(&place, &again)));
    assert_eq!(calls(&place), ["build"]);
    assert_eq!(place.list("home/.docker/buildx/instances"), ["mine"]);
}

#[test]
fn a_builder_is_removed_after_a_failure() {
    for (file, text, expected) in [
        (
            "record/build",
            "exit 3",
            &["create", "inspect", "build", "rm"][..],
        ),
        ("record/no-boot", "", &["create", "inspect", "rm"]),
    ] {
        let place = Place::new();
        place.write(file, text);
        let printed = run(&mut own(&place, &[("endpoint", "far")]));
        assert_eq!(printed.code, Some(1));
        let first = |line: &String| line.split('|').next().unwrap().to_owned();
        let calls: Vec<String> = calls(&place).iter().map(first).collect();
        assert_eq!(calls, expected);
        assert_eq!(place.list("temp"), Vec::<String>::new());
        if file == "record/no-boot" {
            let log = printed.out + &printed.err;
            assert!(log.contains("could not be made with the driver docker-container: no boot. See the output of buildx above"), "{log}");
        }
    }
}

/// The step while its build waits for the file `record/go`.
fn building(place: &Place, inputs: &[(&str, &str)]) -> Child {
    let mut command = own(place, inputs);
    place.write(
        "record/build",
        "trap 'exit 130' INT TERM; touch \"$record/building\"; while [ -d \"$record\" ] && [ ! -e \"$record/go\" ]; do sleep 0.05; done",
    );
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(25));
        place.path("record/building").exists()
    });
    assert!(started, "the build did not start");
    child
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_builder_is_removed_when_the_job_is_cancelled() {
    let place = Place::new();
    let mut child = building(&place, &[("endpoint", "far")]);
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(calls(&place).last().unwrap(), "rm|<unique>");
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

#[test]
fn the_post_step_removes_the_builder_of_a_run_that_was_killed_and_no_other() {
    let place = Place::new();
    place.write("home/.docker/buildx/instances/other", "{}");
    let inputs = [("endpoint", "far"), ("keep-state", "true")];
    let mut child = building(&place, &inputs);
    signal(&child, "-KILL");
    child.wait().unwrap();
    place.write("record/go", "");
    let folder = place.path("temp").join(&place.list("temp")[0]);
    assert!(folder.join("buildx/instances").is_dir());
    // Somebody else's, in the same folder of notes.
    fs::write(folder.join("buildx/instances/planted"), "{}").unwrap();

    succeeded(&run(&mut post(&place)));
    let calls = calls(&place);
    assert!(
        calls
            .last()
            .unwrap()
            .starts_with("rm|--keep-state|stevedore-"),
        "{calls:?}"
    );
    assert!(!folder.exists());
    assert_eq!(place.list("home/.docker/buildx/instances"), ["other"]);
}

/// An image whose arm64 part has a command to run.
fn with_run(place: &Place) {
    place.write("workspace/Dockerfile", "FROM alpine\nRUN true\n");
}

#[test]
fn a_builder_says_once_what_it_runs_and_only_where_that_matters() {
    let foreign = ("platforms", "linux/s390x");
    let native = match std::env::consts::ARCH {
        "aarch64" => "linux/arm64",
        _ => "linux/amd64",
    };
    let none = ("emulation", "none");
    for (dockerfile, inputs, said, expected, warns) in [
        (
            "RUN true",
            vec![foreign],
            "linux/amd64",
            vec!["inspect|mine", "build"],
            true,
        ),
        (
            "RUN true",
            vec![foreign],
            "linux/arm, linux/s390x*",
            vec!["inspect|mine", "build"],
            false,
        ),
        (
            "COPY . /",
            vec![foreign],
            "linux/amd64",
            vec!["build"],
            false,
        ),
        (
            "RUN true",
            vec![foreign, none],
            "linux/amd64",
            vec!["build"],
            false,
        ),
        (
            "RUN true",
            vec![("platforms", native)],
            "linux/386",
            vec!["build"],
            false,
        ),
    ] {
        let place = Place::new();
        place.write(
            "workspace/Dockerfile",
            &format!("FROM alpine\n{dockerfile}\n"),
        );
        place.write("record/inspect", &format!("Name: b0\nPlatforms: {said}\n"));
        let inputs = [vec![("builder", "mine")], inputs].concat();
        let printed = run(&mut own(&place, &inputs));
        succeeded(&printed);
        assert_eq!(calls(&place), expected, "{inputs:?} {dockerfile}");
        let log = printed.out + &printed.err;
        let warned = log.contains("RUN steps for linux/s390x will fail with `exec format error`");
        assert_eq!(warned, warns, "{log}");
    }
}

#[test]
fn a_builder_that_is_made_is_not_asked_twice() {
    let place = Place::new();
    with_run(&place);
    place.write("record/inspect", "Platforms: linux/s390x\n");
    let inputs = [("driver", "remote"), ("endpoint", "tcp://a:1")];
    let printed = run(&mut own(&place, &inputs));
    succeeded(&printed);
    let first = |line: &String| line.split('|').next().unwrap().to_owned();
    let names: Vec<String> = calls(&place).iter().map(first).collect();
    assert_eq!(names, ["create", "inspect", "build", "rm"]);
    let log = printed.out + &printed.err;
    assert!(log.contains("no node of the builder runs it"), "{log}");
}

#[test]
fn an_emulator_of_a_docker_container_builder_is_its_own() {
    let place = Place::new();
    with_run(&place);
    let note = r#"{"Driver":"docker-container"}"#;
    place.write("home/.docker/buildx/instances/mine", note);
    let printed = run(&mut own(&place, &[("builder", "mine")]));
    succeeded(&printed);
    assert_eq!(calls(&place), ["build"]);
    let log = printed.out + &printed.err;
    assert!(
        log.contains("BuildKit's image brings its own emulators"),
        "{log}"
    );
}

#[test]
fn without_an_engine_a_container_of_it_is_no_builder() {
    let place = Place::new();
    let printed = run(&mut own(&place, &[("driver", "docker-container")]));
    assert_eq!(printed.code, Some(1));
    let log = printed.out + &printed.err;
    assert!(log.contains("there is no Docker engine"), "{log}");
    assert_eq!(calls(&place), Vec::<String>::new());
}

#[test]
fn a_dry_run_shows_how_the_builder_would_be_made() {
    let place = Place::new();
    let printed = run(&mut place.stevedore([
        "publish",
        "--dry-run",
        "--format",
        "json",
        "--with",
        "driver=remote",
        "--with",
        "endpoint=tcp://a:1",
    ]));
    succeeded(&printed);
    let plan: Value = serde_json::from_str(&printed.out).unwrap();
    let made = &plan["builder"]["choice"]["created"];
    assert_eq!(made["driver"], "remote");
    assert_eq!(
        made["commands"][0],
        "docker buildx create --name stevedore-$RUN --driver remote tcp://a:1"
    );
    let build = plan["command"].as_str().unwrap();
    assert!(build.contains("--builder stevedore-$RUN"), "{build}");
}
