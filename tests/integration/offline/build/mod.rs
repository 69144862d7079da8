//! Inputs of docker/build-push-action through the real program: what buildx is
//! called with.

mod advice;
mod original;
mod table;

use std::process::Command;

use serde_json::{Value, json};

use crate::support::recorder::{build_recorder, built_with};
use crate::support::{Place, Printed, SHA, run};

#[test]
fn what_cannot_be_read_is_an_input_error_that_shows_no_secret() {
    for (buildx, inputs) in [
        (NEW, ("outputs", "type=local,dest=a\"b")),
        (NEW, ("provenance", "mode=\"max")),
        (NEW, ("sbom", "a\"b")),
        (NEW, ("attests", "type=\"sbom")),
        (NEW, ("build-contexts", "a={{defaultContext")),
        (NEW, ("context", "{{defaultContext")),
        (NEW, ("secrets", "\"A=hunter2")),
        (NEW, ("no-cache", "yes")),
        (NEW, ("pull", "1")),
        ("v0.14.1", ("call", "check")),
    ] {
        let place = workspace(buildx);
        let mut command = step(&place, &push(false));
        command.env("INPUT_PUSH", "false").env("INPUT_CONTEXT", ".");
        input(&mut command, inputs.0, inputs.1);
        let printed = run(&mut command);
        assert_eq!(printed.code, Some(1), "{inputs:?} {}", printed.out);
        let errors: Vec<&str> = printed
            .out
            .lines()
            .filter(|l| l.starts_with("::error"))
            .collect();
        let start = format!("::error title=Input::{}", inputs.0);
        assert!(
            errors.len() == 1 && errors[0].starts_with(&start),
            "{errors:?}"
        );
        assert!(!printed.out.contains("hunter2"), "{}", printed.out);
    }
}

