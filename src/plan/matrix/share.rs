//! What the plan of a run says to the jobs of a matrix.

use serde_json::{Value, json};

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::input::Inputs;
use crate::input::matrix::{Leg, MatrixPlan, PlannedImage, Runners, SCHEMA};
use crate::plan::build::model::Build;
use crate::plan::compose::Plan;
use crate::plan::matrix::legs::{TargetPlatforms, legs};

/// What all jobs have in common. `now` is the clock, `nonce` random.
///
/// # Errors
/// When there are too many legs, or it is too long.
pub fn share(
    plan: &Plan,
    inputs: &Inputs,
    context: &RunContext,
    (now, nonce): (&str, &str),
) -> Result<MatrixPlan, InputProblem> {
    let built: Vec<TargetPlatforms<'_>> = plan
        .builds
        .iter()
        .filter(|build| build.publication.builds())
        .map(|build| (build.target.as_deref(), build.platforms.as_slice()))
        .collect();
    let shared = MatrixPlan {
        schema: SCHEMA,
        id: String::new(),
        repository: context.repository.clone(),
        run: context.run_id.clone(),
        sha: context.sha.clone(),
        nonce: nonce.to_owned(),
        now: now.to_owned(),
        publishes: plan
            .builds
            .iter()
            .any(|build| build.publication.pushes_tags()),
        moving_tags: plan.moving_tags,
        version_tags: plan.version_tags,
        all_or_none: plan.all_or_none,
        images: plan.builds.iter().map(planned_image).collect(),
        legs: legs(&built, &inputs.runners)?,
    }
    .with_identity();
    match shared.to_json() {
        Ok(_) => Ok(shared),
        Err(why) => Err(InputProblem::new(
            "labels",
            "",
            format!("the plan {why}"),
            "fewer or shorter labels, annotations and tags",
        )),
    }
}

fn planned_image(build: &Build) -> PlannedImage {
    let tag_names = build.outputs.iter().find(|(name, _)| name == "tag-names");
    let tag_names = tag_names.map_or("", |(_, value)| value.as_str());
    let motions = build.names.iter().filter_map(|name| {
        let (_, tag) = name.reference.rsplit_once(':')?;
        Some((tag.to_owned(), name.motion))
    });
    PlannedImage {
        target: build.target.clone(),
        version: build.version.clone(),
        images: build.images.iter().map(ToString::to_string).collect(),
        tags: build.tags.clone(),
        tag_names: tag_names.lines().map(str::to_owned).collect(),
        motions: motions.collect(),
        labels: build.labels.clone(),
        annotations: build.annotations.clone(),
        platforms: build.platforms.clone(),
    }
}

/// The matrix of a workflow: `leg`, `name` and `runner` of each job.
pub fn matrix(plan: &MatrixPlan) -> Value {
    let jobs = plan
        .legs
        .iter()
        .enumerate()
        .map(|(index, leg)| json!({ "leg": index, "name": leg.name(), "runner": runner(leg) }));
    json!({ "include": jobs.collect::<Vec<_>>() })
}

/// One label, or all of them.
fn runner(leg: &Leg) -> Value {
    match leg.runner.as_slice() {
        [one] => one.as_str().into(),
        all => json!(all),
    }
}

/// What is decided about the jobs, for the log.
pub fn decisions(plan: &MatrixPlan, runners: &Runners) -> Vec<String> {
    let mut decisions: Vec<String> = plan
        .legs
        .iter()
        .map(|leg| format!("job: {} on {}", leg.name(), leg.runner.join(", ")))
        .collect();
    let platforms = plan.images.iter().flat_map(|image| &image.platforms);
    for platform in platforms {
        let Some(runner) = runners.emulating_runner(platform) else {
            continue;
        };
        let text = format!("{platform} is emulated on {runner}: GitHub has no runner of its kind");
        if !decisions.contains(&text) {
            decisions.push(text);
        }
    }
    decisions
}
