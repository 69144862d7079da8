//! One image as far as it can be told before it is known what builds it.

use std::borrow::Cow;

use super::arguments::Parts;
use super::definition::Definition;
use super::named::Named;
use super::support::Support;
use super::told::Told;
use super::{
    Build, BuildContext, Builder, Cache, Handed, Publication, annotations, attestations, cache,
    classic, commands, distinct, exposed, git_logins, handed, images, load, named, naming,
    publication, reach, secrets, source, targets,
};
use crate::event::RunContext;
use crate::facts::{Facts, Target, Workspace};
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::output::{Output, has_docker_exporter};
use crate::metadata::Metadata;

/// What one image is made from.
pub(super) struct Wanted<'a> {
    pub(super) inputs: Cow<'a, Inputs>,
    pub(super) facts: &'a Facts,
    pub(super) workspace: &'a Workspace,
    /// The target of a bake file that it is.
    pub(super) target: Option<&'a Target>,
}

impl<'a> Wanted<'a> {
    /// The one image of inputs without bake files.
    pub(super) fn alone(inputs: &'a Inputs, context: &RunContext, facts: &'a Facts) -> Self {
        let resolved = named::without_tag(inputs, context);
        Self {
            inputs: resolved.map_or(Cow::Borrowed(inputs), Cow::Owned),
            facts,
            workspace: &facts.workspace,
            target: None,
        }
    }

    /// The image of a target.
    pub(super) fn target(
        target: &'a Target,
        inputs: &Inputs,
        context: &RunContext,
        facts: &'a Facts,
        told: &mut Told,
    ) -> Self {
        Self {
            inputs: Cow::Owned(targets::resolve(target, inputs, context, told)),
            facts,
            workspace: &target.workspace,
            target: Some(target),
        }
    }
}

/// One image, before it is known what builds it.
pub(super) struct Draft<'a> {
    pub(super) wanted: &'a Wanted<'a>,
    pub(super) named: Named,
    /// The names of the images, without those of whole references.
    names: Vec<ImageName>,
    pub(super) all_names: Vec<ImageName>,
    pub(super) publication: Publication,
    pub(super) support: Support,
    pub(super) source: BuildContext,
    pub(super) build_contexts: Vec<String>,
    pub(super) platforms: Vec<Platform>,
    pub(super) cache: Cache,
    /// What of its caches buildx is given in its environment.
    pub(super) handed: Vec<Handed>,
}

impl<'a> Draft<'a> {
    pub(super) fn of(
        wanted: &'a Wanted<'a>,
        context: &RunContext,
        support: Support,
        told: &mut Told,
    ) -> Self {
        let (inputs, facts) = (&*wanted.inputs, wanted.facts);
        let named = Named::of(inputs, &mut told.problems);
        let names = images::names(inputs, &named, context, told);
        told.decisions.extend(named.described(inputs));
        let all_names = images::with_references(names.clone(), &named, &mut told.notices);
        let nowhere = !inputs.metadata.images.is_empty() && all_names.is_empty();
        let mut publication = publication::decide(inputs, &named, context, nowhere);
        if wanted.target.is_some() {
            // There it is said of the target.
            publication.reason = publication.reason.replace("`outputs`", "`output`");
        }
        told.decide(&publication);
        told.notices.extend(publication.notice.clone());
        let own = source::default_context(inputs, context, support.git_query);
        let workspace = wanted.workspace;
        let source = source::decide(inputs, context, workspace, &own, &mut told.problems);
        told.decide(&source);
        git_logins::tell(wanted, told);
        let build_contexts = source::build_contexts(inputs, &own, &mut told.problems);
        let platforms = platforms(inputs, &publication, told);
        let question = cache::Question {
            inputs,
            facts,
            names: &all_names,
            platforms: &platforms,
            publication: &publication,
            has_run: commands::are_run(wanted, &source, &platforms),
        };
        let for_engine = load::problems(inputs, &facts.engine, &publication, &platforms);
        told.problems.extend(for_engine);
        let mut cache = question.decide();
        let handed = match wanted.target {
            // The file that it is built from has them.
            Some(_) => Vec::new(),
            None => handed::take_out(&mut cache, inputs, facts),
        };
        told.decide(&cache);
        told.notices.extend(cache.notice.clone());
        let problems = reach::problems(inputs, &cache, &source, &build_contexts, &facts.paths);
        told.problems.extend(problems);
        told.notices.extend(secrets::notices(inputs, &facts.paths));
        told.notices.extend(exposed::notices(inputs));
        Self {
            wanted,
            named,
            names,
            all_names,
            publication,
            support,
            source,
            build_contexts,
            platforms,
            cache,
            handed,
        }
    }

