//! The plan: what will be done, worked out before any of it is done.
//!
//! A pure function of inputs, context and facts: no clock, no environment, no
//! network, not async. The [`Plan`] serialises and prints; a dry run shows it
//! and stops. It names credentials and never holds one.

mod arguments;
mod attestations;
mod builder;
mod cache;
mod create;
mod dockerfile;
mod emulation;
mod expand;
mod exposed;
mod images;
mod login;
mod naming;
mod nodes;
mod preflight;
mod publication;
mod reach;
mod render;
mod scope;
mod secrets;
mod source;
mod support;
#[cfg(test)]
mod testing;

use std::collections::BTreeSet;

use serde::Serialize;

pub use arguments::{Omit, RunFiles};
pub use builder::{Builder, BuilderChoice, CONTAINERD_DOCS};
pub use cache::Cache;
pub use create::{CONTEXT, Created, SetUpCommand, config_file, tls_file};
pub use emulation::{Emulation, EmulationStep, Handlers, cannot_run};
pub use images::github_registry;
pub use login::{Credential, Login};
pub use nodes::{Able, MadeNode, Spread, without_password};
pub use preflight::{Access, Check, Checks};
pub use publication::Publication;
pub use render::{line, list};
pub use source::{BuildContext, ContextKind};

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Facts;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::output::has_docker_exporter;
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
    /// What registries are asked before anything is built.
    pub preflight: Checks,
    /// How often a push is tried.
    pub push_attempts: u32,
    /// The registries that are logged in to.
    pub logins: Vec<Login>,
    /// What is built.
    pub context: BuildContext,
    /// What builds it.
    pub builder: Builder,
    /// Where the build cache is kept.
    pub cache: Cache,
    /// What is done about platforms that the builder does not run by itself.
    pub emulation: Emulation,
    /// The platforms that commands run on, the builder's own included.
    #[serde(skip)]
    running: BTreeSet<Platform>,
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
    let all_names = images::with_references(names.clone(), inputs, &mut notices);
    let nowhere = !inputs.metadata.images.is_empty() && all_names.is_empty();
    let publication = publication::decide(inputs, context, nowhere);
    decisions.push(publication.to_string());
    notices.extend(publication.notice.clone());
    let version = facts.buildx_version.as_ref();
    let support = support::decide(inputs, version, &mut notices, &mut problems);
    let own = source::default_context(inputs, context, support.git_query);
    let source = source::decide(inputs, context, facts, &own, &mut problems);
    decisions.push(source.to_string());
    let build_contexts = source::build_contexts(inputs, &own, &mut problems);
    let platforms = platforms(inputs, &publication, &mut decisions);
    let question = cache::Question {
        inputs,
        facts,
        names: &all_names,
        platforms: &platforms,
        publication: &publication,
    };
    let cache = question.decide();
    problems.extend(reach::problems(
        inputs,
        &cache,
        &source,
        &build_contexts,
        &facts.paths,
    ));
    notices.extend(secrets::notices(inputs, &facts.paths));
    notices.extend(exposed::notices(inputs));
    let builder = builder::decide(inputs, facts, &platforms, &cache);
    let builder = builder.unwrap_or_else(|problem| {
        problems.push(problem);
        Builder::engine("")
    });
    decisions.push(builder.to_string());
    let nodes = nodes::described(&builder, &platforms);
    decisions.extend(nodes.map(|nodes| format!("nodes: {nodes}")));
    decisions.extend(builder::clean_up(inputs).map(str::to_owned));
    notices.extend(builder::notices(inputs, &builder));
    problems.extend(builder::problems(inputs, &builder));
    decisions.push(cache.to_string());
    let emulation = emulation::decide(inputs, facts, &source, &platforms, &builder, &publication);
    decisions.push(emulation.to_string());
    notices.extend(emulation.notice());
    let running = emulation::running(inputs, facts, &source, &platforms);
    let attestations = attestations::decide(inputs, context, facts, &builder, &mut decisions);
    let logins = login::decide(
        inputs,
        context,
        facts,
        &all_names,
        &publication,
        &cache,
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
        problems = naming::unpublishable(&metadata, inputs, &names, publication.push);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    notices.extend(naming::notices(inputs, &metadata));
    notices.extend(naming::doubts(inputs));
    let parts = arguments::Parts {
        inputs,
        facts,
        support,
        metadata: &metadata,
        platforms: &platforms,
        publication: &publication,
        context: &source,
        build_contexts: &build_contexts,
        attestations: &attestations,
        names: &images::without_tags(inputs, &all_names),
        builder: &builder,
        cache: &cache,
    };
    let arguments = parts.arguments();
    Ok(Plan {
        preflight: preflight::decide(inputs, &all_names, &publication, &cache),
        push_attempts: inputs.push_attempts,
        outputs: metadata.outputs(&inputs.metadata),
        version: metadata.version.clone().unwrap_or_default(),
        tags: metadata.tags.clone(),
        labels: metadata.labels.clone(),
        annotations: metadata.annotations.clone(),
        metadata,
        images: all_names,
        platforms,
        publication,
        logins,
        context: source,
        builder,
        cache,
        emulation,
        running,
        arguments,
        decisions,
        notices,
    })
}

/// What is built for, where nobody asked for platforms: an image for the engine
/// holds the one that it is loaded on, and a look at the build needs no more.
fn platforms(
    inputs: &Inputs,
    publication: &Publication,
    decisions: &mut Vec<String>,
) -> Vec<Platform> {
    let why = match inputs.platforms_given {
        true => None,
        false if !publication.build => Some("`call` makes nothing"),
        false if inputs.load => Some("`load: true`"),
        false if has_docker_exporter(&inputs.build.outputs) => {
            Some("`outputs` makes an image for the engine")
        }
        false => None,
    };
    let Some(why) = why else {
        return inputs.platforms.clone();
    };
    decisions.push(format!(
        "platform: the builder's own: {why}, and `platforms` is empty"
    ));
    Vec::new()
}
