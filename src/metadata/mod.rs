//! Rules and event become version, tags, labels and annotations.
//!
//! Owns the tag and label language of docker/metadata-action 6; where the two
//! differ, docs/conformance.md says so. Pure: no clock, environment, network or
//! file, and the same answer for the same inputs.

mod collate;
mod expressions;
mod facts;
mod fill;
mod labels;
mod moment;
mod notices;
mod outputs;
mod pep440;
mod publishable;
mod regex;
mod rules;
mod semantic;
mod template;

use std::collections::{HashMap, HashSet};

use crate::metadata::expressions::Expressions;
pub use crate::metadata::facts::Facts;
pub use crate::metadata::facts::Repository;
pub use crate::metadata::facts::TagContext;
pub use crate::metadata::facts::commit_date;
pub use crate::metadata::facts::needs_commit_date;
pub use crate::metadata::notices::Notice;
pub use crate::metadata::notices::Severity;
use crate::metadata::rules::Outcome;
use crate::metadata::rules::Rules;
pub use crate::metadata::rules::sanitize;

pub use crate::metadata::fill::fill_in;

use crate::error::InputProblem;
use crate::input::MetadataInputs;
use crate::input::metadata::tags::TagRule;

/// More references than any run publishes, and few enough to hold each in full.
const MOST_REFERENCES: usize = 10_000;

/// What an image is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The first tag; `None` when no rule gave one.
    pub version: Option<String>,
    /// The names of the images that are not switched off, in lower case.
    pub images: Vec<String>,
    /// The tags, without names.
    pub tag_names: Vec<String>,
    /// The tags of every image, as references; bare tags without images.
    pub tags: Vec<String>,
    /// Labels, as `KEY=VALUE`.
    pub labels: Vec<String>,
    /// Annotations, as `LEVEL:KEY=VALUE`.
    pub annotations: Vec<String>,
    /// What the person at the workflow page should know.
    pub notices: Vec<Notice>,
    /// Tags and names that no registry accepts. The outputs have them still.
    pub unpublishable: Vec<InputProblem>,
    plain_annotations: Vec<String>,
}

/// What the rules gave together.
#[derive(Debug, Default)]
struct Version {
    main: Option<String>,
    partial: Vec<String>,
    latest: Option<bool>,
}

/// Applies every rule to one event.
///
/// # Errors
/// Every rule, label and annotation that cannot be applied.
pub fn resolve(
    inputs: &MetadataInputs,
    context: &TagContext,
    facts: &Facts,
) -> Result<Metadata, Vec<InputProblem>> {
    let mut rules = Rules {
        inputs,
        expressions: Expressions::new(&context.0, facts, inputs),
        searcher: regex::Searcher::default(),
        warnings: Vec::new(),
    };
    let mut problems = Vec::new();
    let applied = apply(&mut rules, &mut problems);
    let (version, sources) = collect(&applied);
    let mut further = |input: &str, entries| {
        let main = version.main.as_deref();
        labels::resolve(input, entries, main, &rules.expressions).unwrap_or_else(|mut more| {
            problems.append(&mut more);
            Vec::new()
        })
    };
    let labels = further("labels", &inputs.labels);
    let plain_annotations = further("annotations", &inputs.annotations);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut metadata = Metadata {
        images: inputs.enabled_images().map(str::to_lowercase).collect(),
        tag_names: tag_names(&version, inputs),
        annotations: outputs::at_levels(&plain_annotations, &inputs.annotation_levels),
        version: version.main.clone(),
        labels,
        plain_annotations,
        ..Metadata::default()
    };
    if let Some(problem) = too_many(&metadata) {
        return Err(vec![problem]);
    }
    metadata.tags = references(&metadata.images, &metadata.tag_names);
    metadata.unpublishable = unpublishable(inputs, &metadata.tag_names, &sources);
    metadata.notices = notices::collect(&rules, &applied, &metadata, version.latest == Some(true));
    Ok(metadata)
}

