//! Inputs of docker/build-push-action through the real program: what buildx is
//! called with. First as recorded from the original, then by a table of our own.

use std::process::Command;

use serde_json::{Value, json};

use crate::recorder::{build_recorder, built_with};
use crate::support::{Place, Printed, SHA, read, run};

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

fn compare(case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let place = workspace(case["buildx"].as_str().unwrap());
    let mut command = step(&place, &case["event"]);
    for (name, value) in case["inputs"].as_object().unwrap() {
        input(&mut command, name, value.as_str().unwrap());
    }
    if expect["ok"] == true {
        command.env("INPUT_PUSH", "false");
    }
    for (name, value) in case["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let printed = run(&mut command);
    if printed.success != (expect["ok"] == true) {
        return Err(format!("success: {}\n{}", printed.success, printed.out));
    }
    if !printed.success {
        let said = printed.out.contains("::error title=Input::");
        return said.then_some(()).ok_or(printed.out);
    }
    let ours = built_with(&place);
    let recorded = expect["argv"].as_array().unwrap().iter();
    let recorded: Vec<String> = recorded.map(|a| a.as_str().unwrap().to_owned()).collect();
    if theirs(&ours) != theirs(&recorded) {
        let (it, we) = (theirs(&recorded), theirs(&ours));
        return Err(format!("\n it: {it:?}\n we: {we:?}"));
    }
    let given: Vec<&String> = recorded.iter().filter(|a| *a == "--annotation").collect();
    if given.is_empty() && case["inputs"]["annotations"].is_string() {
        let ours = ours.iter().filter(|a| *a == "--annotation").count();
        if ours > 0 {
            return Err(format!("{ours} annotations"));
        }
    }
    let told = warnings(&printed, "buildx is too old") + warnings(&printed, "Secrets");
    if told == expect["warnings"].as_array().unwrap().len() {
        Ok(())
    } else {
        Err(format!("warnings: {}", printed.out))
    }
}

#[test]
fn every_recorded_case() {
    let cases: Value = serde_json::from_str(&read("tests/conformance/build.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 67);
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let why = compare(case).err()?;
            Some(format!("{}: {why}", case["name"]))
        })
        .collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

/// One row: inputs, and all that buildx is called with between `build` and the
/// context that is not ours.
struct Row {
    buildx: &'static str,
    env: &'static [(&'static str, &'static str)],
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
}

const NEW: &str = "v0.29.1";
/// Without the provenance that every build has otherwise.
const PLAIN: &[(&str, &str)] = &[("BUILDX_NO_DEFAULT_ATTESTATIONS", "true")];

const fn row(
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Row {
    Row {
        buildx: NEW,
        env: PLAIN,
        inputs,
        arguments,
    }
}

const fn attested(
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Row {
    Row {
        buildx: NEW,
        env: &[],
        inputs,
        arguments,
    }
}

const fn with(
    buildx: &'static str,
    inputs: &'static [(&'static str, &'static str)],
    arguments: &'static [&'static str],
) -> Row {
    Row {
        buildx,
        env: &[],
        inputs,
        arguments,
    }
}

const PROVENANCE: &str = "type=provenance,mode=max,builder-id=<run url>";

const TABLE: &[Row] = &[
    row(&[], &[]),
    // Lists with commas.
    row(
        &[("add-hosts", "a:10.0.0.1, b:10.0.0.2\nc:::1")],
        &[
            "--add-host",
            "a:10.0.0.1",
            "--add-host",
            "b:10.0.0.2",
            "--add-host",
            "c:::1",
        ],
    ),
    row(
        &[("allow", "network.host,security.insecure")],
        &["--allow", "network.host", "--allow", "security.insecure"],
    ),
    row(
        &[("no-cache-filters", "base,\n\"a,b\"\n\nlast")],
        &[
            "--no-cache-filter",
            "base",
            "--no-cache-filter",
            "a",
            "--no-cache-filter",
            "b",
            "--no-cache-filter",
            "last",
        ],
    ),
    row(
        &[("ssh", "default\nkey=./key,other=./key")],
        &[
            "--ssh",
            "default",
            "--ssh",
            "key=./key",
            "--ssh",
            "other=./key",
        ],
    ),
    // Lists of lines.
    row(
        &[(
            "build-args",
            "A=a,b\n\n  B = \"x\" \n# C=1\n\"D=1\n2\"\nE=a=b=\nF=\nG",
        )],
        &[
            "--build-arg",
            "A=a,b",
            "--build-arg",
            "B = \"x\"",
            "--build-arg",
            "# C=1",
            "--build-arg",
            "D=1\n2",
            "--build-arg",
            "E=a=b=",
            "--build-arg",
            "F=",
            "--build-arg",
            "G",
        ],
    ),
    row(
        &[("build-args", "J={\"a\":\"b\"}\nQ=\"a\"b")],
        &["--build-arg", "J={\"a\":\"b\"}", "--build-arg", "Q=\"a\"b"],
    ),
    row(
        &[(
            "build-contexts",
            "a=./sub\nb=docker-image://alpine:3.20@sha256:0,1\nc=https://e.org/r.git#main:x",
        )],
        &[
            "--build-context",
            "a=./sub",
            "--build-context",
            "b=docker-image://alpine:3.20@sha256:0,1",
            "--build-context",
            "c=https://e.org/r.git#main:x",
        ],
    ),
    row(
        &[("build-contexts", "src={{defaultContext}}:docs")],
        &[
            "--build-context",
            "src=https://github.com/o/r.git#6071f564087d49be48dc318b89fc22ff96cf6a17:docs",
        ],
    ),
    row(
        &[
            (
                "cache-from",
                "user/app:cache\ntype=gha,scope=a,token=t\n\"type=local,src=a\"",
            ),
            (
                "cache-to",
                "type=registry,ref=user/app:cache,mode=max\ntype=inline",
            ),
        ],
        &[
            "--cache-from",
            "user/app:cache",
            "--cache-from",
            "type=gha,scope=a",
            "--cache-from",
            "type=local,src=a",
            "--cache-to",
            "type=registry,ref=user/app:cache,mode=max",
            "--cache-to",
            "type=inline",
        ],
    ),
    row(
        &[("ulimit", "nofile=1024:2048\nnproc=3")],
        &["--ulimit", "nofile=1024:2048", "--ulimit", "nproc=3"],
    ),
    row(
        &[(
            "outputs",
            "type=local,dest=out\n\ntype=oci,\"dest=a,b.tar\"\n./plain",
        )],
        &[
            "--output",
            "type=local,dest=out",
            "--output",
            "type=oci,\"dest=a,b.tar\"",
            "--output",
            "./plain",
        ],
    ),
    // Single values and flags.
    row(
        &[
            ("cgroup-parent", "foo"),
            ("file", "Dockerfile.prod"),
            ("network", "none"),
            ("shm-size", "128m"),
            ("target", "production"),
        ],
        &[
            "--cgroup-parent",
            "foo",
            "--file",
            "Dockerfile.prod",
            "--shm-size",
            "128m",
            "--target",
            "production",
            "--network",
            "none",
        ],
    ),
    row(
        &[("no-cache", "True"), ("pull", "TRUE")],
        &["--no-cache", "--pull"],
    ),
    row(&[("load", "true")], &["--load"]),
    row(
        &[("call", "outline,format=json")],
        &["--call", "outline,format=json"],
    ),
    row(&[("call", "check"), ("load", "true")], &["--call", "check"]),
    // Secrets.
    row(
        &[(
            "secrets",
            "A=1\nB= two words \n\"C=l1\nl2\nsay \"\"hi\"\"\"\nD=a,b\nE=x==",
        )],
        &[
            "--secret",
            "id=A,src=<file: 1>",
            "--secret",
            "id=B,src=<file:  two words >",
            "--secret",
            "id=C,src=<file: l1\nl2\nsay \"hi\">",
            "--secret",
            "id=D,src=<file: a,b>",
            "--secret",
            "id=E,src=<file: x==>",
        ],
    ),
    row(
        &[("secrets", "EMPTY=\nnone\n=x\nA=1")],
        &["--secret", "id=A,src=<file: 1>"],
    ),
    row(
        &[
            ("secret-envs", "A=X,B=Y\nC=Z\nbroken"),
            ("file", "Dockerfile"),
        ],
        &[
            "--secret",
            "id=A,env=X",
            "--secret",
            "id=B,env=Y",
            "--secret",
            "id=C,env=Z",
            "--file",
            "Dockerfile",
        ],
    ),
    row(
        &[
            ("secret-files", "A=secret.txt\nB=./missing\nC=./key"),
            ("secrets", "S=1"),
        ],
        &[
            "--secret",
            "id=S,src=<file: 1>",
            "--secret",
            "id=A,src=secret.txt",
            "--secret",
            "id=C,src=./key",
        ],
    ),
    // Attestations.
    attested(&[], &["--attest", PROVENANCE]),
    attested(
        &[("outputs", "type=docker,dest=d.tar")],
        &["--output", "type=docker,dest=d.tar"],
    ),
    attested(
        &[("outputs", "./out\ntype=docker")],
        &[
            "--output",
            "./out",
            "--output",
            "type=docker",
            "--attest",
            PROVENANCE,
        ],
    ),
    attested(
        &[("load", "true"), ("provenance", "true")],
        &["--attest", "type=provenance,builder-id=<run url>", "--load"],
    ),
    attested(
        &[("provenance", "f")],
        &[
            "--attest",
            "type=provenance,disabled=true,builder-id=<run url>",
        ],
    ),
    attested(
        &[("provenance", "False")],
        &["--attest", "type=provenance,disabled=true"],
    ),
    attested(
        &[("provenance", "mode=min,\"builder-id=https://e.org/a,b\"")],
        &[
            "--attest",
            "type=provenance,mode=min,builder-id=https://e.org/a,b",
        ],
    ),
    attested(
        &[("sbom", "generator=docker/scout-sbom-indexer:latest")],
        &[
            "--attest",
            PROVENANCE,
            "--attest",
            "type=sbom,generator=docker/scout-sbom-indexer:latest",
        ],
    ),
    attested(
        &[(
            "attests",
            "type=sbom,true\ntype=provenance,false\ntype=custom,\"a=b,c\",1",
        )],
        &[
            "--attest",
            "type=sbom,true",
            "--attest",
            "type=provenance,false,builder-id=<run url>",
            "--attest",
            "type=custom,a=b,c,disabled=false",
        ],
    ),
    attested(
        &[
            ("attests", "type=provenance,mode=max\ntype=sbom"),
            ("provenance", "false"),
            ("sbom", "false"),
        ],
        &[
            "--attest",
            "type=provenance,disabled=true",
            "--attest",
            "type=sbom,disabled=true",
        ],
    ),
    // Versions of buildx.
    with(
        "v0.14.9",
        &[("attests", "type=sbom")],
        &["--attest", PROVENANCE, "--attest", "type=sbom"],
    ),
    with(
        "v0.9.1",
        &[("sbom", "true"), ("build-contexts", "a=b")],
        &["--build-context", "a=b"],
    ),
    with(
        "v0.7.1",
        &[("sbom", "true"), ("build-contexts", "a=b")],
        &[],
    ),
    with(
        "1a1ec9a",
        &[("sbom", "false")],
        &[
            "--attest",
            PROVENANCE,
            "--attest",
            "type=sbom,disabled=true",
        ],
    ),
];

#[test]
fn inputs_and_the_arguments_they_become() {
    let mut wrong = Vec::new();
    for row in TABLE {
        let place = workspace(row.buildx);
        let mut command = step(&place, &push(false));
        command.env("INPUT_PUSH", "false").env("INPUT_CONTEXT", ".");
        command.envs(row.env.iter().copied());
        for (name, value) in row.inputs {
            input(&mut command, name, value);
        }
        let printed = run(&mut command);
        assert!(printed.success, "{:?}\n{}", row.inputs, printed.out);
        let mut expected = vec!["build"];
        expected.extend(row.arguments);
        expected.push(".");
        let ours = theirs(&built_with(&place));
        if ours != expected {
            wrong.push(format!(
                "{:?}\n want {expected:?}\n have {ours:?}",
                row.inputs
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_every_input_of_build_push_action() {
    // These are compared in tests of their own.
    let elsewhere = [
        "annotations",
        "builder",
        "context",
        "github-token",
        "labels",
        "platforms",
        "push",
        "tags",
    ];
    let given = |name: &str| {
        TABLE
            .iter()
            .any(|row| row.inputs.iter().any(|(n, _)| *n == name))
    };
    let former = stevedore::testing::FORMER;
    let build = former
        .iter()
        .find(|f| f.action == "docker/build-push-action")
        .unwrap();
    let names = build.inputs.iter().map(|moved| moved.name);
    let missing: Vec<&str> = names
        .filter(|name| !elsewhere.contains(name) && !given(name))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

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
fn build_arguments_that_look_like_secrets_are_warned_about() {
    let (_, printed) = arguments(&[("build-args", "NPM_TOKEN=npm_0123456789abcdef\nVERSION=1")]);
    assert_eq!(
        warnings(&printed, "Secret in a build argument"),
        1,
        "{}",
        printed.out
    );
    assert!(
        printed.out.contains("secrets: NPM_TOKEN="),
        "{}",
        printed.out
    );
    assert!(
        !printed.out.contains("npm_0123456789abcdef"),
        "{}",
        printed.out
    );
}

#[test]
fn inputs_of_the_actions_that_it_stands_in_for_are_explained() {
    let (_, printed) = arguments(&[
        ("logout", "false"),
        ("image", "tonistiigi/binfmt"),
        ("taget", "x"),
    ]);
    let lines: Vec<&str> = printed
        .out
        .lines()
        .filter(|line| line.contains("Unknown input"))
        .collect();
    for (name, hint) in [
        ("`logout`", "docker/login-action"),
        ("`image`", "`binfmt-image`"),
        ("`taget`", "did you mean `target`?"),
    ] {
        assert!(
            lines
                .iter()
                .any(|line| line.contains(name) && line.contains(hint)),
            "{lines:?}"
        );
    }
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
fn tags_that_are_likely_not_meant_so_are_warned_about() {
    for (inputs, count) in [
        (vec![("tags", "ghcr.io/o/i\nedge")], 1),
        (vec![("tags", "feature/x")], 0),
        (
            vec![("tags", "ghcr.io/o/i:1"), ("images", "ghcr.io/o/r")],
            1,
        ),
        (vec![("tags", "ghcr.io/o/i:1")], 0),
    ] {
        let (_, printed) = arguments(&inputs);
        assert_eq!(warnings(&printed, "Tags"), count, "{}", printed.out);
    }
}

#[test]
fn a_slash_alone_makes_a_tag_and_both_spellings_are_shown() {
    let (_, printed) = arguments(&[("tags", "feature/x")]);
    let notices = printed.out.lines();
    let mut notices = notices.filter(|line| line.starts_with("::notice title=Tags::feature/x "));
    let notice = notices.next().unwrap_or_else(|| panic!("{}", printed.out));
    for spelling in [
        "the tag feature-x",
        "feature/x:latest",
        "type=raw,value=feature/x",
    ] {
        assert!(notice.contains(spelling), "{notice}");
    }
}

#[test]
fn a_name_that_tags_replace_is_warned_about() {
    let (_, printed) = arguments(&[
        ("outputs", "type=docker,name=b:test"),
        ("images", "ghcr.io/o/r"),
    ]);
    assert_eq!(warnings(&printed, "Outputs"), 1, "{}", printed.out);
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
