//! The whole path with a `docker-buildx` that only records: what it is given,
//! what is left afterwards. The engine tests do the same for real.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::recorder::{DIGEST, outputs, post, recorder, step};
use crate::support::{Place, SHA, read, run};

fn arguments(place: &Place) -> Vec<String> {
    place
        .text("record/arguments")
        .lines()
        .map(str::to_owned)
        .collect()
}

fn config(place: &Place) -> Value {
    serde_json::from_str(&place.text("record/config.json")).unwrap()
}

#[test]
fn the_arguments_are_those_of_the_plan() {
    let place = Place::new();
    recorder(&place);
    let printed = run(&mut step(
        &place,
        &[
            ("build-args", "A=1\nB=two words"),
            ("cache-from", "type=gha"),
            ("cache-to", "type=gha,mode=max"),
            ("file", "./Dockerfile"),
            ("target", "production"),
            ("labels", "org.opencontainers.image.title=Mine"),
        ],
    ));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    insta::with_settings!({filters => vec![(r"/\S*/temp/stevedore-[^/]+", "<run>")]}, {
        insta::assert_snapshot!(place.text("record/arguments"));
    });
}

#[test]
fn every_output_of_action_yml_is_set_and_no_other() {
    let place = Place::new();
    recorder(&place);
    let printed = run(&mut step(&place, &[]));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let action: Value = serde_yaml::from_str(&read("action.yml")).unwrap();
    let declared: Vec<&String> = action["outputs"].as_object().unwrap().keys().collect();
    let outputs = outputs(&place);
    let mut expected: Vec<&String> = declared;
    expected.sort();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), expected);
    assert_eq!(outputs["digest"], DIGEST);
    assert_eq!(outputs["imageid"], DIGEST);
    assert_eq!(outputs["version"], "v0.2.0");
    assert_eq!(outputs["platforms"], "linux/amd64,linux/arm64");
    assert_eq!(outputs["image"], "", "nothing was pushed");
}

#[test]
fn the_token_goes_to_githubs_registry_and_nothing_is_left() {
    let place = Place::new();
    recorder(&place);
    let printed = run(&mut step(&place, &[]));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let auths = config(&place)["auths"].clone();
    // octocat:ghs_hunter1
    assert_eq!(
        auths,
        json!({"ghcr.io": {"auth": "b2N0b2NhdDpnaHNfaHVudGVyMQ=="}})
    );
    for line in place.text("record/modes").lines() {
        let mode = line.split(' ').next().unwrap();
        let expected = if line.ends_with("config.json") {
            "600"
        } else {
            "700"
        };
        assert_eq!(mode, expected, "{line}");
    }
    assert_eq!(place.list("temp"), Vec::<String>::new());
    assert_eq!(place.list("home"), Vec::<String>::new());
}

#[test]
fn no_secret_is_an_argument_a_line_of_the_log_or_an_inherited_input() {
    let place = Place::new();
    recorder(&place);
    let printed = run(&mut step(
        &place,
        &[
            ("images", "quay.io/acme/app"),
            ("username", "me"),
            ("password", "hunter2\nhunter3"),
            (
                "registry-auth",
                "- {registry: docker.io, username: you, password: hunter4}",
            ),
        ],
    ));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let log = printed.out.clone() + &printed.err;
    let (masks, rest): (Vec<&str>, Vec<&str>) = log
        .lines()
        .partition(|line| line.starts_with("::add-mask::"));
    assert!(rest.iter().all(|line| !line.contains("hunter")), "{log}");
    for secret in ["hunter2", "hunter3", "hunter4", "ghs_hunter1"] {
        assert!(
            masks.contains(&format!("::add-mask::{secret}").as_str()),
            "{secret}"
        );
    }
    assert!(
        log.starts_with("::add-mask::"),
        "masks come before anything else"
    );
    for file in [
        "record/arguments",
        "record/environment",
        "output",
        "state",
        "summary",
    ] {
        assert!(!place.text(file).contains("hunter"), "{file}");
    }
    // The token belongs to ghcr.io, which this run has nothing to do with.
    let auths = config(&place)["auths"].clone();
    let hosts: Vec<&String> = auths.as_object().unwrap().keys().collect();
    assert_eq!(hosts, ["quay.io", "https://index.docker.io/v1/"]);
}

#[test]
fn what_the_build_prints_is_no_workflow_command() {
    let place = Place::new();
    recorder(&place);
    let printed = run(&mut step(&place, &[]));
    let lines: Vec<&str> = printed.out.lines().collect();
    let mut of_the_build = lines.iter().filter(|line| line.contains("from the build"));
    // It does not begin with what makes a command.
    assert_eq!(
        of_the_build.next(),
        Some(&"\u{200b}::error::from the build")
    );
    assert_eq!(of_the_build.next(), None);
}

