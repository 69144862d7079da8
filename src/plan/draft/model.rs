//! One image as far as it can be told before it is known what builds it.

use crate::event::RunContext;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::output::{Output, has_docker_exporter};
use crate::plan::builder::buildx_features::Support;
use crate::plan::builder::choice::{BuilderRequest, is_engine};
use crate::plan::cache::choice::CacheRequest;
use crate::plan::cache::model::Cache;
use crate::plan::cache::secrets::take_out;
use crate::plan::draft::request::Wanted;
use crate::plan::draft::{git_logins, load, mounts, run_commands};
use crate::plan::findings::Told;
use crate::plan::image::context::{self, BuildContext};
use crate::plan::image::output_names::Named;
use crate::plan::image::publication::{self, Publication};
use crate::plan::image::{names, secret_leaks, secrets};
use crate::plan::lists::distinct;
use crate::plan::variable::Handed;

/// One image, before it is known what builds it.
pub struct Draft<'a> {
    pub wanted: &'a Wanted<'a>,
    pub named: Named,
    /// The names of the images, without those of whole references.
    pub names: Vec<ImageName>,
    pub all_names: Vec<ImageName>,
    pub publication: Publication,
    pub support: Support,
    pub source: BuildContext,
    pub build_contexts: Vec<String>,
    pub platforms: Vec<Platform>,
    pub cache: Cache,
    /// What of its caches buildx is given in its environment.
    pub handed: Vec<Handed>,
}

impl<'a> Draft<'a> {
    pub fn of(
        wanted: &'a Wanted<'a>,
        context: &RunContext,
        support: Support,
        told: &mut Told,
    ) -> Self {
        let (inputs, facts) = (&*wanted.inputs, wanted.facts);
        let named = Named::of(inputs, &mut told.problems);
        let names = names::names(inputs, &named, context, told);
        told.decisions.extend(named.described(inputs));
        let all_names = names::with_references(names.clone(), &named, &mut told.notices);
        let nowhere = !inputs.metadata.images.is_empty() && all_names.is_empty();
        let mut publication = publication::decide(inputs, &named, context, nowhere);
        if wanted.target.is_some() {
            // There it is said of the target.
            publication.reason = publication.reason.replace("`outputs`", "`output`");
        }
        told.decide(&publication);
        told.notices.extend(publication.notice.clone());
        let own = context::default_context(inputs, context, support.git_query);
        let workspace = wanted.workspace;
        let source = context::decide(inputs, context, workspace, &own, &mut told.problems);
        told.decide(&source);
        git_logins::tell(wanted, told);
        let build_contexts = context::build_contexts(inputs, &own, &mut told.problems);
        let platforms = platforms(inputs, &publication, told);
        let question = CacheRequest {
            context,
            inputs,
            facts,
            names: &all_names,
            platforms: &platforms,
            publication: &publication,
            is_engine: is_engine(BuilderRequest {
                inputs,
                facts,
                platforms: &platforms,
                publication: &publication,
                cache: &Cache::default(),
            }),
            has_run: run_commands::are_run(wanted, &source, &platforms),
        };
        let for_engine = load::problems(inputs, &facts.engine, &publication, &platforms);
        told.problems.extend(for_engine);
        let mut cache = question.decide();
        let handed = match wanted.target {
            // The file that it is built from has them.
            Some(_) => Vec::new(),
            None => take_out(&mut cache, inputs, facts),
        };
        told.decide(&cache);
        told.notices.extend(cache.notice.clone());
        let problems = mounts::problems(inputs, &cache, &source, &build_contexts, &facts.paths);
        told.problems.extend(problems);
        told.notices.extend(secrets::notices(inputs, &facts.paths));
        told.notices.extend(secret_leaks::notices(inputs));
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

    /// What it asks of a builder.
    pub fn builder_request(&self) -> BuilderRequest<'_> {
        BuilderRequest {
            inputs: &self.wanted.inputs,
            facts: self.wanted.facts,
            platforms: &self.platforms,
            publication: &self.publication,
            cache: &self.cache,
        }
    }

    /// The places of the logins for Git of a target and what it is made from.
    pub fn git_logins(&self) -> Vec<usize> {
        let target = self.wanted.target.into_iter();
        let all: Vec<usize> = target
            .flat_map(|target| target.git_logins.values().flatten().copied())
            .collect();
        distinct(&all)
    }

    pub fn apart(&self) -> Vec<String> {
        let nameless =
            |output: &Output| output.pushes_by_digest() && output.attribute("name").is_none();
        let outputs = &self.wanted.inputs.build.outputs;
        match outputs.iter().any(nameless) {
            true => self.all_names.iter().map(ToString::to_string).collect(),
            false => self.named.apart.clone(),
        }
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
