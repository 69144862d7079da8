//! The first and the last job of a matrix, as far as they need no registry: which jobs
//! there are, and which results are joined.

use serde_json::{Value, json};

use crate::support::{Place, Printed, SHA, run};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A command of run 7 of a repository.
fn command(place: &Place, arguments: &[&str], inputs: &[(&str, &str)]) -> Printed {
    let mut command = place.stevedore(arguments);
    command
        .env("GITHUB_EVENT_NAME", "push")
        .env("GITHUB_REF", "refs/tags/v1.2.3")
        .env("GITHUB_SHA", SHA)
        .env("GITHUB_REPOSITORY", "acme/app")
        .env("GITHUB_SERVER_URL", "https://github.com")
        .env("GITHUB_API_URL", "http://127.0.0.1:1")
        .env("GITHUB_RUN_ID", "7");
    for (name, value) in inputs {
        command.env(format!("INPUT_{}", name.to_uppercase()), value);
    }
    run(&mut command)
}

fn plan(place: &Place, inputs: &[(&str, &str)]) -> Value {
    let printed = command(place, &["plan", "--format", "json"], inputs);
    assert!(printed.success, "{}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

/// What a leg tells that has built its part.
fn result(plan: &Value, leg: usize) -> Value {
    json!({
        "schema": 1,
        "plan": plan["id"],
        "leg": leg,
        "outcome": "success",
        "job": 40 + leg,
        "seconds": 1.5,
        "images": [{
            "image": 0,
            "digest": DIGEST,
            "repositories": 1,
            "attestations": 1,
            "steps": 5,
            "cached": 0,
        }],
    })
}

/// The outputs of the legs, each a text, as `toJSON(needs.build.outputs)` has them.
fn outputs(results: &[(&str, &Value)]) -> String {
    let all = results.iter();
    let all = all.map(|(name, result)| ((*name).to_owned(), Value::String(result.to_string())));
    Value::Object(all.collect()).to_string()
}

/// Why the results are not joined.
fn refused(place: &Place, plan: &Value, results: &str) -> String {
    let given = [("plan", plan.to_string()), ("results", results.to_owned())];
    let given = given
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let printed = command(place, &["merge"], &given);
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    assert_eq!(place.list("temp"), Vec::<String>::new());
    printed.err
}

#[test]
fn the_plan_names_the_image_and_the_jobs() {
    let place = Place::new();
    let plan = plan(
        &place,
        &[
            ("platforms", "linux/amd64,linux/arm64,linux/riscv64"),
            ("runners", "linux/arm64=self-hosted, arm"),
        ],
    );
    assert_eq!(plan["run"], "7");
    assert_eq!(plan["publishes"], true);
    let image = &plan["images"][0];
    assert_eq!(image["tags"][0], "ghcr.io/acme/app:v1.2.3");
    assert_eq!(image["motions"]["latest"], "latest");
    let legs = json!([
        {"runner": ["ubuntu-24.04"], "platforms": ["linux/amd64", "linux/riscv64"]},
        {"runner": ["self-hosted", "arm"], "platforms": ["linux/arm64"]},
    ]);
    assert_eq!(plan["legs"], legs);
    let shown = command(
        &place,
        &["plan"],
        &[("platforms", "linux/amd64,linux/riscv64")],
    );
    let expected = "linux/riscv64 is emulated on ubuntu-24.04";
    assert!(shown.out.contains(expected), "{}", shown.out);
}

#[test]
fn two_plans_of_one_run_are_told_apart() {
    let place = Place::new();
    assert_ne!(plan(&place, &[])["id"], plan(&place, &[])["id"]);
}

#[test]
fn every_leg_has_to_succeed_once() {
    let place = Place::new();
    let both = plan(&place, &[]);
    let other = plan(&place, &[]);
    let [first, second] = [0, 1].map(|leg| result(&both, leg));
    let foreign = result(&other, 1);
    let mut failed = second.clone();
    failed["outcome"] = json!("failure");
    let mut unpushed = second.clone();
    unpushed["images"][0]["digest"] = Value::Null;
    let mut third = second.clone();
    third["leg"] = json!(2);
    for (results, expected) in [
        (
            vec![("leg-0", &first)],
            "results: \"linux/arm64\": the leg has told nothing",
        ),
        (
            vec![("leg-0", &first), ("leg-1", &failed)],
            "\"linux/arm64\": the leg failed. Its job is \
             https://github.com/acme/app/actions/runs/7/job/41",
        ),
        (
            vec![("leg-0", &first), ("leg-1", &foreign)],
            "\"leg 1\": is of another plan: of another run, or of another call in this run",
        ),
        (
            vec![("leg-0", &first), ("leg-1", &second), ("leg-1b", &second)],
            "\"linux/arm64\": is there twice",
        ),
        (
            vec![("leg-0", &first), ("leg-1", &second), ("leg-2", &third)],
            "\"leg 2\": is not a leg of the plan",
        ),
        (
            vec![("leg-0", &first), ("leg-1", &unpushed)],
            "\"linux/arm64\": was pushed by no leg",
        ),
    ] {
        let why = refused(&place, &both, &outputs(&results));
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[test]
fn results_that_are_none_are_named() {
    let place = Place::new();
    let plan = plan(&place, &[]);
    for (results, expected) in [
        ("[]", "results: is not a JSON object"),
        ("{", "results: is not a JSON object"),
        (
            r#"{"leg-0": "{}"}"#,
            "results: \"leg-0\": is not a result of a leg of this version",
        ),
        (
            r#"{"leg-0": "{\"schema\":1}"}"#,
            "results: \"leg-0\": is not a result of a leg: missing field",
        ),
        // Those of other jobs, and those without a value, are none of ours.
        (
            r#"{"digest": "x", "leg-0": ""}"#,
            "\"linux/amd64\": the leg has told nothing",
        ),
        ("", "\"linux/amd64\": the leg has told nothing"),
    ] {
        let why = refused(&place, &plan, results);
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[test]
fn a_plan_is_of_its_run_and_as_it_was_written() {
    let place = Place::new();
    let ours = plan(&place, &[]);
    let results = outputs(&[("leg-0", &result(&ours, 0)), ("leg-1", &result(&ours, 1))]);
    let mut changed = ours.clone();
    changed["images"][0]["tags"][0] = json!("ghcr.io/acme/other:latest");
    let why = refused(&place, &changed, &results);
    assert!(
        why.contains("plan: is not what the job of the plan has written"),
        "{why}"
    );
    let why = refused(&place, &json!(""), &results);
    assert!(why.contains("plan: is not a plan"), "{why}");
    let text = ours.to_string();
    let inputs = [("plan", text.as_str()), ("leg", "1")];
    let dry = [
        "publish",
        "--dry-run",
        "--sha",
        "0123456789abcdef0123456789abcdef01234567",
    ];
    let printed = command(&place, &dry, &inputs);
    assert_eq!(printed.code, Some(1));
    assert!(
        printed.err.contains("is of another commit"),
        "{}",
        printed.err
    );
    let printed = command(&place, &["publish", "--dry-run"], &inputs[1..]);
    assert!(
        printed.err.contains("GitHub drops an output"),
        "{}",
        printed.err
    );
}

#[test]
fn a_leg_has_its_platforms_and_what_the_plan_says() {
    let place = Place::new();
    place.write("workspace/Dockerfile", "FROM scratch\n");
    let given = [
        ("images", "ghcr.io/acme/app\ndocker.io/acme/app"),
        ("annotations", "index:only=here"),
    ];
    let plan = plan(&place, &given).to_string();
    let inputs = [("plan", plan.as_str()), ("leg", "1")];
    let json = command(
        &place,
        &["publish", "--dry-run", "--format", "json"],
        &inputs,
    );
    assert!(json.success, "{}", json.err);
    let leg: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(leg["platforms"], json!(["linux/arm64"]));
    assert_eq!(
        leg["images"],
        json!(["ghcr.io/acme/app", "docker.io/acme/app"])
    );
    assert_eq!(leg["content"], "by-digest");
    let of_index = |text: &&Value| text.as_str().unwrap().starts_with("index");
    let annotations = leg["annotations"].as_array().unwrap();
    assert_eq!(annotations.iter().find(of_index), None);
    assert!(
        annotations
            .iter()
            .any(|text| text.as_str().unwrap().starts_with("manifest:"))
    );
    // Registries were asked by the job that has planned.
    assert_eq!(leg["preflight"]["checks"], json!([]));
    // Each has a cache of its own, and reads the one that is given too.
    let caches = [
        ("cache-to", "type=registry,ref=ghcr.io/acme/app:cache"),
        ("cache-from", "ghcr.io/acme/app:cache"),
    ];
    let inputs = [&inputs[..], &caches].concat();
    let json = command(
        &place,
        &["publish", "--dry-run", "--format", "json"],
        &inputs,
    );
    let leg: Value = serde_json::from_str(&json.out).unwrap();
    let own = "type=registry,ref=ghcr.io/acme/app:cache-linux-arm64";
    assert_eq!(leg["cache"]["to"], json!([own]));
    assert_eq!(leg["cache"]["from"], json!([own, "ghcr.io/acme/app:cache"]));
    // Where one runner builds everything, it names everything too.
    let alone = command(
        &place,
        &["plan", "--format", "json"],
        &[("runners", "*=mine")],
    );
    let inputs = [("plan", alone.out.as_str()), ("leg", "0")];
    let json = command(
        &place,
        &["publish", "--dry-run", "--format", "json"],
        &inputs,
    );
    let leg: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(leg["platforms"], json!(["linux/amd64", "linux/arm64"]));
    assert_ne!(leg["content"], "by-digest");
}
