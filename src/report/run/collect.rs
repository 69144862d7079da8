//! The report of a run, from its plan and what has come out.

use crate::advice;
use crate::execute::{self, ImageOutcome, Outcome, Vertex, VertexOutcome};
use crate::plan::{Build, Plan};
use crate::report::failure;
use crate::report::run::change;
use crate::report::run::model::{
    FailureReport, Image, Name, NameState, Platform, Report, SCHEMA, Step, StepOutcome,
};

/// What a run did.
pub fn collect(
    plan: &Plan,
    outcome: &Outcome,
    result: &Result<(), execute::Error>,
    seconds: f64,
) -> Report {
    let builds = plan.builds.iter().zip(&outcome.builds);
    Report {
        schema: SCHEMA,
        stevedore: env!("CARGO_PKG_VERSION").to_owned(),
        success: result.is_ok(),
        seconds: tenths(seconds),
        decisions: plan.decisions.clone(),
        errors: result.as_ref().err().map(errors).unwrap_or_default(),
        warnings: outcome.warnings.clone(),
        images: builds
            .map(|(build, built)| image(plan, build, built))
            .collect(),
    }
}

fn errors(failed: &execute::Error) -> Vec<FailureReport> {
    let all = failure::failures(failed).into_iter();
    all.map(|(title, message, place)| FailureReport {
        title: title.to_owned(),
        message,
        file: place.map(|(file, _)| file.to_owned()).unwrap_or_default(),
        line: place.map(|(_, line)| line).unwrap_or_default(),
    })
    .collect()
}

fn image(plan: &Plan, build: &Build, built: &ImageOutcome) -> Image {
    let digest = built.result.digest.as_ref();
    let platforms = built.verified.platforms.iter();
    let names = built.pushes.names();
    Image {
        target: build.target.clone().unwrap_or_default(),
        outcome: built.ending,
        digest: digest.map(ToString::to_string).unwrap_or_default(),
        names: names
            .map(|(reference, state)| Name {
                reference: reference.to_string(),
                state: name_state(state),
            })
            .collect(),
        platforms: platforms
            .map(|platform| Platform {
                platform: platform.platform.clone(),
                digest: platform.digest.to_string(),
                bytes: platform.size,
                change: built
                    .verified
                    .former
                    .as_ref()
                    .and_then(|former| change::change(former, platform)),
            })
            .collect(),
        attestations: built.verified.attestations,
        dockerfile: build
            .dockerfile
            .as_ref()
            .map(|dockerfile| dockerfile.path.clone())
            .unwrap_or_default(),
        advice: Vec::new(),
        steps: steps(plan, build, built),
    }
}

fn steps(plan: &Plan, build: &Build, built: &ImageOutcome) -> Vec<Step> {
    let vertices = built.trace.vertices();
    let begun = vertices.iter().filter_map(|vertex| vertex.began);
    let first = begun.fold(f64::INFINITY, f64::min);
    let ended = vertices.iter().filter_map(|vertex| vertex.ended);
    let last = ended.fold(first, f64::max);
    let text = build
        .dockerfile
        .as_ref()
        .and_then(|file| file.text.as_deref());
    let native = advice::native_stages(text.unwrap_or_default());
    vertices
        .iter()
        .filter(|vertex| vertex.began.is_some() || vertex.outcome.is_some())
        .map(|vertex| step(plan, build, vertex, (first, last)))
        .map(|step| Step {
            // In a build for one platform BuildKit does not name it.
            emulated: step.emulated && !native.contains(&step.stage),
            ..step
        })
        .collect()
}

fn step(plan: &Plan, build: &Build, vertex: &Vertex, (first, last): (f64, f64)) -> Step {
    let of_dockerfile = vertex.step.clone().unwrap_or_default();
    let platform = match (of_dockerfile.platform.as_str(), &build.platforms[..]) {
        ("", [only]) if vertex.step.is_some() => only.to_string(),
        (platform, _) => platform.to_owned(),
    };
    let runs_on = of_dockerfile.runs_on.as_ref().unwrap_or(&platform);
    let is_emulated = || {
        let mut emulated = plan.emulation.platforms.iter();
        emulated.any(|platform| platform.is_listed_as(runs_on))
    };
    let began = vertex.began.unwrap_or(first);
    let seconds = match vertex.outcome {
        None | Some(VertexOutcome::Fetched) if vertex.ended.is_none() => last - began,
        _ => vertex.seconds,
    };
    Step {
        name: vertex.name.clone(),
        target: vertex.of.clone().unwrap_or_default(),
        emulated: of_dockerfile.instruction.starts_with("RUN ") && is_emulated(),
        platform,
        stage: of_dockerfile.stage,
        number: of_dockerfile.number,
        instruction: of_dockerfile.instruction,
        began: if began.is_finite() {
            thousandths(began - first)
        } else {
            0.0
        },
        seconds: thousandths(seconds.max(0.0)),
        outcome: step_outcome(vertex),
        bytes: vertex.bytes,
    }
}

fn step_outcome(vertex: &Vertex) -> StepOutcome {
    match vertex.outcome {
        _ if vertex.ended.is_none() => StepOutcome::Unfinished,
        None => StepOutcome::Unfinished,
        Some(VertexOutcome::Done) => StepOutcome::Done,
        Some(VertexOutcome::Cached) => StepOutcome::Cached,
        Some(VertexOutcome::Fetched) => StepOutcome::Fetched,
        Some(VertexOutcome::Canceled) => StepOutcome::Cancelled,
        Some(VertexOutcome::Failed) => StepOutcome::Failed,
    }
}

fn name_state(state: &execute::NameState) -> NameState {
    match state {
        execute::NameState::Due => NameState::NotWritten,
        execute::NameState::Done => NameState::Published,
        execute::NameState::KeptBack => NameState::KeptBack,
        execute::NameState::PutBack => NameState::PutBack,
        execute::NameState::Failed(_) => NameState::Failed,
    }
}

fn tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

fn thousandths(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