#[test]
fn secrets_are_files_of_this_user_alone_and_are_hidden_in_the_log() {
    let place = workspace(NEW);
    let mut command = step(&place, &push(false));
    command.env("INPUT_PUSH", "false").env("INPUT_CONTEXT", ".");
    input(
        &mut command,
        "secrets",
        "A=hunter2\n\"B=hunter3\nhunter4\"\nhunter5\n",
    );
    let printed = run(&mut command);
    assert!(printed.success, "{}", printed.out);
    assert_eq!(place.text("record/modes"), "600\n600\n");
    let (masks, rest): (Vec<&str>, Vec<&str>) = printed
        .out
        .lines()
        .partition(|line| line.starts_with("::add-mask::"));
    for secret in ["hunter2", "hunter3", "hunter4", "hunter5"] {
        assert!(
            masks.contains(&format!("::add-mask::{secret}").as_str()),
            "{masks:?}"
        );
    }
    assert!(rest.iter().all(|line| !line.contains("hunter")), "{rest:?}");
    assert!(!place.text("record/arguments").contains("hunter"));
    assert_eq!(warnings(&printed, "Secrets"), 1);
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

/// Attestations and annotations are there by default.
#[test]
fn an_old_buildx_gets_no_flag_that_it_does_not_know() {
    for (buildx, annotation, attest) in [
        (NEW, true, true),
        ("v0.11.2", false, true),
        ("v0.9.1", false, false),
    ] {
        let place = workspace(buildx);
        let mut command = step(&place, &push(false));
        command.env("INPUT_PUSH", "false").env("INPUT_CONTEXT", ".");
        let printed = run(&mut command);
        assert!(printed.success, "{}", printed.out);
        let arguments = built_with(&place);
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        assert_eq!(
            (has("--annotation"), has("--attest")),
            (annotation, attest),
            "{buildx}"
        );
        let count = [annotation, attest].iter().filter(|kept| !**kept).count();
        assert_eq!(
            warnings(&printed, "buildx is too old"),
            count,
            "{}",
            printed.out
        );
    }
}

#[test]
fn what_is_pushed_by_digest_has_a_name_and_no_tag() {
    for (outputs, tags, tag) in [
        (
            "type=image,name=ghcr.io/o/a,push-by-digest=true,push=true",
            "",
            None,
        ),
        (
            "type=image,push-by-digest=true,push=true",
            "",
            Some("ghcr.io/o/r"),
        ),
        (
            "type=image,push-by-digest=true,push=true",
            "quay.io/o/b",
            Some("quay.io/o/b"),
        ),
        (
            "type=image,push-by-digest=true,name-canonical=true,push=true",
            "pyfound/black",
            Some("docker.io/pyfound/black"),
        ),
        // A branch, which chooses no registry.
        (
            "type=image,push-by-digest=true,push=true",
            "master",
            Some("ghcr.io/o/r"),
        ),
    ] {
        let place = workspace(NEW);
        let mut command = step(&place, &push(false));
        command
            .env("INPUT_CONTEXT", ".")
            .env("INPUT_PREFLIGHT", "off");
        command
            .env("INPUT_OUTPUTS", outputs)
            .env("INPUT_TAGS", tags);
        let printed = run(&mut command);
        assert!(printed.success, "{}", printed.out);
        let arguments = built_with(&place);
        let tagged = arguments.iter().position(|argument| argument == "--tag");
        let tagged = tagged.map(|at| arguments[at + 1].as_str());
        assert_eq!(tagged, tag, "{outputs} {tags}");
        assert!(!arguments.iter().any(|argument| argument == "--push"));
        assert_eq!(warnings(&printed, "Tags"), 0, "{}", printed.out);
    }
}

#[test]
fn the_default_context_follows_the_original() {
    let request = json!({
        "ref": "refs/pull/7/merge",
        "repository": {"private": false, "default_branch": "master"},
        "pull_request": {"head": {"sha": "1111111111111111111111111111111111111111"}},
    });
    let head = ("DOCKER_DEFAULT_GIT_CONTEXT_PR_HEAD_REF", "true");
    let query = ("BUILDX_SEND_GIT_QUERY_AS_INPUT", "1");
    for (buildx, env, end) in [
        (NEW, vec![], format!("#{SHA}")),
        (NEW, vec![head], format!("#{}", "1".repeat(40))),
        (NEW, vec![query], format!("?ref={SHA}")),
        ("v0.28.0", vec![query], format!("#{SHA}")),
        (NEW, vec![head, query], format!("?ref={}", "1".repeat(40))),
    ] {
        let place = workspace(buildx);
        let mut command = step(&place, &request);
        command.env("INPUT_PUSH", "false").envs(env.iter().copied());
        command.env("INPUT_CONTEXT", "{{ defaultContext }}");
        let printed = run(&mut command);
        assert!(printed.success, "{}", printed.out);
        let arguments = built_with(&place);
        let context = arguments.last().unwrap();
        assert_eq!(
            *context,
            format!("https://github.com/o/r.git{end}"),
            "{env:?}"
        );
        let token = "id=GIT_AUTH_TOKEN.github.com,src=<file: ghs_tok>".to_owned();
        assert!(arguments.contains(&token), "{arguments:?}");
    }
}

#[test]
fn a_git_token_of_the_workflows_replaces_ours() {
    let place = workspace(NEW);
    let mut command = step(&place, &push(false));
    command
        .env("INPUT_PUSH", "false")
        .envs(PLAIN.iter().copied());
    input(&mut command, "secrets", "GIT_AUTH_TOKEN=mine");
    assert!(run(&mut command).success);
    let arguments = theirs(&built_with(&place));
    assert_eq!(
        arguments[1..3],
        ["--secret", "id=GIT_AUTH_TOKEN,src=<file: mine>"]
    );
    assert_eq!(arguments.len(), 4, "{arguments:?}");
}

fn values<'a>(arguments: &'a [String], option: &str) -> Vec<&'a str> {
    let pairs = arguments.windows(2).filter(|pair| pair[0] == option);
    pairs.map(|pair| pair[1].as_str()).collect()
}

