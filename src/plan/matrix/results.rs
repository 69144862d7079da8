//! What the legs have told, checked: every leg of the plan has succeeded, once.

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::image::Platform;
use crate::input::matrix::{Leg, LegOutcome, LegResult, MatrixPlan, Merge};
use crate::plan::image::joined::{JoinedImage, Part};

/// The input that results come in.
const RESULTS: &str = "results";
/// What is accepted.
const ALL_LEGS: &str = "a result of every leg of the plan; run the jobs that failed again";

/// What is to be joined for each image of the plan.
///
/// # Errors
/// With every leg that is missing, has failed or is there twice.
pub fn check(merge: &Merge, context: &RunContext) -> Result<Vec<JoinedImage>, Vec<InputProblem>> {
    let mut problems = Vec::new();
    let mut of_legs: Vec<Option<&LegResult>> = vec![None; merge.plan.legs.len()];
    for result in &merge.results {
        match of_legs.get_mut(result.leg) {
            _ if result.plan != merge.plan.id => {
                let value = format!("leg {}", result.leg);
                let why = "is of another plan: of another run, or of another call in this run";
                problems.push(InputProblem::new(RESULTS, value, why, ALL_LEGS));
            }
            None => {
                let value = format!("leg {}", result.leg);
                let why = "is not a leg of the plan";
                problems.push(InputProblem::new(RESULTS, value, why, ALL_LEGS));
            }
            Some(Some(_)) => {
                let name = merge.plan.legs[result.leg].name();
                let why = "is there twice";
                problems.push(InputProblem::new(RESULTS, name, why, ALL_LEGS));
            }
            Some(slot) => *slot = Some(result),
        }
    }
    for (index, leg) in merge.plan.legs.iter().enumerate() {
        let why = match of_legs[index] {
            None => "has told nothing: it was not begun, or did not get as far as its build",
            Some(result) if result.outcome != LegOutcome::Success => result.outcome.describe(),
            Some(_) => continue,
        };
        let link = link(context, of_legs[index]);
        let why = format!("the leg {why}. Its job is {link}");
        problems.push(InputProblem::new(RESULTS, leg.name(), why, ALL_LEGS));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut joined = Vec::new();
    for (place, image) in merge.plan.images.iter().enumerate() {
        let parts = parts(&merge.plan, place, &of_legs, context);
        problems.extend(missing_platforms(&image.platforms, &parts));
        joined.push(JoinedImage {
            parts,
            annotations: image.annotations.clone(),
        });
    }
    if problems.is_empty() {
        Ok(joined)
    } else {
        Err(problems)
    }
}

/// What of an image no leg has pushed.
fn missing_platforms(platforms: &[Platform], parts: &[Part]) -> Option<InputProblem> {
    let built = |platform: &&Platform| parts.iter().any(|part| part.platforms.contains(platform));
    let missing: Vec<String> = platforms
        .iter()
        .filter(|platform| !built(platform))
        .map(ToString::to_string)
        .collect();
    let why = "was pushed by no leg";
    (!missing.is_empty()).then(|| InputProblem::new(RESULTS, missing.join(", "), why, ALL_LEGS))
}

/// The parts of an image.
fn parts(
    plan: &MatrixPlan,
    place: usize,
    of_legs: &[Option<&LegResult>],
    context: &RunContext,
) -> Vec<Part> {
    let image = &plan.images[place];
    let legs = plan.legs.iter().zip(of_legs);
    let legs = legs.filter(|(leg, _)| leg.builds(image.target.as_deref()));
    let part = |(leg, result): (&Leg, &Option<&LegResult>)| {
        let digest = result.and_then(|result| result.image(place)?.digest.clone())?;
        let own = image.platforms.iter();
        Some(Part {
            leg: leg.name(),
            link: link(context, *result),
            digest,
            platforms: own
                .filter(|platform| leg.platforms.contains(platform))
                .cloned()
                .collect(),
        })
    };
    legs.filter_map(part).collect()
}

/// Where a leg is seen: its job, or the run.
fn link(context: &RunContext, result: Option<&LegResult>) -> String {
    let RunContext {
        server_url,
        repository,
        run_id,
        ..
    } = context;
    let run = format!("{server_url}/{repository}/actions/runs/{run_id}");
    match result.and_then(|result| result.job) {
        Some(job) => format!("{run}/job/{job}"),
        None => run,
    }
}

/// How many images were pushed by digest and have no name now.
pub fn count_unnamed(merge: &Merge) -> usize {
    let results = merge.results.iter();
    let ours = results.filter(|result| result.plan == merge.plan.id);
    ours.flat_map(|result| &result.images)
        .map(|image| image.repositories)
        .sum()
}
