//! A leg that fails, or whose result GitHub drops: nothing gets a name, and running the
//! failed jobs again finishes it.

use serde_json::{Value, json};

use super::{Matrix, green, job, results, second_engine};
use crate::support::Lab;
use crate::support::bridge::Bridge;

fn image(lab: &Lab) -> String {
    format!("{}/tests/MARK", lab.open_registry)
}

#[test]
#[ignore = "needs the lab"]
fn a_leg_whose_test_fails_leaves_no_name_and_can_be_run_again_alone() {
    let lab = Lab::get();
    let matrix = Matrix::plan(&lab, &image(&lab), "1.2.3");
    let tested = |step: lab_runner::Step| {
        step.with("test", "[ $PLATFORM != linux/arm64 ] || exit 3")
            .with("test-platforms", "all")
    };
    let [amd64, arm64] = matrix.build(tested);
    green(&amd64);
    assert_eq!(arm64.exit_code, Some(1), "{}", arm64.log);
    let place = job();
    let both = results([&amd64, &arm64]);
    let merged = matrix.merge(&place, &both).run().unwrap();
    assert_eq!(merged.exit_code, Some(1), "{}", merged.log);
    let link = "https://github.com/acme/hit-counter/actions/runs/1234567890/job/9876543210";
    let why = format!("\"linux/arm64\": the leg failed. Its job is {link}");
    assert!(merged.log.contains(&why), "{}", merged.log);
    let left = "have pushed 1 images by their digest";
    assert!(merged.summary.contains(left), "{}", merged.summary);
    assert_eq!(matrix.digest(&matrix.tag("1.2.3")), None);
    // The job that failed alone, in the second attempt: the other one's result is good.
    let again = job();
    let bridge = Bridge::to(&again, "second", &second_engine());
    let arm64 = matrix
        .arm64(&again, &bridge)
        .env("GITHUB_RUN_ATTEMPT", "2")
        .run()
        .unwrap();
    green(&arm64);
    let merged = matrix
        .merge(&place, &results([&amd64, &arm64]))
        .env("GITHUB_RUN_ATTEMPT", "2")
        .run()
        .unwrap();
    green(&merged);
    assert_eq!(
        matrix.digest(&matrix.tag("1.2.3")).as_deref(),
        Some(merged.outputs["digest"].as_str())
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_digest_that_is_gone_is_named_with_its_leg() {
    let lab = Lab::get();
    let matrix = Matrix::plan(&lab, &image(&lab), "1.2.3");
    let mut results = matrix.results();
    let mut second: Value = serde_json::from_str(results["leg-1"].as_str().unwrap()).unwrap();
    let gone = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    second["images"][0]["digest"] = json!(gone);
    results["leg-1"] = json!(second.to_string());
    let merged = matrix.merge(&job(), &results).run().unwrap();
    assert_eq!(merged.exit_code, Some(1), "{}", merged.log);
    let why = format!("does not have {gone}, which the leg linux/arm64 has pushed");
    assert!(merged.log.contains(&why), "{}", merged.log);
    assert_eq!(matrix.digest(&matrix.tag("1.2.3")), None);
}

/// A user's name that is a secret and part of the image's name.
#[test]
#[ignore = "needs the lab"]
fn a_result_reaches_the_next_job_where_a_name_is_masked_and_a_plan_does_not() {
    let lab = Lab::get();
    let mut matrix = Matrix::plan(&lab, &image(&lab), "1.2.3");
    let user = matrix.place.mark().to_lowercase();
    let masked = |step: lab_runner::Step| step.secret("DOCKER_USER", &user);
    let [amd64, _] = matrix.build(masked);
    assert!(amd64.succeeded(), "{}", amd64.log);
    assert!(amd64.dropped_outputs.contains_key("published"));
    assert!(amd64.outputs.contains_key("leg-0"), "{:?}", amd64.outputs);
    let planned = masked(matrix.first_job()).run().unwrap();
    assert!(planned.dropped_outputs.contains_key("plan"));
    // The next job gets nothing in its place.
    matrix.plan = planned.outputs.get("plan").cloned().unwrap_or_default();
    let leg = matrix.amd64(&job()).run().unwrap();
    assert_eq!(leg.exit_code, Some(1));
    let why = "plan: is empty. GitHub drops an output that holds a masked value";
    assert!(leg.log.contains(why), "{}", leg.log);
    assert!(!leg.log.contains("load build definition"), "{}", leg.log);
}