/// The arguments of a build that pushes nothing.
fn arguments(inputs: &[(&str, &str)]) -> (Vec<String>, Printed) {
    let place = workspace(NEW);
    let mut command = step(&place, &push(false));
    command.env("INPUT_PUSH", "false").env("INPUT_CONTEXT", ".");
    for (name, value) in inputs {
        input(&mut command, name, value);
    }
    let printed = run(&mut command);
    assert!(printed.success, "{}", printed.out);
    (built_with(&place), printed)
}

#[test]
fn whole_references_stand_beside_the_rules_tags() {
    for (inputs, tags) in [
        (
            vec![("tags", "ghcr.io/o/i:v1\nu/a:2,u/a:3")],
            vec!["ghcr.io/o/i:v1", "u/a:2", "u/a:3"],
        ),
        (
            vec![
                ("tags", "type=ref,event=branch\nquay.io/o/i:v1"),
                ("images", "ghcr.io/o/r"),
            ],
            vec!["ghcr.io/o/r:master", "quay.io/o/i:v1"],
        ),
        (
            vec![("tags", "edge\nghcr.io/o/r:edge")],
            vec!["ghcr.io/o/r:edge"],
        ),
        (
            vec![("tags", "myapp:test"), ("load", "true")],
            vec!["myapp:test"],
        ),
        (
            vec![("tags", "feature/x"), ("load", "true")],
            vec!["ghcr.io/o/r:feature-x"],
        ),
        (vec![], vec!["ghcr.io/o/r:master"]),
        (
            vec![("outputs", "type=image,name=ghcr.io/o/x,push-by-digest=true")],
            vec![],
        ),
        (
            vec![
                ("outputs", "type=image,name=ghcr.io/o/x"),
                ("images", "ghcr.io/o/r"),
            ],
            vec!["ghcr.io/o/r:master"],
        ),
    ] {
        let (arguments, _) = arguments(&inputs);
        assert_eq!(values(&arguments, "--tag"), tags, "{inputs:?}");
    }
}

#[test]
fn annotations_with_a_level_are_used_as_they_stand() {
    let (arguments, _) = arguments(&[("annotations", "index:a=b\nc=d")]);
    let given = values(&arguments, "--annotation");
    for expected in ["index:a=b", "manifest:c=d", "index:c=d"] {
        assert!(given.contains(&expected), "{given:?}");
    }
    assert!(
        !given.iter().any(|text| text.contains("index:index:")),
        "{given:?}"
    );
}

#[test]
fn what_holds_one_platform_is_built_for_the_builders_own() {
    let two = vec!["linux/amd64,linux/arm64"];
    for (name, value, platforms) in [
        ("load", "true", vec![]),
        ("outputs", "type=docker,dest=d.tar", vec![]),
        ("call", "check", vec![]),
        ("outputs", "type=oci,dest=o.tar", two.clone()),
        ("call", "build", two),
    ] {
        let (arguments, _) = arguments(&[(name, value)]);
        assert_eq!(
            values(&arguments, "--platform"),
            platforms,
            "{name} {value}"
        );
    }
}

#[test]
fn the_registry_of_a_name_in_outputs_is_logged_in_to() {
    for outputs in [
        "type=image,name=ghcr.io/o/a,push-by-digest=true,push=true",
        "type=registry,name=ghcr.io/o/a:1",
    ] {
        let (_, printed) = arguments(&[("outputs", outputs), ("images", "quay.io/o/r")]);
        let login = "login at ghcr.io as o, with `github-token`";
        assert!(printed.out.contains(login), "{}", printed.out);
    }
}

/// Options that are ours: what the image is called, and where we keep files.
const OURS: [&str; 7] = [
    "--annotation",
    "--builder",
    "--label",
    "--metadata-file",
    "--platform",
    "--progress",
    "--tag",
];

