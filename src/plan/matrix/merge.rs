//! The plan of a merge: nothing is built, and every image is joined of what legs have
//! built, and named.

use std::collections::BTreeSet;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Facts;
use crate::image::ImageName;
use crate::input::matrix::{Merge, PlannedImage, foreign_plan};
use crate::input::{BuildChecks, BuildRecord, Inputs, SizeLimit};
use crate::metadata::Metadata;
use crate::plan::access::login::{self, LoginRequest};
use crate::plan::access::preflight::Checks;
use crate::plan::build::model::Build;
use crate::plan::builder::model::Builder;
use crate::plan::command::display::Display;
use crate::plan::compose::Plan;
use crate::plan::draft::planned;
use crate::plan::emulation::emulators::Emulation;
use crate::plan::findings::Findings;
use crate::plan::image::destination_names;
use crate::plan::image::joined::JoinedImage;
use crate::plan::lists::distinct;
use crate::plan::matrix::results;

/// Works the plan out.
///
/// # Errors
/// With every input that cannot be used, and every leg that is missing.
pub fn merge(
    inputs: &Inputs,
    merge: &Merge,
    context: &RunContext,
    facts: &Facts,
) -> Result<Plan, Vec<InputProblem>> {
    let mut findings = Findings::default();
    let (repository, run, sha) = (&context.repository, &context.run_id, &context.sha);
    let other = foreign_plan(&merge.plan, repository, run, sha);
    findings.problems.extend(other);
    let joined = results::check(merge, context).unwrap_or_else(|mut problems| {
        findings.problems.append(&mut problems);
        Vec::new()
    });
    let images = merge.plan.images.iter();
    let builds: Vec<Build> = images
        .zip(joined)
        .map(|(image, joined)| build(image, joined))
        .collect();
    let names = merge.plan.images.iter().flat_map(names);
    let request = LoginRequest {
        names: distinct(&names.collect::<Vec<_>>()),
        pushes: true,
        has_notice: false,
        texts: Vec::new(),
    };
    let logins = login::decide(&request, inputs, context, facts, &mut findings);
    findings.decide_all("login at ", &logins);
    if !findings.problems.is_empty() {
        return Err(findings.problems);
    }
    Ok(Plan {
        builds,
        together: None,
        leg: None,
        preflight: Checks::none(),
        all_or_none: merge.plan.all_or_none,
        size_limit: SizeLimit::default(),
        version_tags: merge.plan.version_tags,
        moving_tags: merge.plan.moving_tags,
        checks: BuildChecks::Off,
        record: BuildRecord::Off,
        display: Display::none(),
        push_attempts: inputs.push_attempts,
        stall_timeout: inputs.stall_timeout,
        logins,
        git_token: false,
        variables: Vec::new(),
        builder: Builder::engine("nothing is built"),
        emulation: Emulation::default(),
        cleanup: inputs.own_builder.cleanup,
        running: BTreeSet::new(),
        decisions: findings.decisions,
        notices: findings.notices,
    })
}

/// The repositories, which were valid when they were planned.
fn names(image: &PlannedImage) -> Vec<ImageName> {
    let names = image.images.iter();
    names
        .filter_map(|name| ImageName::parse(name).ok())
        .collect()
}

fn build(image: &PlannedImage, joined: JoinedImage) -> Build {
    let metadata: Metadata = planned::metadata(image);
    Build {
        outputs: metadata.outputs(&crate::input::MetadataInputs::default()),
        names: destination_names::in_order(&metadata.tags, &metadata.motions),
        images: names(image),
        target: image.target.clone(),
        platforms: image.platforms.clone(),
        ..Build::joined(metadata, joined)
    }
}
