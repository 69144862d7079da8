//! What the image is called, and what of that stops a publication or is worth
//! knowing.

use std::collections::HashSet;

use super::publication::is_named_by_outputs;
use super::{Level, Notice};
use crate::error::InputProblem;
use crate::facts::Facts;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::images::ImageRule;
use crate::input::list::Entry;
use crate::input::output::Output;
use crate::metadata::{self, Metadata, Severity};

/// The levels of annotations that buildx knows.
const LEVELS: [&str; 4] = [
    "manifest",
    "index",
    "manifest-descriptor",
    "index-descriptor",
];

/// Applies the metadata rules to the images of the plan.
///
/// An index has annotations of its own, and package pages show those; BuildKit
/// refuses them where there is no index.
pub(super) fn metadata(
    inputs: &Inputs,
    facts: &Facts,
    names: &[ImageName],
    platforms: &[Platform],
) -> Result<Metadata, Vec<InputProblem>> {
    let mut rules = inputs.metadata.clone();
    // Names that were given stay as they were written, so that tags are those
    // that docker/metadata-action gives.
    if rules.images.is_empty() {
        let named = names.iter().map(|name| ImageRule::named(name.to_string()));
        rules.images = named.collect();
    }
    if !inputs.annotation_levels_given && platforms.len() > 1 {
        rules.annotation_levels = vec!["manifest".to_owned(), "index".to_owned()];
    }
    let as_they_stand = take_levelled(&mut rules.annotations);
    let mut metadata = metadata::resolve(&rules, &facts.event.context, &facts.event.metadata)?;
    metadata.annotations.extend(as_they_stand);
    // Without an image a tag is a bare word, which Docker takes for a name.
    if names.is_empty() || is_named_by_outputs(inputs) {
        metadata.tags.clear();
    }
    let references = inputs.references.iter().map(|reference| &reference.text);
    metadata.tags.extend(references.cloned());
    let mut seen = HashSet::new();
    metadata.tags.retain(|tag| seen.insert(tag.clone()));
    Ok(metadata)
}

/// Takes out annotations that name the level they are for, such as
/// `index:KEY=VALUE` or `manifest[linux/amd64],index:KEY=VALUE`.
fn take_levelled(annotations: &mut Vec<Entry>) -> Vec<String> {
    let (levelled, rest) = std::mem::take(annotations)
        .into_iter()
        .partition::<Vec<_>, _>(|entry| has_level(&entry.text));
    *annotations = rest;
    levelled.into_iter().map(|entry| entry.text).collect()
}

fn has_level(text: &str) -> bool {
    let is_level = |text: &str| {
        let name = match text.split_once('[') {
            Some((name, platform)) if platform.ends_with(']') => name,
            _ => text,
        };
        LEVELS.contains(&name)
    };
    let key = text.split('=').next().unwrap_or_default();
    key.split_once(':')
        .is_some_and(|(levels, _)| levels.split(',').all(is_level))
}

/// What cannot be pushed: a tag that no registry accepts, or no tag at all.
pub(super) fn unpublishable(
    metadata: &Metadata,
    inputs: &Inputs,
    names: &[ImageName],
    push: bool,
) -> Vec<InputProblem> {
    if is_named_by_outputs(inputs) {
        return Vec::new();
    }
    let mut problems = metadata.unpublishable.clone();
    if push && !names.is_empty() && metadata.tags.is_empty() {
        let reasons: Vec<&str> = metadata
            .notices
            .iter()
            .filter(|notice| notice.severity == Severity::Notice)
            .map(|notice| notice.text.as_str())
            .collect();
        let why = format!("no rule gave a tag for this event. {}", reasons.join(" "));
        let accepted = "a rule for this event, or `push: false`";
        problems.push(InputProblem::new("tags", "", why.trim(), accepted));
    }
    problems
}

/// What of `tags` is likely not as it was meant.
pub(super) fn doubts(inputs: &Inputs) -> Vec<Notice> {
    let warning = |message: String| Notice {
        level: Level::Warning,
        title: "Tags".to_owned(),
        message,
    };
    let rules = inputs.metadata.tags.iter();
    let by_digest = inputs.build.outputs.iter().any(Output::pushes_by_digest);
    let untagged = rules.filter(|rule| is_image(&rule.text) && !by_digest);
    let untagged = untagged.map(|rule| {
        let text = &rule.text;
        warning(format!(
            "{text} has no tag, so it is a rule that makes one of its letters; \
             a whole reference is {text}:latest"
        ))
    });
    let rules = &inputs.metadata;
    let idle = rules.tags.is_empty() && !rules.images.is_empty();
    let idle = idle.then(|| {
        let message = "`tags` has whole references alone, so nothing is tagged for `images`; \
             add a rule such as type=ref,event=branch";
        warning(message.to_owned())
    });
    untagged.chain(idle).collect()
}

/// A bare word that starts with a registry and has no tag.
pub(super) fn is_image(rule: &str) -> bool {
    let is_registry = |host: &str| host == "localhost" || host.contains(['.', ':']);
    let bare = !rule.contains(['=', ',', '{']);
    bare && rule
        .split_once('/')
        .is_some_and(|(host, _)| is_registry(host))
}

pub(super) fn notices(inputs: &Inputs, metadata: &Metadata) -> Vec<Notice> {
    // Whole references need no rule, and so none is missed.
    if inputs.metadata.tags.is_empty() {
        return Vec::new();
    }
    let notice = |notice: &metadata::Notice| Notice {
        level: match notice.severity {
            Severity::Warning => Level::Warning,
            Severity::Notice => Level::Notice,
            Severity::Info => Level::Info,
        },
        title: "Tags".to_owned(),
        message: notice.text.clone(),
    };
    metadata.notices.iter().map(notice).collect()
}

#[cfg(test)]
mod tests {
    use super::{has_level, is_image};

    #[test]
    fn images_without_a_tag_are_doubted() {
        for text in ["ghcr.io/o/app", "localhost:5000/app", "localhost/app"] {
            assert!(is_image(text), "{text}");
        }
        for text in ["feature/x", "v1.2", "type=raw,value=a.b/c", "edge"] {
            assert!(!is_image(text), "{text}");
        }
    }

    #[test]
    fn annotations_with_a_level_are_known() {
        for text in [
            "index:a=b",
            "manifest[linux/amd64]:a=b",
            "index,manifest-descriptor:a=b",
        ] {
            assert!(has_level(text), "{text}");
        }
        for text in ["a=b", "a=index:b", "url:x=y", "index,url:x=y", "index=x"] {
            assert!(!has_level(text), "{text}");
        }
    }
}
