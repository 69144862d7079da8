//! `metadata`, as a step and on a laptop.

use std::path::Path;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use lab_runner::{Level, Step};
use serde_json::{Value, json};

use crate::support::recorder::heredocs;
use crate::support::{NOW, Place, SHA, action, event, read, run};

const IMAGES: &str = "ghcr.io/acme/app\nquay.io/acme/app";

/// The part as a step of a job, for the push of tag v0.2.0.
fn step(place: &Place) -> Command {
    place.write("event.json", &event("push-tag").to_string());
    let mut command = place.stevedore(["metadata"]);
    command
        .env("PATH", "/nonexistent")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", "push")
        .env("GITHUB_EVENT_PATH", place.path("event.json"))
        .env("GITHUB_REF", "refs/tags/v0.2.0")
        .env("GITHUB_SHA", SHA)
        .env("GITHUB_REPOSITORY", "Acme/Hit-Counter")
        .env("GITHUB_API_URL", "http://127.0.0.1:1")
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("GITHUB_ENV", place.path("variables"))
        .env("GITHUB_STATE", place.path("state"))
        .env("INPUT_IMAGES", IMAGES);
    command
}

fn declared(section: &str) -> Vec<String> {
    let action: Value = serde_yaml::from_str(&read("metadata/action.yml")).unwrap();
    let names = action[section].as_object().unwrap().keys();
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names
}

#[test]
fn outputs_are_those_of_action_yml_and_variables_the_same() {
    let place = Place::new();
    let printed = run(&mut step(&place));
    assert!(printed.success, "{}", printed.out);
    let outputs = heredocs(&place.text("output"));
    assert_eq!(
        outputs.keys().cloned().collect::<Vec<_>>(),
        declared("outputs")
    );
    assert_eq!(outputs["version"], "v0.2.0");
    assert_eq!(
        outputs["tags"],
        "ghcr.io/acme/app:v0.2.0\nghcr.io/acme/app:latest\n\
         quay.io/acme/app:v0.2.0\nquay.io/acme/app:latest"
    );
    let variables = heredocs(&place.text("variables"));
    let expected: BTreeMap<String, String> = outputs
        .into_iter()
        .map(|(name, value)| {
            let name = name.replace('-', "_").to_uppercase();
            (format!("DOCKER_METADATA_OUTPUT_{name}"), value)
        })
        .collect();
    assert_eq!(variables, expected);
    assert!(!place.path("state").exists());
}

#[test]
fn bake_files_stay_for_later_steps() {
    let place = Place::new();
    assert!(run(step(&place).env("INPUT_BAKE-TARGET", "app")).success);
    let outputs = heredocs(&place.text("output"));
    let file = |name: &str| -> Value {
        let text = fs::read_to_string(&outputs[name]).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["target"]["app"].clone()
    };
    assert!(outputs["bake-file"].starts_with(place.path("temp").to_str().unwrap()));
    assert_eq!(file("bake-file-tags")["tags"][0], "ghcr.io/acme/app:v0.2.0");
    assert_eq!(
        file("bake-file-tags")["args"]["DOCKER_META_VERSION"],
        "v0.2.0"
    );
    let version = "org.opencontainers.image.version";
    assert_eq!(file("bake-file-labels")["labels"][version], "v0.2.0");
    assert_eq!(file("bake-file")["labels"][version], "v0.2.0");
    assert_eq!(
        file("bake-file-annotations")["annotations"][0],
        format!(
            "manifest:org.opencontainers.image.created={}",
            NOW.replace('Z', ".000Z")
        )
    );
    // A second step of the job keeps the first one's.
    assert!(run(&mut step(&place)).success);
    assert_eq!(place.list("temp").len(), 2);
}

#[test]
fn variables_can_be_switched_off() {
    for off in ["false", "0", "F"] {
        let place = Place::new();
        let printed = run(step(&place).env("DOCKER_METADATA_SET_OUTPUT_ENV", off));
        assert!(printed.success, "{}", printed.out);
        assert!(place.path("output").exists() && !place.path("variables").exists());
    }
    let place = Place::new();
    let printed = run(step(&place).env("DOCKER_METADATA_SET_OUTPUT_ENV", "maybe"));
    assert_eq!(printed.code, Some(1));
    assert!(
        printed
            .out
            .contains("DOCKER_METADATA_SET_OUTPUT_ENV: \"maybe\""),
        "{}",
        printed.out
    );
}

