//! Every workflow of examples/workflows, with the event that it is for.

use std::fs;

use serde_json::{Value, json};

use super::tls::Node;
use super::{Act, Run, give, steps, workflow};
use crate::support::{Lab, PROGRAM, read, root};

/// What is published, by another client.
fn is_published(act: &Act<'_>, reference: &str, platforms: &[&str]) {
    let command = act.place.imagetools(reference, "Manifest");
    assert!(command.success, "{reference}: {}", command.err);
    for platform in platforms {
        let (os, architecture) = platform.split_once('/').unwrap();
        let manifest: Value = serde_json::from_str(&command.out).unwrap();
        let manifests = manifest["manifests"].as_array().unwrap();
        let found = manifests.iter().any(|manifest| {
            manifest["platform"]["os"] == os && manifest["platform"]["architecture"] == architecture
        });
        assert!(found, "{reference} {platform}: {}", command.out);
    }
}

const BOTH: [&str; 2] = ["linux/amd64", "linux/arm64"];

fn published(act: &Act<'_>, run: &Run, tags: &[&str]) {
    run.succeeded();
    for tag in tags {
        is_published(act, &format!("{}:{tag}", act.image()), &BOTH);
    }
}

#[test]
#[ignore = "needs the lab"]
fn publish_yml_publishes_pushes_and_builds_pull_requests() {
    let lab = Lab::get();
    let act = Act::new(&lab);
    let workflow = act.example("publish");
    published(&act, &act.run("push-branch", &workflow), &["main"]);
    published(&act, &act.run("push-tag", &workflow), &["v0.2.0", "latest"]);
    let request = act.run("pull-request", &workflow);
    request.succeeded();
    assert!(request.log().contains("not pushed: "), "{}", request.log());
}

#[test]
#[ignore = "needs the lab"]
fn semver_yml_publishes_a_version_under_all_its_names() {
    let lab = Lab::get();
    let act = Act::new(&lab);
    let workflow = act.example("semver");
    let run = act.run("push-tag", &workflow);
    published(&act, &run, &["0.2.0", "0.2", "latest"]);
    let image = run.outputs("image")["image"];
    let digest = run.outputs("image")["digest"];
    assert_eq!(image, format!("{}@{digest}", act.image()));
    // The step that follows has it.
    assert!(run.log().contains(&format!("published {image}")));
    let run = act.run("push-prerelease", &workflow);
    run.succeeded();
    let published = run.outputs("image")["published"];
    assert_eq!(published.lines().count(), 1, "{published}");
}

#[test]
#[ignore = "needs the lab"]
fn pull_request_yml_loads_the_image_and_runs_it() {
    let lab = Lab::get();
    let act = Act::new(&lab);
    let workflow = act.example("pull-request");
    let run = act.run("pull-request", &workflow);
    run.succeeded();
    let tags = run.outputs("image")["tags"];
    assert_eq!(tags, format!("{}:pr-2", act.image()));
    remove_image(tags);
}

fn remove_image(reference: &str) {
    let mut docker = std::process::Command::new("docker");
    let removed = crate::support::run(docker.args(["image", "rm", reference]));
    assert!(removed.success, "{}", removed.err);
}

/// A bake file for the targets that the examples name.
fn bake_file(act: &Act<'_>) {
    let file = r#"
variable "BASE" { default = "" }
target "docker-metadata-action" {}
target "default" { inherits = ["api"] }
target "api" {
  inherits = ["docker-metadata-action"]
  args = { BASE = BASE }
  platforms = ["linux/amd64", "linux/arm64"]
}
target "web" { inherits = ["api"] }
"#;
    act.place.write("workspace/docker-bake.hcl", file);
}

#[test]
#[ignore = "needs the lab"]
fn bake_yml_publishes_every_target() {
    let lab = Lab::get();
    let act = Act::new(&lab).env("BASE", &lab.base);
    bake_file(&act);
    let workflow = act.example("bake");
    let run = act.run("push-branch", &workflow);
    run.succeeded();
    for target in ["api", "web"] {
        let reference = format!("{}-{target}:main", act.image());
        is_published(&act, &reference, &BOTH);
    }
    let targets: Value = serde_json::from_str(run.outputs("images")["targets"]).unwrap();
    let image = targets["api"]["image"].as_str().unwrap();
    // The step that follows reads it with an expression.
    let printed = format!("The API is {image}");
    assert!(run.log().contains(&printed), "{}", run.log());
}