/// Rules that could be applied, with what they gave.
type Applied<'a> = Vec<(&'a TagRule, Outcome)>;

fn apply<'a>(rules: &mut Rules<'a>, problems: &mut Vec<InputProblem>) -> Applied<'a> {
    let inputs = rules.inputs;
    let mut applied = Vec::new();
    for rule in &inputs.tags {
        match rules.apply(rule) {
            Ok(outcome) => applied.push((rule, outcome)),
            Err(why) => problems.push(problem(rule, why, "a rule as in docs/tags.md")),
        }
    }
    applied
}

fn problem(rule: &TagRule, why: impl Into<String>, accepted: impl Into<String>) -> InputProblem {
    let problem = InputProblem::new("tags", &rule.text, why, accepted);
    match rule.position {
        (0, _) => problem,
        (line, column) => problem.at(line, column),
    }
}

/// The tags of all rules in order, each once, and the rule that gave each.
fn collect<'a>(applied: &Applied<'a>) -> (Version, HashMap<String, &'a TagRule>) {
    let mut version = Version::default();
    let mut sources = HashMap::new();
    let mut seen = HashSet::new();
    for (rule, outcome) in applied {
        let Outcome::Tag { value, latest, .. } = outcome else {
            continue;
        };
        let tag = sanitize(value);
        version.latest.get_or_insert(*latest);
        sources.entry(tag.clone()).or_insert(*rule);
        if !seen.insert(tag.clone()) {
            continue;
        }
        match version.main {
            None => version.main = Some(tag),
            Some(_) => version.partial.push(tag),
        }
    }
    (version, sources)
}

fn tag_names(version: &Version, inputs: &MetadataInputs) -> Vec<String> {
    let Some(main) = &version.main else {
        return Vec::new();
    };
    let mut names = vec![main.clone()];
    names.extend(version.partial.iter().cloned());
    if version.latest == Some(true) {
        names.push(latest_tag(inputs));
    }
    names
}

/// `latest`, with the flavour's prefix and suffix as they stand.
fn latest_tag(inputs: &MetadataInputs) -> String {
    let flavor = &inputs.flavor;
    let prefix = if flavor.prefix_latest {
        &flavor.prefix
    } else {
        ""
    };
    let suffix = if flavor.suffix_latest {
        &flavor.suffix
    } else {
        ""
    };
    sanitize(&format!("{prefix}latest{suffix}"))
}

fn too_many(metadata: &Metadata) -> Option<InputProblem> {
    let (images, tags) = (metadata.images.len(), metadata.tag_names.len());
    let count = images.saturating_mul(tags);
    (count > MOST_REFERENCES).then(|| {
        let why = format!("gives {tags} tags for {images} images, so {count} references");
        let accepted = format!("at most {MOST_REFERENCES} references");
        InputProblem::new("tags", "", why, accepted)
    })
}

fn references(images: &[String], tags: &[String]) -> Vec<String> {
    if images.is_empty() {
        return tags.to_vec();
    }
    // An image without a name, which the oldest form of `images` allows, has
    // bare tags.
    let reference = |image: &String, tag: &String| match image.as_str() {
        "" => tag.clone(),
        image => format!("{image}:{tag}"),
    };
    let of_image = |image| tags.iter().map(move |tag| reference(image, tag));
    images.iter().flat_map(of_image).collect()
}

fn unpublishable(
    inputs: &MetadataInputs,
    tags: &[String],
    sources: &HashMap<String, &TagRule>,
) -> Vec<InputProblem> {
    let images = inputs.images.iter().filter(|image| image.enable);
    let images =
        images.filter_map(|image| publishable::image_problem(image, &image.name.to_lowercase()));
    let tags = tags.iter().filter_map(|tag| {
        let (why, accepted) = publishable::tag_problem(tag)?;
        Some(match sources.get(tag) {
            Some(rule) => problem(rule, why, accepted),
            None => InputProblem::new("flavor", tag, why, accepted),
        })
    });
    images.chain(tags).collect()
}
