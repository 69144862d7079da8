//! The outputs of the step. `docs/outputs.md` defines them.

use serde_json::{Map, Value, json};

use crate::env_vars;
use crate::execute::{ImageOutcome, Outcome};
use crate::host::Host;
use crate::image::Digest;
use crate::plan::{Build, Plan};
use crate::report::files;

/// Outputs that are the same for all targets of a bake file, unless their tags
/// are told apart: they follow from the event alone.
const OF_THE_EVENT: [&str; 2] = ["version", "tag-names"];

/// Every output, as name and value; empty where there is nothing to tell.
pub fn outputs(plan: &Plan, outcome: &Outcome) -> Vec<(String, String)> {
    let all = plan.builds.iter().zip(&outcome.builds);
    let outputs = match all.clone().next() {
        Some((build, built)) if build.target.is_none() => of_image(build, built),
        _ => of_targets(all),
    };
    let outputs = outputs.into_iter();
    outputs
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn of_image<'a>(build: &'a Build, built: &ImageOutcome) -> Vec<(&'a str, String)> {
    let named = build
        .outputs
        .iter()
        .map(|(name, value)| (name.as_str(), value.clone()));
    let of_build = [
        ("digest", text(built.result.digest.as_ref())),
        ("imageid", text(built.result.image_id.as_ref())),
        ("metadata", built.result.metadata.clone()),
        ("platforms", platforms(build, built).join(",")),
        ("image", image(built)),
        ("published", published(built).join("\n")),
        ("kept-back", kept_back(built).join("\n")),
        ("sbom-files", sbom_files(built).join("\n")),
        ("targets", String::new()),
    ];
    named.chain(of_build).collect()
}

/// What is one value for all targets, and the rest as JSON, by the target.
fn of_targets<'a>(
    all: impl Iterator<Item = (&'a Build, &'a ImageOutcome)> + Clone,
) -> Vec<(&'a str, String)> {
    let empty = ImageOutcome::default();
    let first = all.clone().next();
    let mut outputs = first.map_or_else(Vec::new, |(build, _)| of_image(build, &empty));
    for (name, value) in &mut outputs {
        let same = (*name, value.as_str());
        let has_it = |build: &Build| {
            build
                .outputs
                .iter()
                .any(|(name, value)| (name.as_str(), value.as_str()) == same)
        };
        let is_same = all.clone().all(|(build, _)| has_it(build));
        if !OF_THE_EVENT.contains(name) || !is_same {
            value.clear();
        }
    }
    let tags: Vec<&str> = all
        .clone()
        .flat_map(|(build, _)| texts(&build.tags))
        .collect();
    let pushed: Vec<String> = all
        .clone()
        .flat_map(|(_, built)| published(built))
        .collect();
    let kept: Vec<String> = all
        .clone()
        .flat_map(|(_, built)| kept_back(built))
        .collect();
    let sboms: Vec<String> = all
        .clone()
        .flat_map(|(_, built)| sbom_files(built))
        .collect();
    let mut metadata = Map::new();
    let mut targets = Map::new();
    for (build, built) in all {
        let target = build.target.clone().unwrap_or_default();
        targets.insert(target.clone(), of_target(build, built));
        if let Ok(told) = serde_json::from_str(&built.result.metadata) {
            metadata.insert(target, told);
        }
    }
    let of_all = [
        ("tags", tags.join("\n")),
        ("published", pushed.join("\n")),
        ("kept-back", kept.join("\n")),
        ("sbom-files", sboms.join("\n")),
        ("metadata", Value::Object(metadata).to_string()),
        ("targets", Value::Object(targets).to_string()),
    ];
    for (name, value) in of_all {
        outputs.retain(|(other, _)| *other != name);
        outputs.push((name, value));
    }
    outputs
}

fn of_target(build: &Build, built: &ImageOutcome) -> Value {
    json!({
        "outcome": built.ending,
        "digest": text(built.result.digest.as_ref()),
        "imageid": text(built.result.image_id.as_ref()),
        "image": image(built),
        "platforms": platforms(build, built),
        "tags": build.tags,
        "published": published(built),
        "kept-back": kept_back(built),
    })
}

fn text(digest: Option<&Digest>) -> String {
    digest.map(ToString::to_string).unwrap_or_default()
}

fn texts(all: &[String]) -> impl Iterator<Item = &str> {
    all.iter().map(String::as_str)
}

/// What the registry lists, else what was asked for; nothing before a build.
fn platforms(build: &Build, built: &ImageOutcome) -> Vec<String> {
    let verified = &built.verified.platforms;
    match (verified.is_empty(), &built.result.digest) {
        (false, _) => verified.iter().map(|p| p.platform.clone()).collect(),
        (true, Some(_)) => build.platforms.iter().map(ToString::to_string).collect(),
        (true, None) => Vec::new(),
    }
}

/// The first image that was pushed, with its digest.
fn image(built: &ImageOutcome) -> String {
    let first = built.pushes.done().next();
    let image = first.and_then(|push| {
        let digest = push.digest.as_ref().or(built.result.digest.as_ref())?;
        Some(format!("{}@{digest}", push.name()))
    });
    image.unwrap_or_default()
}

/// The files that say what is in the image.
fn sbom_files(built: &ImageOutcome) -> Vec<String> {
    let paths = built.sbom_files.iter();
    paths.map(|path| path.display().to_string()).collect()
}

/// Every reference that was pushed.
fn published(built: &ImageOutcome) -> Vec<String> {
    let references = built.pushes.done();
    references.map(|push| push.reference.to_string()).collect()
}

/// Every reference that was left where it is.
fn kept_back(built: &ImageOutcome) -> Vec<String> {
    let references = built.pushes.kept_back();
    references.map(|push| push.reference.to_string()).collect()
}

/// Writes them to `GITHUB_OUTPUT`, each by itself and the shortest first: on a
/// disk that fills up a digest finds room where a list of labels does not.
///
/// # Errors
/// With the names of those that could not be written, and why.
pub fn write(host: &Host, outputs: &[(String, String)]) -> Result<(), String> {
    let mut outputs: Vec<&(String, String)> = outputs.iter().collect();
    outputs.sort_by_key(|(_, value)| value.len());
    let mut missing = Vec::new();
    let mut why = String::new();
    for (name, value) in outputs {
        if let Err(error) = files::set(host, env_vars::GITHUB_OUTPUT, name, value) {
            missing.push(name.as_str());
            why = error.to_string();
        }
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("{why}. Without a value: {}", missing.join(", ")))
    }
}
