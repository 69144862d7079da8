//! One image as far as it can be told before it is known what builds it.

use crate::event::RunContext;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::build::output::{Output, has_docker_exporter};
use crate::plan::builder::buildx_features::BuildxFeatures;
use crate::plan::builder::choice::{BuilderRequest, is_engine};
use crate::plan::cache::choice::CacheRequest;
use crate::plan::cache::model::Cache;
use crate::plan::cache::secrets::take_out;
use crate::plan::draft::request::ImageRequest;
use crate::plan::draft::{git_logins, load, mounts, run_commands};
use crate::plan::findings::Findings;
use crate::plan::image::context::{self, BuildContext};
use crate::plan::image::output_names::OutputNames;
use crate::plan::image::publication::Publication;
use crate::plan::image::{names, secret_leaks, secrets};
use crate::plan::lists::distinct;
use crate::plan::variable::BuildxVariable;

/// One image, before it is known what builds it.
pub struct ImageDraft<'a> {
    pub request: &'a ImageRequest<'a>,
    pub named: OutputNames,
    /// The names of the images, without those of whole references.
    pub names: Vec<ImageName>,
    pub all_names: Vec<ImageName>,
    pub publication: Publication,
    pub features: BuildxFeatures,
    pub source: BuildContext,
    pub build_contexts: Vec<String>,
    pub platforms: Vec<Platform>,
    pub cache: Cache,
    /// What of its caches buildx is given in its environment.
    pub handed: Vec<BuildxVariable>,
}

impl<'a> ImageDraft<'a> {
    pub fn of(
        request: &'a ImageRequest<'a>,
        context: &RunContext,
        features: BuildxFeatures,
        findings: &mut Findings,
    ) -> Self {
        let (inputs, facts) = (&*request.inputs, request.facts);
        let named = OutputNames::of(inputs, findings);
        let names = names::names(inputs, &named, context, findings);
        findings.decisions.extend(named.describe(inputs));
        let all_names = names::with_references(names.clone(), &named, findings);
        let nowhere = !inputs.metadata.images.is_empty() && all_names.is_empty();
        let publication = request.publication(&named, context, nowhere, findings);
        let own = context::default_context(inputs, context, features.git_query);
        let workspace = request.workspace;
        let source = context::decide(inputs, context, workspace, &own, findings);
        findings.decide(&source);
        git_logins::report_logins(request, findings);
        let build_contexts = context::build_contexts(inputs, &own, findings);
        let platforms = platforms(inputs, &publication, findings);
        let builder_request = BuilderRequest {
            inputs,
            facts,
            platforms: &platforms,
            publication: &publication,
            cache: &Cache::default(),
        };
        let cache_request = CacheRequest {
            context,
            inputs,
            facts,
            names: &all_names,
            platforms: &platforms,
            publication: &publication,
            is_engine: is_engine(builder_request),
            has_run: run_commands::are_run(request, &source, &platforms),
        };
        let for_engine = load::problems(inputs, &facts.engine, &publication, &platforms);
        findings.problems.extend(for_engine);
        let mut cache = cache_request.decide();
        let handed = match request.target {
            // The file that it is built from has them.
            Some(_) => Vec::new(),
            None => take_out(&mut cache, inputs, facts),
        };
        findings.decide(&cache);
        findings.notices.extend(cache.notice.clone());
        let paths = &facts.paths;
        let unreached = mounts::problems(inputs, &cache, &source, &build_contexts, paths);
        findings.problems.extend(unreached);
        findings.notices.extend(secrets::notices(inputs, paths));
        secret_leaks::find(inputs, findings);
        Self {
            request,
            named,
            names,
            all_names,
            publication,
            features,
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
            inputs: &self.request.inputs,
            facts: self.request.facts,
            platforms: &self.platforms,
            publication: &self.publication,
            cache: &self.cache,
        }
    }

    /// The places of the logins for Git of a target and what it is made from.
    pub fn git_logins(&self) -> Vec<usize> {
        let target = self.request.target.into_iter();
        let all: Vec<usize> = target
            .flat_map(|target| target.git_logins.values().flatten().copied())
            .collect();
        distinct(&all)
    }

    pub fn pushed_by_outputs(&self) -> Vec<String> {
        let nameless =
            |output: &Output| output.pushes_by_digest() && output.attribute("name").is_none();
        let outputs = &self.request.inputs.build.outputs;
        if outputs.iter().any(nameless) {
            self.all_names.iter().map(ToString::to_string).collect()
        } else {
            self.named.pushed_by_outputs.clone()
        }
    }
}

/// What is built for, where nobody asked for platforms: an image for the engine
/// holds the one that it is loaded on, and a look at the build needs no more.
fn platforms(inputs: &Inputs, publication: &Publication, findings: &mut Findings) -> Vec<Platform> {
    let why = match inputs.platforms_given {
        true => None,
        false if !publication.builds() => Some("`call` makes nothing"),
        false if inputs.load => Some("`load: true`"),
        false if has_docker_exporter(&inputs.build.outputs) => {
            Some("`outputs` makes an image for the engine")
        }
        false => None,
    };
    let Some(why) = why else {
        return inputs.platforms.clone();
    };
    findings.decide(format!(
        "platform: the builder's own: {why}, and `platforms` is empty"
    ));
    Vec::new()
}
