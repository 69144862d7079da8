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
use crate::input::builder::Cleanup;
use crate::input::matrix::{PlannedLeg, foreign_plan};
use crate::input::{BuildChecks, BuildRecord, Inputs, MovingTags, SizeLimit, VersionTags};
use crate::plan::access::login::{self, Login, LoginRequest};
use crate::plan::access::preflight::{self, Checks};
use crate::plan::build::model::Build;
use crate::plan::build::{assemble, duplicates, overwritten};
use crate::plan::builder::assign::{self, NodeAssignment, ReachableNode};
use crate::plan::builder::create::NewBuilder;
use crate::plan::builder::model::Builder;
use crate::plan::builder::{buildx_features, choice};
use crate::plan::command::bake_file::BakeFile;
use crate::plan::command::build::{self, Arguments};
use crate::plan::command::display::{self, Display};
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
use crate::plan::variable::BuildxVariable;

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
    /// The part of a matrix that is built.
    #[serde(skip)]
    pub leg: Option<PlannedLeg>,
    /// What registries are asked before anything is built.
    pub preflight: Checks,
    /// Whether no name is written without all others.
    pub all_or_none: bool,
    /// How large an image may be before it gets its names.
    #[serde(skip)]
    pub size_limit: SizeLimit,
    /// Whether full versions are written once.
    pub version_tags: VersionTags,
    /// Whether names that move go forward only.
    pub moving_tags: MovingTags,
    /// What becomes of what BuildKit's checks find.
    pub checks: BuildChecks,
    /// When BuildKit's record of the build is kept.
    #[serde(skip)]
    pub record: BuildRecord,
    /// How the progress of a build is shown.
    #[serde(skip)]
    pub display: Display,
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
    pub variables: Vec<BuildxVariable>,
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
    let of_leg = inputs.leg.as_ref();
    let RunContext {
        repository,
        run_id,
        sha,
        ..
    } = context;
    findings
        .problems
        .extend(of_leg.and_then(|leg| foreign_plan(&leg.plan, repository, run_id, sha)));
    let features = buildx_features::decide(inputs, facts.buildx_version.as_ref(), &mut findings);
    let (requests, mut of_each) = requests(inputs, context, facts);
    let drafts: Vec<ImageDraft<'_>> = requests
        .iter()
        .zip(&mut of_each)
        .map(|(request, findings)| ImageDraft::of(request, context, features, findings))
        .collect();
    let builder = choose_builder(inputs, &drafts, &mut findings);
    let emulation = emulators::decide(&drafts, inputs, facts, &builder);
    findings.notices.extend(emulation.notice());
    let request = LoginRequest::of(&drafts);
    let logins = login::decide(&request, inputs, context, facts, &mut findings);
    let builds: Vec<Build> = drafts
        .iter()
        .zip(&mut of_each)
        .map(|(draft, findings)| assemble::build(draft, context, &builder, findings))
        .collect();
    check_names(&builds, &drafts, &mut findings);
    let targets: Vec<Option<&str>> = builds.iter().map(|build| build.target.as_deref()).collect();
    findings.absorb(&targets, of_each);
    decide_builder(inputs, &builder, &drafts, &mut findings);
    findings.decide(&emulation);
    let variables = environment::decide(&drafts, inputs, &mut findings);
    findings.decide_all("login at ", &logins);
    let preflight = preflight::decide(&drafts, inputs.preflight, context);
    findings.decide_all("if a registry refuses: ", preflight.described_refusal());
    if !findings.problems.is_empty() {
        return Err(findings.problems);
    }
    let has_own = |build: &Build| matches!(build.context.kind, ContextKind::Repository { .. });
    Ok(Plan {
        together: build::build_together(inputs, &drafts, &builder),
        leg: inputs.leg.clone(),
        preflight,
        all_or_none: inputs.all_or_none,
        size_limit: inputs.size_limit.clone(),
        version_tags: inputs.version_tags,
        moving_tags: inputs.moving_tags,
        checks: inputs.build.checks,
        record: inputs.build.record,
        display: display::decide(inputs, features),
        push_attempts: inputs.push_attempts,
        stall_timeout: inputs.stall_timeout,
        git_token: builds.iter().any(has_own) && !inputs.build.secrets.has_git_token,
        builds,
        logins,
        variables,
        builder,
        emulation,
        cleanup: inputs.own_builder.cleanup,
        running: drafts
            .iter()
            .flat_map(|draft| running::running(draft, &draft.platforms))
            .collect(),
        decisions: findings.decisions,
        notices: findings.notices,
    })
}

/// One builder for all images; the engine's own where none will do, so that the rest
/// can be checked too.
fn choose_builder(inputs: &Inputs, drafts: &[ImageDraft<'_>], findings: &mut Findings) -> Builder {
    let requests = drafts.iter().map(ImageDraft::builder_request);
    let mut builder = choice::for_all(requests).unwrap_or_else(|problem| {
        findings.problems.push(problem);
        Builder::engine("")
    });
    findings.notices.extend(builder.reach(inputs, drafts));
    findings.notices.extend(choice::notices(inputs, &builder));
    findings.problems.extend(choice::problems(inputs, &builder));
    builder
}

/// What is decided of the builder, its nodes and what stays of it.
fn decide_builder(
    inputs: &Inputs,
    builder: &Builder,
    drafts: &[ImageDraft<'_>],
    findings: &mut Findings,
) {
    findings.decide(builder);
    let of_new = builder.made().into_iter().flat_map(NewBuilder::decisions);
    findings.decide_all("", of_new);
    let platforms = distinct(drafts.iter().flat_map(|draft| &draft.platforms));
    findings.decide_all("nodes: ", assign::describe_nodes(builder, &platforms));
    findings.decide_all("clean-up: ", choice::clean_up(inputs.own_builder.cleanup));
}

/// Names that would be given twice.
fn check_names(builds: &[Build], drafts: &[ImageDraft<'_>], findings: &mut Findings) {
    let outputs = drafts
        .iter()
        .flat_map(|draft| &draft.request.inputs.build.outputs);
    findings.problems.extend(duplicates::problems(builds));
    findings
        .problems
        .extend(overwritten::problems(builds, outputs));
}

/// What is wanted: one image, or one for each target; and what there is to say
/// of each.
fn requests<'a>(
    inputs: &'a Inputs,
    context: &RunContext,
    facts: &'a Facts,
) -> (Vec<ImageRequest<'a>>, Vec<Findings>) {
    if inputs.bake.is_none() {
        let one = ImageRequest::single(inputs, context, facts);
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
    /// True where another job joins and names what this one builds.
    pub fn leaves_names(&self) -> bool {
        self.leg.as_ref().is_some_and(PlannedLeg::is_joined)
    }

    /// True where nothing is built, and what legs have built is joined.
    pub fn joins(&self) -> bool {
        self.builds.iter().any(|build| build.joined.is_some())
    }

    /// The arguments for a buildx that builds several targets; `None` where there
    /// is one image, or each needs a buildx of its own.
    pub fn arguments_together(
        &self,
        files: &RunFiles,
        exclusions: &Exclusions,
    ) -> Option<Vec<OsString>> {
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
    pub fn assign_platforms(&self, made: &NewBuilder, able: &[ReachableNode]) -> NodeAssignment {
        made.assign_platforms(&self.platforms(), &self.running, able)
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