    /// The places of the logins for Git of a target and what it is made from.
    pub(super) fn git_logins(&self) -> Vec<usize> {
        let target = self.wanted.target.into_iter();
        let all: Vec<usize> = target
            .flat_map(|target| target.git_logins.values().flatten().copied())
            .collect();
        distinct(&all)
    }

    /// The image, by this builder.
    pub(super) fn build(&self, context: &RunContext, builder: &Builder, told: &mut Told) -> Build {
        let (inputs, facts) = (&*self.wanted.inputs, self.wanted.facts);
        let target = self.wanted.target;
        let attestations =
            attestations::decide(inputs, context, facts, builder, &mut told.decisions);
        let metadata = self.metadata(told);
        let annotations = annotations::Question {
            inputs,
            facts,
            builder,
            platforms: &self.platforms,
            publication: &self.publication,
            attestations: &attestations,
        };
        let annotations = annotations.decide(&metadata.annotations, told);
        let parts = Parts {
            inputs,
            facts,
            support: self.support,
            metadata: &metadata,
            annotations: &annotations,
            platforms: &self.platforms,
            publication: &self.publication,
            context: &self.source,
            build_contexts: &self.build_contexts,
            attestations: &attestations,
            apart: &self.apart(),
            builder,
            cache: &self.cache,
            target: target.map(|target| target.name.as_str()),
            git_logins: &self.git_logins(),
        };
        let arguments = parts.arguments();
        told.problems.extend(arguments.too_long());
        let replaced = self.named.replaced(inputs, &parts.references());
        told.notices.extend(replaced);
        let definition = target.map(|target| Definition::of(target, &parts));
        Build {
            target: target.map(|target| target.name.clone()),
            definition,
            outputs: metadata.outputs(&inputs.metadata),
            version: metadata.version.clone().unwrap_or_default(),
            tags: metadata.tags.clone(),
            labels: metadata.labels.clone(),
            asks_for_annotations: classic::asks_for_annotations(inputs),
            annotations,
            scanner: attestations::scanner(&attestations),
            images: self.all_names.clone(),
            apart: self.apart(),
            platforms: self.platforms.clone(),
            publication: self.publication.clone(),
            context: self.source.clone(),
            cache: self.cache.clone(),
            arguments,
        }
    }

    /// What exporters push without a tag of ours: under names of their own, or by
    /// digest.
    pub(super) fn apart(&self) -> Vec<String> {
        let nameless =
            |output: &Output| output.pushes_by_digest() && output.attribute("name").is_none();
        let outputs = &self.wanted.inputs.build.outputs;
        match outputs.iter().any(nameless) {
            true => self.all_names.iter().map(ToString::to_string).collect(),
            false => self.named.apart.clone(),
        }
    }

    /// What the image is called.
    fn metadata(&self, told: &mut Told) -> Metadata {
        let (inputs, facts) = (&*self.wanted.inputs, self.wanted.facts);
        let metadata = naming::metadata(inputs, facts, &self.named, &self.names, &self.platforms);
        let mut metadata = metadata.unwrap_or_else(|mut more| {
            told.problems.append(&mut more);
            Metadata::default()
        });
        if let Some(target) = self.wanted.target {
            targets::describe(target, inputs, &mut metadata);
            if !self.publication.build {
                // Beside other targets, what is only looked at is called nothing.
                metadata.tags.clear();
            }
        }
        if told.problems.is_empty() {
            let push = self.publication.push;
            told.problems = naming::unpublishable(&metadata, &self.named, &self.names, push);
        }
        told.notices.extend(naming::notices(inputs, &metadata));
        told.notices.extend(naming::doubts(inputs));
        metadata
    }
}

/// What is built for, where nobody asked for platforms: an image for the engine
/// holds the one that it is loaded on, and a look at the build needs no more.
fn platforms(inputs: &Inputs, publication: &Publication, told: &mut Told) -> Vec<Platform> {
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
    told.decide(format!(
        "platform: the builder's own: {why}, and `platforms` is empty"
    ));
    Vec::new()
}