const RUN_URL: &str = "https://github.com/o/r/actions/runs/30433642/attempts/2";

/// A workspace without a checkout, as the cases were recorded in.
fn workspace(buildx: &str) -> Place {
    let place = Place::new();
    std::fs::remove_dir(place.path("workspace/.git")).unwrap();
    for (name, text) in [
        ("Dockerfile.prod", "FROM scratch\n"),
        ("secret.txt", "s"),
        ("key", "k"),
        ("sub/Dockerfile", "FROM scratch\n"),
    ] {
        place.write(&format!("workspace/{name}"), text);
    }
    build_recorder(&place, buildx);
    place
}

/// A step that builds for this event with a builder by name and pushes nothing.
fn step(place: &Place, event: &Value) -> Command {
    let mut event = event.clone();
    // All that would be asked of GitHub's API otherwise.
    for (key, value) in [
        ("name", json!("r")),
        ("html_url", json!("https://github.com/o/r")),
        ("description", Value::Null),
        ("license", Value::Null),
    ] {
        event["repository"][key] = value;
    }
    place.write("event.json", &event.to_string());
    let mut command = place.stevedore(Vec::<&str>::new());
    for (name, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_REF", event["ref"].as_str().unwrap()),
        ("GITHUB_SHA", SHA),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_RUN_ID", "30433642"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("INPUT_GITHUB-TOKEN", "ghs_tok"),
        ("INPUT_BUILDER", "b1"),
        ("INPUT_CACHE", "none"),
        ("INPUT_EMULATION", "none"),
        ("INPUT_PREFLIGHT", "off"),
    ] {
        command.env(name, value);
    }
    command
        .env("GITHUB_EVENT_PATH", place.path("event.json"))
        .env("GITHUB_WORKSPACE", place.path("workspace"))
        .env("GITHUB_OUTPUT", place.path("output"));
    command
}

fn push(private: bool) -> Value {
    json!({
        "ref": "refs/heads/master",
        "repository": {"private": private, "default_branch": "master"},
    })
}

fn input(command: &mut Command, name: &str, value: &str) {
    command.env(format!("INPUT_{}", name.to_uppercase()), value);
}

/// The arguments without those that are ours.
fn theirs(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if OURS.contains(&argument.as_str()) {
            arguments.next();
        } else if argument != "--push" {
            kept.push(argument.replace(RUN_URL, "<run url>"));
        }
    }
    kept
}

fn warnings(printed: &Printed, title: &str) -> usize {
    let start = format!("::warning title={title}::");
    let lines = printed.out.lines();
    lines.filter(|line| line.starts_with(&start)).count()
}

const NEW: &str = "v0.29.1";

/// Without the provenance that every build has otherwise.
const PLAIN: &[(&str, &str)] = &[("BUILDX_NO_DEFAULT_ATTESTATIONS", "true")];

#[test]
fn expressions_in_build_arguments_are_those_of_the_metadata_language() {
    let given = "VERSION={{version}}\nSHA={{sha}}\nYEAR={{date 'YYYY'}}\nGO={{.Version}}\nPLAIN=a";
    let (arguments, printed) = arguments(&[("build-args", given)]);
    let year = values(&arguments, "--build-arg")[2].to_owned();
    assert!(year.len() == 9 && year.starts_with("YEAR=2"), "{year}");
    let expected = [
        "VERSION=master",
        &format!("SHA={}", &SHA[..7]),
        &year,
        "GO={{.Version}}",
        "PLAIN=a",
    ];
    assert_eq!(values(&arguments, "--build-arg"), expected);
    let notice = "`GO` is passed on as it stands: \".Version\" is not an expression";
    assert!(printed.out.contains(notice), "{}", printed.out);
    assert_eq!(printed.out.matches("is passed on as it stands").count(), 1);
}
