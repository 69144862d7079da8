//! Applies every rule to one event.

use crate::image::Motion;
use crate::metadata::motion::motion_of_rule;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::InputProblem;
use crate::input::MetadataInputs;
use crate::input::metadata::tags::TagRule;
use crate::metadata::expressions::Expressions;
use crate::metadata::facts::{Facts, TagContext};
use crate::metadata::model::{Applied, Metadata, VersionChoice};
use crate::metadata::regex::Searcher;
use crate::metadata::rules::{Outcome, Rules, sanitize};
use crate::metadata::{labels, notices, outputs, publishable};

/// More references than any run publishes, and few enough to hold each in full.
const MOST_REFERENCES: usize = 10_000;

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
        searcher: Searcher::default(),
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
    let mut motions = motion_of_tags(&applied);
    if version.latest == Some(true) {
        motions.insert(latest_tag(inputs), Motion::Latest);
    }
    let mut metadata = Metadata {
        motions,
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
fn collect<'a>(applied: &Applied<'a>) -> (VersionChoice, HashMap<String, &'a TagRule>) {
    let mut version = VersionChoice::default();
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

/// Whether each tag stays with the image; of two rules the first decides.
fn motion_of_tags(applied: &Applied<'_>) -> BTreeMap<String, Motion> {
    let mut motions = BTreeMap::new();
    for (rule, outcome) in applied {
        if let Outcome::Tag {
            value, prerelease, ..
        } = outcome
        {
            let tag = sanitize(value);
            let motion = motion_of_rule(rule, &tag, *prerelease);
            motions.entry(tag).or_insert(motion);
        }
    }
    motions
}

fn tag_names(version: &VersionChoice, inputs: &MetadataInputs) -> Vec<String> {
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