#[test]
fn separators_keep_their_white_space() {
    let place = Place::new();
    let printed = run(step(&place)
        .env("INPUT_IMAGES", "acme/app")
        .env("INPUT_SEP-TAGS", " , ")
        .env("INPUT_SEP-LABELS", "\t"));
    assert!(printed.success, "{}", printed.out);
    let outputs = heredocs(&place.text("output"));
    assert_eq!(outputs["tags"], "acme/app:v0.2.0 , acme/app:latest");
    assert_eq!(outputs["labels"].split('\t').count(), 8);
}

#[test]
fn the_log_has_the_groups_of_the_original() {
    let place = Place::new();
    let printed = run(&mut step(&place));
    let groups: Vec<&str> = printed
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("::group::"))
        .collect();
    assert_eq!(
        groups,
        [
            "Context info",
            "Docker image version",
            "Docker tags",
            "Docker labels",
            "Annotations",
            "JSON output",
            "Bake file definition (tags)",
            "Bake file definition (labels)",
            "Bake file definition (annotations)",
        ]
    );
    assert_eq!(printed.out.matches("::endgroup::").count(), groups.len());
}

#[test]
fn everything_wrong_is_said_at_once() {
    let place = Place::new();
    let printed = run(step(&place)
        .env("INPUT_CONTEXT", "workflows")
        .env("INPUT_TAGS", "type=semvar\ntype=raw")
        .env("INPUT_FLAVOR", "latest=maybe")
        .env("DOCKER_METADATA_SET_OUTPUT_ENV", "maybe"));
    assert_eq!(printed.code, Some(1));
    let errors: Vec<&str> = printed
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("::error title=Input::"))
        .collect();
    for wrong in [
        "context: \"workflows\": is not one of the accepted values. Accepted: workflow or git",
        "tags (line 1",
        "tags (line 2",
        "flavor (line 1",
        "DOCKER_METADATA_SET_OUTPUT_ENV",
    ] {
        assert!(
            errors.iter().any(|error| error.starts_with(wrong)),
            "{wrong}: {errors:#?}"
        );
    }
    assert!(!place.path("output").exists());
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

#[test]
fn a_tag_that_no_registry_accepts_is_a_warning_and_an_output() {
    let place = Place::new();
    let printed = run(step(&place).env("INPUT_TAGS", "type=raw,value=.hidden"));
    assert!(printed.success, "{}", printed.out);
    assert!(
        printed
            .out
            .contains("::warning title=No registry accepts this::tags (line 1"),
        "{}",
        printed.out
    );
    assert_eq!(heredocs(&place.text("output"))["tag-names"], ".hidden");
}

#[test]
fn an_input_that_only_publish_has_is_named() {
    let place = Place::new();
    let printed = run(step(&place).env("INPUT_PLATFORMS", "linux/amd64"));
    assert!(printed.success, "{}", printed.out);
    assert!(
        printed
            .out
            .contains("::warning title=Unknown input::`platforms`"),
        "{}",
        printed.out
    );
}

/// Events whose ref the original's rules do not tell apart, or whose empty
/// result it does not explain.
#[test]
fn events_that_the_original_forgets() {
    let repository = event("push-tag")["repository"].clone();
    let queue = "refs/heads/gh-readonly-queue/main/pr-3-abc";
    for (name, git_ref, payload, tags) in [
        (
            "merge_group",
            queue,
            json!({"merge_group": {"head_ref": queue}}),
            "gh-readonly-queue-main-pr-3-abc",
        ),
        (
            "workflow_run",
            "refs/heads/main",
            json!({"workflow_run": {"head_branch": "topic"}}),
            "main",
        ),
        (
            "repository_dispatch",
            "refs/heads/main",
            json!({"action": "nightly"}),
            "main",
        ),
        (
            "workflow_dispatch",
            "refs/tags/v1.2.3",
            json!({"ref": "refs/tags/v1.2.3"}),
            "v1.2.3\nlatest",
        ),
        ("workflow_call", "refs/heads/main", json!({}), "main"),
    ] {
        let place = Place::new();
        let mut command = step(&place);
        let mut payload = payload;
        payload["repository"] = repository.clone();
        place.write("event.json", &payload.to_string());
        let printed = run(command
            .env("GITHUB_EVENT_NAME", name)
            .env("GITHUB_REF", git_ref));
        assert!(printed.success, "{name}: {}", printed.out);
        assert_eq!(heredocs(&place.text("output"))["tag-names"], tags, "{name}");
    }
}

