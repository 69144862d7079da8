//! Targets of bake files, each as the inputs of one image: what the file says of
//! a target wins, the inputs say the rest for all targets, and `set` changes the
//! file.

use crate::input::CacheEntry;
use serde_json::Value;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Target;
use crate::image::{Platform, reference};
use crate::input::build::attestations;
use crate::input::build::output::Output;
use crate::input::grammar::list::Entry;
use crate::input::metadata::images::ImageRule;
use crate::input::{Inputs, Push};
use crate::metadata::Metadata;
use crate::plan::draft::bake_trust;
use crate::plan::findings::{Findings, Level, Notice};
use crate::plan::image::names;

/// The target that needs no name of its own.
const PLAIN: &str = "default";

/// The inputs of one target.
pub fn resolve(
    target: &Target,
    inputs: &Inputs,
    context: &RunContext,
    findings: &mut Findings,
) -> Inputs {
    let mut own = inputs.clone();
    own.metadata.images = images_of(target, inputs, context, findings);
    own.metadata.target = Some(target.name.clone());
    let flavor = &mut own.metadata.flavor;
    // In that of `latest` no template is rendered, as with the original.
    for text in [&mut flavor.prefix, &mut flavor.suffix] {
        *text = text.replace("{{target}}", &target.name);
    }
    own.context = Some(target.context());
    own.file = Some(target.file());
    own.target = target.text("target");
    own.build_args = target.pairs("args").iter().map(pair).collect();
    own.build.build_contexts = target
        .pairs("contexts")
        .iter()
        .map(pair)
        .map(entry)
        .collect();
    own.build.call = target.text("call");
    own.build.annotations = target.texts("annotations");
    own.build.no_cache |= target.definition.get("no-cache") == Some(&Value::Bool(true));
    own.cache_from = target
        .entries("cache-from")
        .into_iter()
        .map(CacheEntry::from)
        .collect();
    own.cache_to = bake_trust::written_caches(target, inputs, context, findings);
    platforms(target, &mut own, findings);
    outputs(target, context, &mut own, findings);
    findings.notices.extend(unset_secrets(target));
    findings
        .problems
        .extend(bake_trust::problems(target, inputs));
    attestations(target, &mut own, findings);
    own
}

/// True when a target is made from other targets.
pub fn is_linked(target: &Target) -> bool {
    target.family.len() > 1
}

/// Labels and annotations of the file win over those of the event.
pub fn describe(target: &Target, inputs: &Inputs, metadata: &mut Metadata) {
    let labels = target.pairs("labels");
    let is_given = |label: &String| {
        let key = label.split('=').next().unwrap_or_default();
        labels.iter().any(|(given, _)| given == key)
    };
    metadata.labels.retain(|label| !is_given(label));
    metadata.labels.extend(labels.iter().map(pair));
    // Of one that is repeated buildx takes the last.
    let annotations = inputs.build.annotations.iter();
    metadata.annotations.extend(annotations.cloned());
}

/// The names in the `tags` of the target; without any, the names of all targets
/// with the target's name behind them. The tags themselves follow from the event.
fn images_of(
    target: &Target,
    inputs: &Inputs,
    context: &RunContext,
    findings: &mut Findings,
) -> Vec<ImageRule> {
    let leg = inputs.leg.as_ref();
    if let Some(planned) = leg.and_then(|leg| leg.image(Some(&target.name))) {
        return planned.images.iter().map(ImageRule::named).collect();
    }
    let tags = target.texts("tags");
    let mut names: Vec<&str> = tags.iter().map(|tag| reference::split(tag).0).collect();
    names.dedup();
    if !names.is_empty() {
        let list = names.join(", ");
        findings.decide(format!(
            "image {list}: `tags` of the target, their tags aside"
        ));
        return names.into_iter().map(ImageRule::named).collect();
    }
    let mut all = inputs.metadata.images.clone();
    if all.is_empty() {
        // Where there is none, the images say so.
        let own = names::default_name(context).ok();
        all.extend(own.map(|name| ImageRule::named(name.to_string())));
    }
    if target.name != PLAIN {
        for image in &mut all {
            image.name = format!("{}-{}", image.name, target.name.to_lowercase());
        }
    }
    let list: Vec<&str> = all.iter().map(|image| image.name.as_str()).collect();
    findings.decide(format!(
        "image {}: the target has no `tags`",
        list.join(", ")
    ));
    all
}