#[test]
fn the_users_docker_logins_stay_in_force() {
    let place = Place::new();
    recorder(&place);
    place.program("docker-credential-store", "#!/bin/sh\nexit 1\n");
    place.write(
        "home/.docker/config.json",
        &json!({
            "auths": {"quay.io": {}, "ghcr.io": {"auth": "eDp5"}, "r.example.com": {"auth": "YTpi"}},
            "credsStore": "store",
            "credHelpers": {"gcr.io": "missing-helper"},
        })
        .to_string(),
    );
    let printed = run(&mut step(
        &place,
        &[("images", "ghcr.io/acme/app\nquay.io/acme/app")],
    ));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let config = config(&place);
    assert_eq!(config.get("credsStore"), None);
    assert_eq!(config["auths"]["r.example.com"]["auth"], "YTpi");
    assert_eq!(
        config["auths"]["ghcr.io"]["auth"], "eDp5",
        "an existing login wins over the token"
    );
    assert_eq!(config["credHelpers"]["quay.io"], "store");
    assert_eq!(config["credHelpers"].get("gcr.io"), None);
    assert!(
        printed
            .out
            .contains("docker-credential-missing-helper is not on PATH")
    );
}

#[test]
fn a_builder_of_an_earlier_step_is_found_where_that_step_made_it() {
    let place = Place::new();
    recorder(&place);
    place.write("home/.docker/buildx/instances/earlier", "{}");
    place.write(
        "home/.docker/buildx/current",
        r#"{"Key":"","Name":"earlier","Global":true}"#,
    );
    let printed = run(step(&place, &[]).env_remove("INPUT_BUILDER"));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let arguments = arguments(&place);
    let builder = arguments
        .iter()
        .position(|argument| argument == "--builder")
        .unwrap();
    assert_eq!(arguments[builder + 1], "earlier");
    let environment = place.text("record/environment");
    let folder = place.path("home/.docker/buildx");
    assert!(environment.contains(&format!("BUILDX_CONFIG={}", folder.display())));
    assert!(
        printed
            .out
            .contains("an earlier step made it the current builder"),
        "{}",
        printed.out
    );
}

#[test]
fn nothing_checked_out_means_the_repository_at_the_events_commit() {
    let place = Place::new();
    recorder(&place);
    fs::remove_dir(place.path("workspace/.git")).unwrap();
    fs::remove_file(place.path("workspace/Dockerfile")).unwrap();
    let printed = run(&mut step(&place, &[]));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let arguments = arguments(&place);
    let context = format!("https://github.com/Acme/Hit-Counter.git#{SHA}");
    assert_eq!(arguments.last(), Some(&context));
    assert!(
        arguments
            .iter()
            .any(|a| a.starts_with("id=GIT_AUTH_TOKEN.github.com,src="))
    );
    assert_eq!(place.text("record/git-token"), "ghs_hunter1");
}

#[test]
fn a_failed_build_is_red_and_says_why_and_leaves_nothing() {
    let place = Place::new();
    place.buildx("echo 'ERROR: failed to solve: no' >&2\nexit 7\n");
    let printed = run(&mut step(&place, &[]));
    assert_eq!(printed.code, Some(1));
    let error = "::error title=Build::buildx failed with exit code 7: failed to solve: no";
    assert!(printed.out.contains(error), "{}", printed.out);
    assert_eq!(place.list("temp"), Vec::<String>::new());
    assert_eq!(outputs(&place)["digest"], "");
    assert_eq!(outputs(&place)["version"], "v0.2.0");
}

/// BuildKit can cancel a build with another that shares its steps.
#[test]
fn a_build_that_nobody_cancelled_runs_once_more() {
    let script = |last: &str| {
        format!(
            "[ -e ran-before ] && {{ {last}; }}\ntouch ran-before\n\
             echo 'ERROR: failed to solve: Canceled: context canceled' >&2\nexit 1\n"
        )
    };
    for (last, code, errors) in [("exit 0", 0, 0), ("rm ran-before", 1, 1)] {
        let place = Place::new();
        place.buildx(&script(last));
        let printed = run(&mut step(&place, &[]));
        assert_eq!(printed.code, Some(code), "{}", printed.out);
        let again = printed.out.matches("so it runs again").count();
        assert_eq!(again, 1, "{}", printed.out);
        let found = printed.out.matches("::error title=Build::").count();
        assert_eq!(found, errors, "{}", printed.out);
    }
}

/// Under `nohup` the program ignores SIGHUP on purpose, and so would the tests wait
/// for ever.
fn check_hangups_are_heard() {
    let Ok(status) = fs::read_to_string("/proc/self/status") else {
        return;
    };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let is_heard = ignored.is_some_and(|mask| mask & 1 == 0);
    assert!(
        is_heard,
        "SIGHUP is ignored here: start the tests with `env --default-signal=HUP`"
    );
}

#[test]
fn signals_reach_the_build_and_cleaning_up_still_happens() {
    check_hangups_are_heard();
    // buildx stops in order on these two only.
    for (signal, told, code) in [
        ("INT", "INT", 130),
        ("TERM", "TERM", 143),
        ("HUP", "TERM", 129),
        ("QUIT", "TERM", 131),
    ] {
        let place = Place::new();
        let script = "trap 'echo got INT; exit 130' INT\ntrap 'echo got TERM; exit 143' TERM\necho ready\nwhile :; do sleep 0.05; done\n";
        place.buildx(script);
        let mut child = step(&place, &[]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap() == "ready"));
        assert_eq!(place.list("temp").len(), 1, "the run has its folder");
        let kill = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let rest: Vec<String> = lines.map(|line| line.unwrap()).collect();
        assert!(rest.contains(&format!("got {told}")), "{rest:?}");
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert_eq!(place.list("temp"), Vec::<String>::new());
    }
}

