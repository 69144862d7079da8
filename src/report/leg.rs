//! The output of a leg: what the job that joins the legs has to know of it.

use crate::execute::{Conclusion, ImageOutcome, Outcome};
use crate::input::matrix::{LegImage, LegOutcome, LegResult, PlannedLeg, SCHEMA, output_name};
use crate::plan::{Build, Plan};

/// The output of a leg, as name and value; none for a run that is not one.
pub fn result(
    plan: &Plan,
    outcome: &Outcome,
    success: bool,
    seconds: f64,
) -> Option<(String, String)> {
    let leg = plan.leg.as_ref()?;
    let builds = plan.builds.iter().zip(&outcome.builds);
    let cancelled = outcome
        .builds
        .iter()
        .any(|built| built.ending == Conclusion::Cancelled);
    let result = LegResult {
        schema: SCHEMA,
        plan: leg.plan.id.clone(),
        leg: leg.index,
        outcome: match (success, cancelled) {
            (true, _) => LegOutcome::Success,
            (false, true) => LegOutcome::Cancelled,
            (false, false) => LegOutcome::Failure,
        },
        job: leg.job,
        seconds: (seconds * 10.0).round() / 10.0,
        images: builds
            .filter_map(|(build, built)| image(leg, build, built))
            .collect(),
    };
    let text = serde_json::to_string(&result).ok()?;
    Some((output_name(leg.index), text))
}

fn image(leg: &PlannedLeg, build: &Build, built: &ImageOutcome) -> Option<LegImage> {
    let mut planned = leg.plan.images.iter();
    let place = planned.position(|image| image.target == build.target)?;
    let repositories = built.pushes.done().count();
    let counts = built.trace.counts();
    Some(LegImage {
        image: place,
        digest: built.result.digest.clone().filter(|_| repositories > 0),
        repositories,
        attestations: built.verified.attestations,
        steps: counts.values().map(|count| count.all).sum(),
        cached: counts.values().map(|count| count.cached).sum(),
    })
}
