//! The reusable workflow, whole: its jobs, what they hand on, and the image.
//!
//! act gives only the outputs of a matrix's first job, so each leg is a job of its own
//! here, with the engine that stands for its runner.

use serde_json::{Value, json};

use super::{Act, give};
use crate::support::bridge::Bridge;
use crate::support::classic_engine::classic;
use crate::support::{Lab, read};

const TAGS: &str = "type=semver,pattern={{version}}\ntype=sha";

fn second() -> String {
    std::env::var("STEVEDORE_LAB_SECOND_HOST").expect("lab/up second")
}

/// The workflow with names that are there, and a job for each leg.
fn reusable(endpoint: &str) -> Value {
    let mut workflow: Value = serde_yaml::from_str(&read(".github/workflows/publish.yml")).unwrap();
    let jobs = workflow["jobs"].as_object_mut().unwrap();
    for job in jobs.values_mut() {
        for step in job["steps"].as_array_mut().unwrap() {
            let uses = step["uses"].as_str().unwrap();
            if let Some(part) = uses.strip_prefix('$') {
                let part = part.trim_end_matches('/');
                step["uses"] = json!(format!("acme/stevedore{part}@v1"));
            }
        }
        job["runs-on"] = json!("ubuntu-latest");
        job.as_object_mut().unwrap().remove("timeout-minutes");
    }
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
    let merge = &mut jobs["merge"];
    merge["needs"] = json!(["plan", "build-0", "build-1"]);
    let results = [0, 1].map(|leg| {
        format!("\"leg-{leg}\": ${{{{ toJSON(needs.build-{leg}.outputs.leg-{leg}) }}}}")
    });
    let results = format!("{{{}}}", results.join(", "));
    give(&mut merge["steps"][0], &[("results", &results)]);
    let outputs = workflow["on"]["workflow_call"]["outputs"]
        .as_object_mut()
        .unwrap();
    for output in outputs.values_mut() {
        let value = output["value"].as_str().unwrap();
        output["value"] = json!(value.replace("jobs.build.", "jobs.build-0."));
    }
    workflow
}

/// Who calls it, and reads its outputs.
fn caller(act: &Act<'_>) -> Value {
    json!({
        "on": ["push", "pull_request"],
        "jobs": {
            "image": {
                "uses": "./.github/workflows/publish.yml",
                "with": {
                    "images": act.image(),
                    "tags": TAGS,
                    "cache": "none",
                    "build-args": format!("BASE={}", act.lab.base),
                    "username": act.lab.user,
                },
                "secrets": {"password": "${{ secrets.LAB_PASSWORD }}"},
            },
            "after": {
                "needs": "image",
                "runs-on": "ubuntu-latest",
                "steps": [{
                    "run": "echo \"image: $VERSION $DIGEST\"",
                    "env": {
                        "VERSION": "${{ needs.image.outputs.version }}",
                        "DIGEST": "${{ needs.image.outputs.digest }}",
                    },
                }],
            },
        },
    })
}

fn inspect(act: &Act<'_>, tag: &str) -> Value {
    let printed = act
        .place
        .imagetools(&format!("{}:{tag}", act.image()), "Manifest");
    assert!(printed.success, "{tag}: {}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
#[ignore = "needs the lab"]
fn the_reusable_workflow_joins_what_its_jobs_build() {
    let lab = Lab::get();
    let act = Act::new(&lab).without_engine();
    let bridge = Bridge::to(&act.place, "second", &second());
    let workflow = reusable(&bridge.endpoint());
    let file = "workspace/.github/workflows/publish.yml";
    act.place.write(file, &workflow.to_string());
    let run = act.run("push-tag", &caller(&act));
    run.succeeded();
    let index = inspect(&act, "0.2.0");
    let digest = index["digest"].as_str().unwrap();
    assert!(
        run.log().contains(&format!("image: 0.2.0 {digest}")),
        "{}",
        run.log()
    );
    let all = index["manifests"].as_array().unwrap();
    let architectures: Vec<&str> = all
        .iter()
        .map(|one| one["platform"]["architecture"].as_str().unwrap())
        .collect();
    assert_eq!(architectures, ["amd64", "arm64", "unknown", "unknown"]);
    assert_eq!(inspect(&act, "latest")["digest"], digest);
    // Of a pull request nothing is published, and nothing joined.
    let run = act.run("pull-request", &caller(&act));
    run.succeeded();
    assert!(
        run.log()
            .contains("not pushed: the plan does not publish it"),
        "{}",
        run.log()
    );
    assert!(
        !act.place
            .imagetools(&format!("{}:pr-2", act.image()), "Manifest")
            .success
    );
}