#[test]
fn post_removes_what_a_killed_run_left() {
    let place = Place::new();
    let script = "echo ready\nexec sleep 60\n";
    place.buildx(script);
    let mut child = step(&place, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap() == "ready"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.list("temp").len(), 1);
    let printed = run(&mut post(&place));
    assert!(
        printed.success && printed.out.contains("removed"),
        "{}",
        printed.out
    );
    assert_eq!(place.list("temp"), Vec::<String>::new());
    assert!(
        run(&mut post(&place)).success,
        "a second time there is nothing to do"
    );
}

#[test]
fn without_buildx_one_line_says_how_to_get_it() {
    let place = Place::new();
    let printed = run(step(&place, &[]).env("PATH", "/nonexistent"));
    assert_eq!(printed.code, Some(1));
    assert!(
        printed
            .out
            .contains("https://github.com/docker/buildx#installing"),
        "{}",
        printed.out
    );
}

#[test]
fn without_an_engine_one_line_says_how_to_get_one() {
    let place = Place::new();
    recorder(&place);
    let mut command = step(&place, &[]);
    command
        .env_remove("INPUT_BUILDER")
        .env("DOCKER_HOST", "unix:///nonexistent.sock");
    let printed = run(&mut command);
    assert_eq!(printed.code, Some(1));
    let errors: Vec<&str> = printed
        .out
        .lines()
        .filter(|line| line.starts_with("::error"))
        .collect();
    assert_eq!(errors.len(), 1, "{}", printed.out);
    assert!(
        errors[0].contains("unix:///nonexistent.sock"),
        "{}",
        errors[0]
    );
    assert!(
        errors[0].contains("https://docs.docker.com/engine/install/"),
        "{}",
        errors[0]
    );
    assert!(
        !place.path("record/arguments").exists(),
        "buildx was not started"
    );
}

#[test]
fn a_machine_that_trusts_nobody_publishes_with_a_warning() {
    let place = Place::new();
    recorder(&place);
    place.write("none.pem", "");
    let mut command = step(
        &place,
        &[("push", "true"), ("images", "127.0.0.1:1/acme/app")],
    );
    command
        .env("SSL_CERT_FILE", place.path("none.pem"))
        .env("SSL_CERT_DIR", place.path("bin"));
    let printed = run(&mut command);
    assert!(printed.success, "{}{}", printed.out, printed.err);
    assert!(
        printed.out.contains("not read back from here"),
        "{}",
        printed.out
    );
    assert!(outputs(&place)["image"].starts_with("127.0.0.1:1/acme/app@sha256:"));
}

#[test]
fn a_signal_that_comes_too_late_loses_no_output() {
    let place = Place::new();
    let script = format!(
        "trap 'done=1' INT\nwhile [ \"$1\" != --metadata-file ]; do shift; done\necho ready\nwhile [ -z \"$done\" ]; do sleep 0.05; done\necho '{{\"containerimage.digest\":\"{DIGEST}\"}}' > \"$2\"\n"
    );
    place.buildx(&script);
    let mut child = step(&place, &[]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap() == "ready"));
    let kill = Command::new("kill")
        .args(["-s", "INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    assert_eq!(lines.filter(Result::is_err).count(), 0);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(outputs(&place)["digest"], DIGEST);
}

/// A real run outside GitHub never sends an expression, or a stand-in for it.
#[test]
fn a_real_run_does_not_act_on_what_only_github_knows() {
    let place = Place::new();
    recorder(&place);
    place.write(
        "workspace/w.yml",
        "jobs: {a: {steps: [{uses: acme/stevedore@v1, with: {username: me, password: '${{ secrets.P }}', images: quay.io/a/b, push: false}}]}}",
    );
    let arguments = [
        "publish",
        "--workflow",
        "w.yml",
        "--ref",
        "refs/heads/main",
        "--sha",
        "abc",
        "--repository",
        "acme/app",
        "--with",
        "builder=b",
    ];
    let local = |arguments: &[&str]| {
        let mut command = place.stevedore(arguments);
        run(command.env("GITHUB_API_URL", "http://127.0.0.1:1"))
    };
    let printed = local(&arguments);
    assert!(printed.success, "{}", printed.err);
    assert!(
        printed.err.contains("`password` is left out"),
        "{}",
        printed.err
    );
    assert_eq!(config(&place)["auths"], json!({}));

    place.write(
        "workspace/w.yml",
        "jobs: {a: {steps: [{uses: acme/stevedore@v1, with: {images: 'quay.io/${{ vars.X }}/b'}}]}}",
    );
    let printed = local(&arguments);
    assert_eq!(printed.code, Some(1));
    assert!(printed.err.contains("${{ vars.X }}"), "{}", printed.err);
}
