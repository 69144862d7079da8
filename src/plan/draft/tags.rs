//! What the image is called, and what of that stops a publication or is worth
//! knowing.

use std::collections::HashSet;

use crate::error::InputProblem;
use crate::facts::Facts;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::build::output::Output;
use crate::input::metadata::images::ImageRule;
use crate::metadata::{self, Metadata, Severity};
use crate::plan::draft::annotation_levels;
use crate::plan::findings::{Level, Notice};
use crate::plan::image::output_names::{OutputNames, is_bare};

/// Applies the metadata rules to the images of the plan.
///
/// An index has annotations of its own, and package pages show those; BuildKit
/// refuses them where there is no index.
pub fn metadata(
    inputs: &Inputs,
    facts: &Facts,
    named: &OutputNames,
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
    let as_they_stand = annotation_levels::take_levelled(&mut rules.annotations);
    let mut metadata = metadata::resolve(&rules, &facts.event.context, &facts.event.metadata)?;
    metadata.annotations.extend(as_they_stand);
    // Without an image a tag is a bare word, which Docker takes for a name.
    if names.is_empty() || named.alone {
        metadata.tags.clear();
    }
    let references = named.references.iter().map(|reference| &reference.text);
    metadata.tags.extend(references.cloned());
    let mut seen = HashSet::new();
    metadata.tags.retain(|tag| seen.insert(tag.clone()));
    Ok(metadata)
}

/// What cannot be pushed: a tag that no registry accepts, or no tag at all.
pub fn unpublishable(
    metadata: &Metadata,
    named: &OutputNames,
    names: &[ImageName],
    push: bool,
) -> Vec<InputProblem> {
    if named.alone {
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
pub fn doubtful_tags(inputs: &Inputs) -> Vec<Notice> {
    let notice = |level, message: String| Notice {
        level,
        title: "Tags".to_owned(),
        message,
    };
    let rules = inputs.metadata.tags.iter();
    let untagged = rules.filter_map(|rule| {
        let text = &rule.text;
        let level = doubt_level(text)?;
        let tag = metadata::sanitize(text);
        let message = format!(
            "{text} has no `:`, so it is a rule and gives the tag {tag}. If it is an image, \
             write {text}:latest; if it is a tag, type=raw,value={text} says so"
        );
        Some(notice(level, message))
    });
    let rules = &inputs.metadata;
    let by_digest = inputs.build.outputs.iter().any(Output::pushes_by_digest);
    let idle = rules.tags.is_empty() && !rules.images.is_empty() && !by_digest;
    let idle = idle.then(|| {
        let message = "`tags` has whole references alone, so nothing is tagged for `images`; \
             add a rule such as type=ref,event=branch";
        notice(Level::Warning, message.to_owned())
    });
    untagged.chain(idle).collect()
}

/// How likely a rule is an image without a tag: it is a name in which a `/`
/// stands, after a registry perhaps. A branch such as `feature/x` is one too.
fn doubt_level(rule: &str) -> Option<Level> {
    let (first, _) = rule.split_once('/')?;
    let is_registry = first == "localhost" || first.contains('.');
    let is_name = is_bare(rule) && ImageName::parse(rule).is_ok();
    is_name.then_some(if is_registry {
        Level::Warning
    } else {
        Level::Notice
    })
}

pub fn notices(inputs: &Inputs, metadata: &Metadata) -> Vec<Notice> {
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
    use super::*;

    #[test]
    fn images_without_a_tag_are_doubted() {
        for (text, level) in [
            ("ghcr.io/o/app", Some(Level::Warning)),
            ("localhost/app", Some(Level::Warning)),
            ("feature/x", Some(Level::Notice)),
            ("v1.2", None),
            ("type=raw,value=a.b/c", None),
            ("feature/{{sha}}", None),
            ("edge", None),
        ] {
            assert_eq!(doubt_level(text), level, "{text}");
        }
    }
}
