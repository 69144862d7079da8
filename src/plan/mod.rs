//! The plan: what will be done, worked out before any of it is done.
//!
//! A pure function of inputs, context and facts: no clock, no environment, no
//! network, not async. The [`Plan`] serialises and prints; a dry run shows it
//! and stops. It names credentials and never holds one.

mod arguments;
mod builder;
mod create;
mod dockerfile;
mod emulation;
mod expand;
mod images;
mod login;
mod naming;
mod publication;
mod render;
mod source;
#[cfg(test)]
mod testing;

use serde::Serialize;

pub use arguments::RunFiles;
pub use builder::{Builder, BuilderChoice, CONTAINERD_DOCS};
pub use create::{CONTEXT, Created, SetUpCommand, config_file, tls_file};
pub use emulation::{Emulation, EmulationStep, Handlers, cannot_run};
pub use images::github_registry;
pub use login::{Credential, Login};
pub use publication::Publication;
pub use render::{line, list};
pub use source::{BuildContext, ContextKind};

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Facts;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::metadata::Metadata;

/// Everything that a run will do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What the image is called: version, tags, labels, annotations.
    #[serde(skip)]
    pub metadata: Metadata,
    /// The outputs that follow from the event alone, as name and value.
    #[serde(skip)]
    pub outputs: Vec<(String, String)>,
    /// The version, empty when no rule gave one.
    pub version: String,
    /// Where the image goes, as full references.
    pub tags: Vec<String>,
    /// The labels, as `KEY=VALUE`.
    pub labels: Vec<String>,
    /// The annotations, as `LEVEL:KEY=VALUE`.
    pub annotations: Vec<String>,
    /// The names of the images, without tags.
    pub images: Vec<ImageName>,
    /// What is built for; empty means the builder's own platform.
    pub platforms: Vec<Platform>,
    /// Whether the image is pushed, and why.
    pub publication: Publication,
    /// The registries that are logged in to.
    pub logins: Vec<Login>,
    /// What is built.
    pub context: BuildContext,
    /// What builds it.
    pub builder: Builder,
    /// What is done about platforms that the builder does not run by itself.
    pub emulation: Emulation,
    /// The arguments for buildx, with places of the run's files left open.
    #[serde(skip)]
    arguments: arguments::Arguments,
    /// Every decision that was taken without being asked, with its reason.
    pub decisions: Vec<String>,
    /// What the person at the workflow page should know.
    pub notices: Vec<Notice>,
}

/// Something to know that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What it is about, in a few words.
    pub title: String,
    /// What is the case, and what to do.
    pub message: String,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something is likely not as it was meant.
    Warning,
    /// Something is worth knowing.
    Notice,
    /// A line of the log.
    Info,
}

/// Works the plan out.
///
/// # Errors
/// With every input that cannot be used, all at once.
pub fn plan(
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
) -> Result<Plan, Vec<InputProblem>> {
    let mut problems: Vec<_> = facts.event.problem.iter().cloned().collect();
    let mut notices = Vec::new();
    let mut decisions: Vec<_> = facts.event.decision.iter().cloned().collect();
    let names =
        images::names(inputs, context, &mut decisions, &mut notices).unwrap_or_else(|mut more| {
            problems.append(&mut more);
            Vec::new()
        });
    let nowhere = !inputs.metadata.images.is_empty() && names.is_empty();
    let publication = publication::decide(inputs, context, nowhere);
    decisions.push(publication.to_string());
    let source = source::decide(inputs, context, facts, &mut problems);
    decisions.push(source.to_string());
    let platforms = platforms(inputs, &mut decisions);
    let builder = builder::decide(inputs, facts, &platforms);
    let builder = builder.unwrap_or_else(|problem| {
        problems.push(problem);
        Builder::engine("")
    });
    decisions.push(builder.to_string());
    let emulation = emulation::decide(inputs, facts, &source, &platforms, &builder);
    decisions.push(emulation.to_string());
    notices.extend(emulation.notice());
    let logins = login::decide(
        inputs,
        context,
        facts,
        &names,
        publication.push,
        &mut notices,
    )
    .unwrap_or_else(|mut more| {
        problems.append(&mut more);
        Vec::new()
    });
    decisions.extend(logins.iter().map(|login| format!("login at {login}")));

    let metadata = naming::metadata(inputs, facts, &names, &platforms);
    let metadata = metadata.unwrap_or_else(|mut more| {
        problems.append(&mut more);
        Metadata::default()
    });
    if problems.is_empty() {
        problems = naming::unpublishable(&metadata, &names, publication.push);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    notices.extend(naming::notices(&metadata));
    let arguments = arguments::arguments(
        inputs,
        &metadata,
        &platforms,
        &publication,
        &source,
        &builder,
    );
    Ok(Plan {
        outputs: metadata.outputs(&inputs.metadata),
        version: metadata.version.clone().unwrap_or_default(),
        tags: metadata.tags.clone(),
        labels: metadata.labels.clone(),
        annotations: metadata.annotations.clone(),
        metadata,
        images: names,
        platforms,
        publication,
        logins,
        context: source,
        builder,
        emulation,
        arguments,
        decisions,
        notices,
    })
}

/// What is built for. An image that is loaded, and for which nobody asked for
/// platforms, is for the machine that it is loaded on.
fn platforms(inputs: &Inputs, decisions: &mut Vec<String>) -> Vec<Platform> {
    if inputs.load && !inputs.platforms_given {
        let reason = "`load: true`, and `platforms` is empty";
        decisions.push(format!("platform: the builder's own: {reason}"));
        return Vec::new();
    }
    inputs.platforms.clone()
}
