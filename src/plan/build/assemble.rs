//! One image of the plan, once it is known what builds it.

use crate::event::RunContext;
use crate::input::matrix::{PlannedImage, PlannedLeg};
use crate::metadata::Metadata;
use crate::plan::build::model::{Build, Dockerfile};
use crate::plan::build::{annotations, attestations, build_args};
use crate::plan::builder::classic_store;
use crate::plan::builder::content;
use crate::plan::builder::model::{Builder, BuilderChoice};
use crate::plan::command::bake_file::BakeFile;
use crate::plan::command::build::Parts;
use crate::plan::draft::model::ImageDraft;
use crate::plan::draft::{annotation_levels, bake_target, planned, tags};
use crate::plan::findings::Findings;
use crate::plan::image::context::ContextKind;
use crate::plan::image::destination_names;
use crate::plan::image::image_test;

/// The image, by this builder.
pub fn build(
    draft: &ImageDraft<'_>,
    context: &RunContext,
    builder: &Builder,
    findings: &mut Findings,
) -> Build {
    let (inputs, facts) = (&*draft.request.inputs, draft.request.facts);
    let target = draft.request.target;
    let attestations =
        attestations::decide(inputs, context, facts, builder, &mut findings.decisions);
    let metadata = metadata(draft, findings);
    let annotations = annotations::Question {
        inputs,
        facts,
        builder,
        platforms: &draft.platforms,
        publication: &draft.publication,
        attestations: &attestations,
    };
    let annotations = annotations.decide(&metadata.annotations, findings);
    let build_args = build_args::fill(draft, &metadata, findings);
    let content = content::decide(inputs, facts, builder, &draft.publication);
    findings.problems.extend(content::unnamed_content_problem(
        inputs,
        &draft.publication,
        content,
    ));
    let test = image_test::Question {
        inputs,
        facts,
        platforms: &draft.platforms,
        publication: &draft.publication,
        content,
        is_in_engine: draft.publication.load
            || (builder.choice == BuilderChoice::Engine && inputs.build.outputs.is_empty()),
    }
    .decide(findings);
    let parts = Parts {
        content,
        build_args: &build_args,
        inputs,
        facts,
        features: draft.features,
        metadata: &metadata,
        annotations: &annotations,
        platforms: &draft.platforms,
        publication: &draft.publication,
        context: &draft.source,
        build_contexts: &draft.build_contexts,
        attestations: &attestations,
        pushed_by_outputs: &draft.pushed_by_outputs(),
        builder,
        cache: &draft.cache,
        target: target.map(|target| target.name.as_str()),
        git_logins: &draft.git_logins(),
    };
    let arguments = parts.arguments();
    findings.problems.extend(arguments.too_long());
    let replaced = draft.named.replaced_names(inputs, &parts.references());
    findings.notices.extend(replaced);
    let definition = target.map(|target| BakeFile::of(target, &parts));
    Build {
        target: target.map(|target| target.name.clone()),
        definition,
        outputs: metadata.outputs(&inputs.metadata),
        version: metadata.version.clone().unwrap_or_default(),
        tags: metadata.tags.clone(),
        names: if draft.publication.pushes_tags() {
            destination_names::in_order(&metadata.tags, &metadata.motions)
        } else {
            Vec::new()
        },
        content,
        joined: None,
        test,
        labels: metadata.labels.clone(),
        asks_for_annotations: classic_store::asks_for_annotations(inputs),
        annotations,
        scanner: attestations::scanner(&attestations),
        images: draft.all_names.clone(),
        pushed_by_outputs: draft.pushed_by_outputs(),
        platforms: draft.platforms.clone(),
        publication: draft.publication.clone(),
        context: draft.source.clone(),
        dockerfile: dockerfile(draft),
        cache: draft.cache.clone(),
        arguments,
    }
}

/// Where the Dockerfile is in the repository, for whoever is shown a line of it.
fn dockerfile(draft: &ImageDraft<'_>) -> Option<Dockerfile> {
    let workspace = draft.request.workspace;
    match draft.source.kind {
        ContextKind::Local => Some(Dockerfile {
            path: workspace.dockerfile_path.clone()?,
            text: workspace.dockerfile.clone(),
        }),
        ContextKind::Repository { .. } => {
            let given = draft.request.inputs.file.clone();
            Some(Dockerfile {
                path: given.unwrap_or_else(|| "Dockerfile".to_owned()),
                text: None,
            })
        }
        ContextKind::Remote => None,
    }
}

/// What a leg's part of an image is called. An index has its annotations from the job
/// that joins the parts.
fn of_leg((leg, image): (&PlannedLeg, &PlannedImage)) -> Metadata {
    let mut metadata = planned::metadata(image);
    if leg.is_joined() {
        metadata.annotations = annotation_levels::without_index(&metadata.annotations);
    }
    metadata
}

/// What the image is called: as the plan of a matrix says, where there is one.
fn metadata(draft: &ImageDraft<'_>, findings: &mut Findings) -> Metadata {
    let (inputs, facts) = (&*draft.request.inputs, draft.request.facts);
    let target = draft.request.target.map(|target| target.name.as_str());
    let leg = inputs.leg.as_ref();
    if let Some(planned) = leg.and_then(|leg| Some((leg, leg.image(target)?))) {
        return of_leg(planned);
    }
    let mut metadata = tags::metadata(inputs, facts, &draft.named, &draft.names, &draft.platforms)
        .unwrap_or_else(|mut more| {
            findings.problems.append(&mut more);
            Metadata::default()
        });
    if let Some(target) = draft.request.target {
        bake_target::describe(target, inputs, &mut metadata);
        if !draft.publication.builds() {
            // Beside other targets, what is only looked at is called nothing.
            metadata.tags.clear();
        }
    }
    if findings.problems.is_empty() {
        let push = draft.publication.pushes_tags();
        findings.problems = tags::unpublishable(&metadata, &draft.named, &draft.names, push);
    }
    findings.notices.extend(tags::notices(inputs, &metadata));
    findings.notices.extend(tags::doubtful_tags(inputs));
    metadata
}