/// Actions of Docker's as steps that do what they do, with what is here.
fn dockers_actions(act: &Act<'_>) {
    for (name, inputs, script) in [
        (
            "login-action@v4",
            &["registry", "username", "password"][..],
            r#"echo "$PASSWORD" | docker login --username "$USERNAME" --password-stdin "$REGISTRY""#,
        ),
        ("setup-buildx-action@v4", &[], "docker buildx use default"),
        (
            "bake-action@v7",
            &["source", "files", "push"],
            r#"while read -r file; do set -- "$@" --file "$file"; done <<< "${FILES%$'\n'}"
               docker buildx bake --set "*.output=type=image,push=$PUSH" "$@""#,
        ),
    ] {
        let declared: serde_json::Map<String, Value> = inputs
            .iter()
            .map(|name| ((*name).to_owned(), json!({})))
            .collect();
        let env: serde_json::Map<String, Value> = inputs
            .iter()
            .map(|name| {
                (
                    name.to_uppercase(),
                    json!(format!("${{{{ inputs.{name} }}}}")),
                )
            })
            .collect();
        let step = json!({"shell": "bash", "run": script, "env": env});
        let action = json!({
            "name": name,
            "inputs": declared,
            "runs": {"using": "composite", "steps": [step]},
        });
        let file = format!("docker/{name}/action.yml");
        act.place.write(&file, &action.to_string());
    }
}

#[test]
#[ignore = "needs the lab"]
fn metadata_yml_names_what_docker_s_action_publishes() {
    let lab = Lab::get();
    let act = Act::new(&lab).env("BASE", &lab.base);
    bake_file(&act);
    dockers_actions(&act);
    let run = act.run("push-tag", &act.example("metadata"));
    published(&act, &run, &["v0.2.0", "latest"]);
}

#[test]
#[ignore = "needs the lab"]
fn nodes_tls_yml_builds_on_both_machines() {
    let lab = Lab::get();
    let mut act = Act::new(&lab);
    let first = std::env::var("DOCKER_HOST").unwrap();
    let second = std::env::var("STEVEDORE_LAB_SECOND_HOST").expect("lab/up second");
    let nodes = [("AMD64", first), ("ARM64", second)];
    let nodes = nodes.map(|(name, engine)| (name, Node::new(&act.place, name, &engine)));
    let mut workflow = act.example("nodes-tls");
    for (name, node) in &nodes {
        act = act
            .secret(&format!("{name}_CACERT"), &node.authority)
            .secret(&format!("{name}_CERT"), &node.certificate)
            .secret(&format!("{name}_KEY"), &node.key);
        let host = name.to_lowercase();
        let named = format!("tcp://{host}.builders.example.com:1234");
        for step in steps(&mut workflow).filter(|step| step["uses"] == "acme/stevedore@v1") {
            for input in ["endpoint", "append"] {
                let text = step["with"][input].as_str().unwrap();
                let text = text.replace(&named, &node.endpoint());
                give(step, &[(input, &text)]);
            }
        }
    }
    // No engine is needed beside them.
    let act = act.env("DOCKER_HOST", crate::support::bridge::NOWHERE);
    published(&act, &act.run("push-tag", &workflow), &["v0.2.0"]);
}

/// The lab has no such machine, so the step prints its plan.
#[test]
#[ignore = "needs the lab"]
fn nodes_that_the_lab_does_not_have_are_planned() {
    let lab = Lab::get();
    let act = Act::new(&lab);
    let examples = fs::read_dir(root().join("examples/workflows")).unwrap();
    assert_eq!(
        examples.count(),
        10,
        "each example has a test here, or in native"
    );
    for (name, line) in [
        (
            "nodes-ssh",
            "--platform linux/arm64 ssh://builder@arm64.example.com",
        ),
        (
            "nodes-kubernetes",
            "--driver-opt nodeselector=kubernetes.io/arch=arm64",
        ),
    ] {
        let file = format!("workspace/{name}.yml");
        act.place
            .write(&file, &read(&format!("examples/workflows/{name}.yml")));
        let plan = format!("{PROGRAM} publish --dry-run --workflow {name}.yml");
        let steps = [json!({"uses": "actions/checkout@v7"}), json!({"run": plan})];
        let run = act.run("push-tag", &workflow(&steps));
        run.succeeded();
        assert!(run.log().contains(line), "{}", run.log());
        assert!(run.log().contains("ghcr.io/acme/hit-counter:v0.2.0"));
    }
}
