//! The plan: what will be done, worked out before any of it is done.
//!
//! A pure function of inputs, context and facts: no clock, no environment, no
//! network, not async. The [`Plan`] serialises and prints; a dry run shows it
//! and stops. It names credentials and never holds one.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use serde::Serialize;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Facts;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::builder::Cleanup;
use crate::plan::access::login::{self, Login};
use crate::plan::access::preflight::{self, Checks};
use crate::plan::build::model::Build;
use crate::plan::build::{assemble, duplicates, overwritten};
use crate::plan::builder::assign::{self, NodeAssignment, ReachableNode};
use crate::plan::builder::create::NewBuilder;
use crate::plan::builder::model::Builder;
use crate::plan::builder::{buildx_features, choice};
use crate::plan::command::bake_file::BakeFile;
use crate::plan::command::build::{self, Arguments};
use crate::plan::command::environment;
use crate::plan::command::exclusions::Exclusions;
use crate::plan::draft::model::ImageDraft;
use crate::plan::draft::request::ImageRequest;
use crate::plan::emulation::emulators::{self, Emulation};
use crate::plan::emulation::running;
use crate::plan::findings::{Findings, Notice};
use crate::plan::image::context::ContextKind;
use crate::plan::lists::distinct;
use crate::plan::run_files::RunFiles;
use crate::plan::variable::Handed;

/// Everything that a run will do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What is built, in this order: one image, or one for each target of a bake
    /// file.
    #[serde(skip)]
    pub builds: Vec<Build>,
    /// The arguments for buildx by which several targets are built together.
    #[serde(skip)]
    pub together: Option<Arguments>,
    /// What registries are asked before anything is built.
    pub preflight: Checks,
    /// How often a push is tried.
    pub push_attempts: u32,
    /// How long a registry may be silent during a push; `None` for ever.
    #[serde(skip)]
    pub stall_timeout: Option<Duration>,
    /// The registries that are logged in to.
    pub logins: Vec<Login>,
    /// True when BuildKit fetches the repository itself, with the job's token.
    #[serde(skip)]
    pub git_token: bool,
    /// What buildx is given in its environment, beside what all programs get.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Handed>,
    /// What builds it.
    pub builder: Builder,
    /// What is done about platforms that the builder does not run by itself.
    pub emulation: Emulation,
    /// What is taken away after the run.
    #[serde(skip)]
    pub cleanup: Cleanup,
    /// The platforms that commands run on, the builder's own included.
    #[serde(skip)]
    pub running: BTreeSet<Platform>,
    /// Every decision that was taken without being asked, with its reason.
    pub decisions: Vec<String>,
    /// What the person at the workflow page should know.
    pub notices: Vec<Notice>,
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
    let mut findings = Findings::default();
    findings.problems.extend(facts.event.problem.clone());
    findings.decisions.extend(facts.event.decision.clone());
    let version = facts.buildx_version.as_ref();
    let support = buildx_features::decide(
        inputs,
        version,
        &mut findings.notices,
        &mut findings.problems,
    );
    let (wanted, mut of_each) = wanted(inputs, context, facts);
    let drafts = wanted.iter().zip(&mut of_each);
    let drafts = drafts.map(|(one, findings)| ImageDraft::of(one, context, support, findings));
    let drafts: Vec<ImageDraft<'_>> = drafts.collect();
    let mut builder = choice::for_all(drafts.iter().map(ImageDraft::builder_request))
        .unwrap_or_else(|problem| {
            findings.problems.push(problem);
            Builder::engine("")
        });
    findings.notices.extend(builder.reach(inputs, &drafts));
    findings.notices.extend(choice::notices(inputs, &builder));
    findings.problems.extend(choice::problems(inputs, &builder));
    let emulation = emulators::decide(&drafts, inputs, facts, &builder);
    findings.notices.extend(emulation.notice());
    let logins = login::decide(&drafts, inputs, context, facts, &mut findings.notices);
    let logins = logins.unwrap_or_else(|mut more| {
        findings.problems.append(&mut more);
        Vec::new()
    });
    let builds = drafts.iter().zip(&mut of_each);
    let builds =
        builds.map(|(draft, findings)| assemble::build(draft, context, &builder, findings));
    let builds: Vec<Build> = builds.collect();
    findings.problems.extend(duplicates::problems(&builds));
    let outputs = drafts.iter();
    let outputs = outputs.flat_map(|draft| &draft.request.inputs.build.outputs);
    findings
        .problems
        .extend(overwritten::problems(&builds, outputs));
    let names: Vec<Option<&str>> = builds.iter().map(|build| build.target.as_deref()).collect();
    findings.take(&names, of_each);
    findings.decide(&builder);
    let of_builder = builder.made().into_iter().flat_map(NewBuilder::decisions);
    findings.decisions.extend(of_builder);
    let platforms = distinct(drafts.iter().flat_map(|draft| &draft.platforms));
    let nodes = assign::described(&builder, &platforms);
    findings
        .decisions
        .extend(nodes.map(|nodes| format!("nodes: {nodes}")));
    let cleanup = inputs.own_builder.cleanup;
    let described = choice::clean_up(cleanup);
    findings
        .decisions
        .extend(described.map(|described| format!("clean-up: {described}")));
    findings.decide(&emulation);
    let variables = environment::decide(&drafts, inputs, &mut findings);
    let lines = logins.iter().map(|login| format!("login at {login}"));
    findings.decisions.extend(lines);
    if !findings.problems.is_empty() {
        return Err(findings.problems);
    }
    let preflight = preflight::decide(&drafts, inputs.preflight, context);
    let refusal = preflight.described_refusal();
    findings
        .decisions
        .extend(refusal.map(|refusal| format!("if a registry refuses: {refusal}")));
    let has_own = |build: &Build| matches!(build.context.kind, ContextKind::Repository { .. });
    let git_token = builds.iter().any(has_own) && !inputs.build.secrets.has_git_token;
    let running = drafts.iter();
    let running = running.flat_map(|draft| running::running(draft, &draft.platforms));
    let running = running.collect();
    Ok(Plan {
        together: build::together(inputs, &drafts, &builder),
        preflight,
        push_attempts: inputs.push_attempts,
        stall_timeout: inputs.stall_timeout,
        builds,
        logins,
        git_token,
        variables,
        builder,
        emulation,
        cleanup,
        running,
        decisions: findings.decisions,
        notices: findings.notices,
    })
}

