//! Each platform on a runner of its own: the reusable workflow, and a matrix of one's
//! own, whole.
//!
//! act gives only the outputs of a matrix's first job, so each leg is a job of its own
//! here, with the engine that stands for its runner.

use serde_json::{Value, json};

use super::{Act, give, steps};
use crate::support::bridge::Bridge;
use crate::support::classic_engine::classic;
use crate::support::{Lab, read};

const TAGS: &str = "type=semver,pattern={{version}}\ntype=sha";

fn second() -> String {
    std::env::var("STEVEDORE_LAB_SECOND_HOST").expect("lab/up second")
}

/// The reusable workflow with names that are there.
fn reusable() -> Value {
    let mut workflow: Value = serde_yaml::from_str(&read(".github/workflows/publish.yml")).unwrap();
    for step in steps(&mut workflow) {
        let uses = step["uses"].as_str().unwrap();
        if let Some(part) = uses.strip_prefix('$') {
            let part = part.trim_end_matches('/');
            step["uses"] = json!(format!("acme/stevedore{part}@v1"));
        }
    }
    let outputs = workflow["on"]["workflow_call"]["outputs"]
        .as_object_mut()
        .unwrap();
    for output in outputs.values_mut() {
        let value = output["value"].as_str().unwrap();
        output["value"] = json!(value.replace("jobs.build.", "jobs.build-0."));
    }
    workflow
}

/// Makes each leg a job of its own, the second one at this BuildKit.
fn split(workflow: &mut Value, endpoint: &str) {
    let jobs = workflow["jobs"].as_object_mut().unwrap();
    let mut build = jobs.remove("build").unwrap();
    build.as_object_mut().unwrap().remove("strategy");
    for (leg, host) in [classic(), second()].into_iter().enumerate() {
        let mut job = build.clone();
        job["name"] = json!(format!("leg {leg}"));
        job["env"] = json!({"DOCKER_HOST": host});
        let step = &mut job["steps"][1];
        give(step, &[("leg", &leg.to_string())]);
        if leg == 1 {
            give(step, &[("driver", "remote"), ("endpoint", endpoint)]);
        }
        jobs.insert(format!("build-{leg}"), job);
    }
    for job in jobs.values_mut() {
        job["runs-on"] = json!("ubuntu-latest");
        job.as_object_mut().unwrap().remove("timeout-minutes");
    }
    let merge = &mut jobs["merge"];
    merge["needs"] = json!(["plan", "build-0", "build-1"]);
    let results = [0, 1].map(|leg| {
        format!("\"leg-{leg}\": ${{{{ toJSON(needs.build-{leg}.outputs.leg-{leg}) }}}}")
    });
    let results = format!("{{{}}}", results.join(", "));
    give(&mut merge["steps"][0], &[("results", &results)]);
}

/// The example that calls the reusable workflow, and a job that reads its outputs.
fn caller(act: &Act<'_>) -> Value {
    let mut workflow: Value = serde_yaml::from_str(&read("examples/workflows/native.yml")).unwrap();
    workflow["concurrency"] = json!("native");
    let image = &mut workflow["jobs"]["image"];
    let uses = image["uses"].as_str().unwrap();
    let file = uses.strip_prefix("OWNER/stevedore/").unwrap();
    image["uses"] = json!(format!("./{}", file.strip_suffix("@v1").unwrap()));
    give(
        image,
        &[
            ("images", &act.image()),
            ("tags", TAGS),
            ("cache", "none"),
            ("build-args", &format!("BASE={}", act.lab.base)),
            ("username", &act.lab.user),
        ],
    );
    image["secrets"] = json!({"password": "${{ secrets.LAB_PASSWORD }}"});
    workflow["jobs"]["after"] = json!({
        "needs": "image",
        "runs-on": "ubuntu-latest",
        "steps": [{
            "run": "echo \"image: $VERSION $DIGEST\"",
            "env": {
                "VERSION": "${{ needs.image.outputs.version }}",
                "DIGEST": "${{ needs.image.outputs.digest }}",
            },
        }],
    });
    workflow
}

fn inspect(act: &Act<'_>, tag: &str) -> Value {
    let reference = format!("{}:{tag}", act.image());
    let printed = act.place.imagetools(&reference, "Manifest");
    assert!(printed.success, "{tag}: {}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

fn architectures(index: &Value) -> Vec<&str> {
    let all = index["manifests"].as_array().unwrap().iter();
    all.map(|one| one["platform"]["architecture"].as_str().unwrap())
        .collect()
}

#[test]
#[ignore = "needs the lab"]
fn native_yml_joins_what_the_jobs_of_the_reusable_workflow_build() {
    let lab = Lab::get();
    let act = Act::new(&lab).without_engine();
    let bridge = Bridge::to(&act.place, "second", &second());
    let mut workflow = reusable();
    split(&mut workflow, &bridge.endpoint());
    let file = "workspace/.github/workflows/publish.yml";
    act.place.write(file, &workflow.to_string());
    let run = act.run("push-tag", &caller(&act));
    run.succeeded();
    let index = inspect(&act, "0.2.0");
    let digest = index["digest"].as_str().unwrap();
    let told = format!("image: 0.2.0 {digest}");
    assert!(run.log().contains(&told), "{}", run.log());
    let expected = ["amd64", "arm64", "unknown", "unknown"];
    assert_eq!(architectures(&index), expected);
    assert_eq!(inspect(&act, "latest")["digest"], digest);
    // Of a pull request nothing is published, and nothing joined.
    let run = act.run("pull-request", &caller(&act));
    run.succeeded();
    let why = "not pushed: the plan does not publish it";
    assert!(run.log().contains(why), "{}", run.log());
    let published = format!("{}:pr-2", act.image());
    assert!(!act.place.imagetools(&published, "Manifest").success);
}

#[test]
#[ignore = "needs the lab"]
fn native_matrix_yml_joins_what_its_own_matrix_builds() {
    let lab = Lab::get();
    let act = Act::new(&lab).without_engine();
    let bridge = Bridge::to(&act.place, "second", &second());
    let mut workflow = act.example("native-matrix");
    split(&mut workflow, &bridge.endpoint());
    let run = act.run("push-tag", &workflow);
    run.succeeded();
    // Of the arm64 leg nothing is this machine's own.
    assert!(run.log().contains("httpd"), "{}", run.log());
    let index = inspect(&act, "v0.2.0");
    assert_eq!(
        architectures(&index),
        ["amd64", "arm64", "unknown", "unknown"]
    );
}