#[test]
fn no_tag_is_explained() {
    let place = Place::new();
    let printed = run(step(&place).env("INPUT_TAGS", "type=ref,event=pr\ntype=schedule"));
    assert!(printed.success, "{}", printed.out);
    assert!(
        printed
            .out
            .contains("::warning title=Tags::No Docker tag has been generated. Check tags input.")
    );
    let notice = "::notice title=Tags::No rule gave a tag for the event push";
    let line = printed.out.lines().find(|line| line.starts_with(notice));
    let line = line.unwrap_or_else(|| panic!("{}", printed.out));
    assert!(
        line.contains("type=ref,event=pr: ") && line.contains("type=schedule: "),
        "{line}"
    );
    assert_eq!(heredocs(&place.text("output"))["version"], "");
}

#[test]
fn on_a_laptop_the_result_is_printed() {
    let place = Place::new();
    let arguments = [
        "metadata",
        "--ref",
        "refs/tags/v1",
        "--with",
        "images=acme/app",
    ];
    let printed = run(&mut place.stevedore(arguments));
    assert!(printed.success, "{}", printed.err);
    assert!(
        printed
            .out
            .starts_with("version     v1\ntags        acme/app:v1\n"),
        "{}",
        printed.out
    );
    assert_eq!(place.list("temp"), Vec::<String>::new());
    let printed = run(place.stevedore(arguments).args(["--format", "json"]));
    let json: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(json["tags"], json!(["acme/app:v1", "acme/app:latest"]));
}

#[test]
fn a_workflow_file_brings_the_inputs_of_the_part() {
    let place = Place::new();
    place.write(
        "workspace/w.yml",
        "jobs: {a: {steps: [{uses: o/stevedore@v1, with: {images: a/whole}}, \
         {uses: o/stevedore/metadata@v1, with: {images: a/part}}]}}",
    );
    let printed = run(&mut place.stevedore(["metadata", "--workflow", "w.yml"]));
    assert!(
        printed.out.contains("a/part:main"),
        "{} {}",
        printed.out,
        printed.err
    );
    let printed = run(&mut place.stevedore(["publish", "--dry-run", "--workflow", "w.yml"]));
    assert!(
        printed.out.contains("a/whole:main"),
        "{} {}",
        printed.out,
        printed.err
    );
}

#[test]
fn the_part_is_an_action_without_a_post_step() {
    let place = Place::new();
    let result = Step::node(action(&place).join("metadata"))
        .event("push", event("push-tag"))
        .git_ref("refs/tags/v0.2.0")
        .sha(SHA)
        .repository("acme/hit-counter")
        .workspace(place.path("workspace"))
        .env("STEVEDORE_NOW", NOW)
        .with("images", IMAGES)
        .run()
        .unwrap();
    assert!(result.succeeded(), "{result:?}");
    assert!(result.post.is_none());
    assert_eq!(result.outputs["version"], "v0.2.0");
    assert_eq!(result.env["DOCKER_METADATA_OUTPUT_VERSION"], "v0.2.0");
    assert!(
        result
            .annotations
            .iter()
            .all(|note| note.level == Level::Notice),
        "{result:?}"
    );
    // Bake files last until the end of the job, when the runner removes them.
    let bake_file = Path::new(&result.outputs["bake-file"]);
    assert!(bake_file.ends_with("bake-file.json"), "{result:?}");
    assert!(result.leftovers.is_empty(), "{result:?}");
}