/// What is wanted: one image, or one for each target; and what there is to say
/// of each.
fn wanted<'a>(
    inputs: &'a Inputs,
    context: &RunContext,
    facts: &'a Facts,
) -> (Vec<ImageRequest<'a>>, Vec<Findings>) {
    if inputs.bake.is_none() {
        let one = ImageRequest::alone(inputs, context, facts);
        return (vec![one], vec![Findings::default()]);
    }
    let targets = facts.bake.targets.iter();
    let wanted = targets.map(|target| {
        let mut findings = Findings::default();
        let one = ImageRequest::target(target, inputs, context, facts, &mut findings);
        (one, findings)
    });
    wanted.unzip()
}

impl Plan {
    /// The arguments for a buildx that builds several targets; `None` where there
    /// is one image, or each needs a buildx of its own.
    pub fn together(&self, files: &RunFiles, exclusions: &Exclusions) -> Option<Vec<OsString>> {
        Some(self.together.as_ref()?.with(files, exclusions))
    }

    /// The bake file of all targets, with the run's files in their places and
    /// without what is to be left out.
    pub fn definition(&self, files: &RunFiles, exclusions: &Exclusions) -> String {
        let definitions = self
            .builds
            .iter()
            .filter_map(|build| build.definition.as_ref());
        BakeFile::of_all(definitions, files, exclusions)
    }

    /// Which of the nodes that are left builds what.
    pub fn spread(&self, made: &NewBuilder, able: &[ReachableNode]) -> NodeAssignment {
        made.spread(&self.platforms(), &self.running, able)
    }

    /// The names of all images, without tags, each once.
    pub fn images(&self) -> Vec<ImageName> {
        distinct(self.builds.iter().flat_map(|build| &build.images))
    }

    /// The platforms of all images, each once.
    pub fn platforms(&self) -> Vec<Platform> {
        distinct(self.builds.iter().flat_map(|build| &build.platforms))
    }
}
