//! The outputs of the step. `docs/outputs.md` defines them.

use std::io;

use super::files;
use crate::execute::Outcome;
use crate::host::Host;
use crate::plan::Plan;
use crate::vars;

/// Every output, as name and value; empty where there is nothing to tell.
pub fn outputs(plan: &Plan, outcome: &Outcome) -> Vec<(String, String)> {
    let digest = |digest: &Option<crate::image::Digest>| {
        digest.as_ref().map(ToString::to_string).unwrap_or_default()
    };
    let built = [
        ("digest", digest(&outcome.build.digest)),
        ("imageid", digest(&outcome.build.image_id)),
        ("metadata", outcome.build.metadata.clone()),
        ("platforms", platforms(plan, outcome)),
        ("image", image(outcome)),
        ("published", published(outcome)),
    ];
    let built = built
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    plan.outputs.iter().cloned().chain(built).collect()
}

/// What the registry lists, else what was asked for; nothing before a build.
fn platforms(plan: &Plan, outcome: &Outcome) -> String {
    let verified = &outcome.verified.platforms;
    let list: Vec<String> = match (verified.is_empty(), &outcome.build.digest) {
        (false, _) => verified.iter().map(|p| p.platform.clone()).collect(),
        (true, Some(_)) => plan.platforms.iter().map(ToString::to_string).collect(),
        (true, None) => Vec::new(),
    };
    list.join(",")
}

/// The first image that was pushed, with its digest.
fn image(outcome: &Outcome) -> String {
    match (&outcome.build.digest, outcome.pushes.done().next()) {
        (Some(digest), Some(push)) => format!("{}@{digest}", push.name()),
        _ => String::new(),
    }
}

/// Every reference that was pushed.
fn published(outcome: &Outcome) -> String {
    let references = outcome.pushes.done().map(|push| push.reference.as_str());
    references.collect::<Vec<_>>().join("\n")
}

/// Writes them to `GITHUB_OUTPUT`.
///
/// # Errors
/// When that file cannot be written.
pub fn write(host: &Host, outputs: &[(String, String)]) -> io::Result<()> {
    outputs
        .iter()
        .try_for_each(|(name, value)| files::set(host, vars::GITHUB_OUTPUT, name, value))
}
