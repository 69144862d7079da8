//! What the image is called, and what of that stops a publication or is worth
//! knowing.

use std::collections::HashSet;

use super::{Level, Notice};
use crate::error::InputProblem;
use crate::facts::Facts;
use crate::image::{ImageName, Platform};
use crate::input::Inputs;
use crate::input::images::ImageRule;
use crate::metadata::{self, Metadata, Severity};

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
        rules.images = names
            .iter()
            .map(|name| ImageRule {
                name: name.to_string(),
                enable: true,
                position: (0, 0),
            })
            .collect();
    }
    if !inputs.annotation_levels_given && platforms.len() > 1 {
        rules.annotation_levels = vec!["manifest".to_owned(), "index".to_owned()];
    }
    let mut metadata = metadata::resolve(&rules, &facts.event.context, &facts.event.metadata)?;
    if names.is_empty() {
        // Without an image a tag is a bare word, which Docker takes for a name.
        metadata.tags.clear();
    }
    let mut seen = HashSet::new();
    metadata.tags.retain(|tag| seen.insert(tag.clone()));
    Ok(metadata)
}

/// What cannot be pushed: a tag that no registry accepts, or no tag at all.
pub(super) fn unpublishable(
    metadata: &Metadata,
    names: &[ImageName],
    push: bool,
) -> Vec<InputProblem> {
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

pub(super) fn notices(metadata: &Metadata) -> Vec<Notice> {
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