/// Where the result goes. A file cannot tell a pull request from a push: what it
/// says of pushing holds only where the image is published.
fn outputs(target: &Target, context: &RunContext, own: &mut Inputs, findings: &mut Findings) {
    let is_published = match own.push {
        Push::Always => true,
        Push::Never => false,
        Push::Auto => !context.is_pull_request(),
    };
    let given = target.entries("output").into_iter().map(entry);
    for output in given.map(|entry| Output::parse(&entry)) {
        let output = output.map(|output| match own.push {
            Push::Always => output.with_push(),
            Push::Auto | Push::Never => output,
        });
        match output {
            Err(problem) => findings.problems.push(problem),
            Ok(output) if !output.pushes() => own.build.outputs.push(output),
            Ok(output) if !output.names_the_image() => {
                own.build.output_pushes = true;
                own.build.outputs.extend(output.without_push());
            }
            Ok(output) if is_published => {
                if output.attribute("name").is_some() && target.texts("tags").is_empty() {
                    // The file names the image here and nowhere else.
                    own.metadata.images.clear();
                    own.metadata.default_tags = true;
                }
                own.build.outputs.push(output);
            }
            Ok(output) => findings.decide(format!("left out: output {}", output.text)),
        }
    }
}

/// Secrets that would be empty.
fn unset_secrets(target: &Target) -> impl Iterator<Item = Notice> {
    target.unset.iter().map(|variable| Notice {
        level: Level::Warning,
        title: "Secrets".to_owned(),
        message: format!(
            "`secret`: the variable {variable} is not set, so the build gets an empty secret"
        ),
    })
}

/// What a target is made from, where that is for fewer platforms than the target
/// that names none: a base would bring programs of another processor.
fn narrower_base(target: &Target, platforms: &[Platform]) -> Option<Notice> {
    let mut others = target
        .family
        .iter()
        .filter(|(name, _)| **name != target.name);
    let (name, only) = others.find_map(|(name, other)| {
        let only = other.get("platforms")?.as_array()?;
        let [only] = only.as_slice() else {
            return None;
        };
        let only = only.as_str()?;
        let differs = |one: &Platform| one.to_string() != only;
        platforms.iter().any(differs).then_some((name, only))
    })?;
    let list: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    Some(Notice {
        level: Level::Warning,
        title: "Platforms".to_owned(),
        message: format!(
            "it names no `platforms`, and so is for {}, while {name} is for {only} alone: after \
             `FROM {name}` every image would hold programs of {only}. Name its `platforms`",
            list.join(", ")
        ),
    })
}

fn platforms(target: &Target, own: &mut Inputs, findings: &mut Findings) {
    if let Some(leg) = &own.leg {
        own.platforms = leg.platforms_of(Some(&target.name));
        return;
    }
    let given = target.texts("platforms");
    if given.is_empty() {
        findings
            .notices
            .extend(narrower_base(target, &own.platforms));
        return;
    }
    own.platforms_given = true;
    own.platforms.clear();
    for text in given {
        match text.parse() {
            Ok(platform) => own.platforms.push(platform),
            Err(refused) => {
                let refused: crate::image::Refused = refused;
                let problem = InputProblem::new("platforms", text, refused.why, refused.accepted);
                findings.problems.push(problem);
            }
        }
    }
}

/// What the file says of a kind of attestation stands for the input.
fn attestations(target: &Target, own: &mut Inputs, findings: &mut Findings) {
    let entries = target.entries("attest").into_iter().map(entry);
    let mut given = Vec::new();
    for parsed in entries.map(|entry| attestations::attestation(&entry)) {
        match parsed {
            Ok(attestation) => given.push(attestation),
            Err(problem) => findings.problems.push(problem),
        }
    }
    let all = &mut own.build.attestations;
    for attestation in &given {
        match attestation.kind {
            attestations::AttestationKind::Provenance => all.provenance = None,
            attestations::AttestationKind::Sbom => all.sbom = None,
            attestations::AttestationKind::Other => {}
        }
        all.entries.retain(|entry| entry.kind != attestation.kind);
    }
    all.entries.extend(given);
}

fn pair((name, value): &(String, String)) -> String {
    format!("{name}={value}")
}

fn entry(text: String) -> Entry {
    Entry {
        text,
        line: 0,
        column: 0,
    }
}
