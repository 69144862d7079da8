//! Which attestations buildx is asked for: `provenance` and `sbom` over
//! `attests`, and a provenance of our own where none of them says anything.
//!
//! Follows docker/build-push-action, the order of its arguments included.

use crate::event::RunContext;
use crate::facts::Facts;
use crate::image::{ImageName, reference};
use crate::input::Inputs;
use crate::input::build::attestations::{
    self, AttestationKind, Provenance, normalised, with_builder,
};
use crate::input::build::output::has_docker_exporter;
use crate::input::grammar::csv;
use crate::plan::builder::classic_store;
use crate::plan::builder::model::{Builder, BuilderChoice};

/// BuildKit's own scanner.
const SCANNER: &str = "docker/buildkit-syft-scanner:stable-1";

/// The values of `--attest`.
pub fn decide(
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    builder: &Builder,
    decisions: &mut Vec<String>,
) -> Vec<String> {
    let asked = &inputs.build.attestations;
    let run = run_url(context);
    let run = run.as_deref();
    let mut values = Vec::new();
    match &asked.provenance {
        Some(given) => values.push(provenance(given, run)),
        None if asked
            .entries
            .iter()
            .any(|entry| entry.kind == AttestationKind::Provenance) => {}
        None => {
            let (value, reason) = of_its_own(inputs, context, facts, builder);
            let shown = value.unwrap_or("as buildx has it");
            decisions.push(format!("provenance {shown}: {reason}"));
            values.extend(value.map(|mode| with_builder(&format!("type=provenance,{mode}"), run)));
        }
    }
    values.extend(asked.sbom.clone());
    for entry in &asked.entries {
        match entry.kind {
            AttestationKind::Other => values.push(entry.text.clone()),
            AttestationKind::Provenance if asked.provenance.is_none() => {
                values.push(with_builder(&entry.text, run));
            }
            AttestationKind::Sbom if asked.sbom.is_none() => values.push(entry.text.clone()),
            AttestationKind::Provenance | AttestationKind::Sbom => {}
        }
    }
    values
}

/// The image that BuildKit pulls to list what is in the result, where `sbom` is
/// asked for.
pub fn scanner(attestations: &[String]) -> Option<ImageName> {
    let image = |text: &String| {
        let attributes = csv::attributes(text).ok()?;
        let is_sbom = csv::value(&attributes, "type") == Some("sbom");
        let is_made = is_sbom && !attestations::is_disabled(text);
        let image = csv::value(&attributes, "generator").unwrap_or(SCANNER);
        is_made.then(|| reference::name(image))?
    };
    attestations.iter().find_map(image)
}

fn provenance(given: &Provenance, run: Option<&str>) -> String {
    let text = match (given, run) {
        (Provenance::On, Some(url)) => format!("type=provenance,builder-id={url}"),
        (Provenance::On, None) => "type=provenance".to_owned(),
        (Provenance::Off, _) => "type=provenance,disabled=true".to_owned(),
        (Provenance::Attributes(text), run) => {
            format!("type=provenance,{}", with_builder(text, run))
        }
    };
    normalised(&text).unwrap_or(text)
}

/// What is attested when nobody says anything, and why.
fn of_its_own(
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    builder: &Builder,
) -> (Option<&'static str>, &'static str) {
    if inputs.build.attestations.no_defaults {
        return (None, "BUILDX_NO_DEFAULT_ATTESTATIONS is set");
    }
    if has_docker_exporter(&inputs.build.outputs) || inputs.load {
        return (
            None,
            "an image for the engine needs none; `provenance` overrules this",
        );
    }
    if is_classic_engine(builder, facts) {
        return (None, "the engine's classic image store holds none");
    }
    if is_private(context, facts) {
        (
            Some("mode=min,inline-only=true"),
            "the repository is private; `provenance` overrules this",
        )
    } else {
        (
            Some("mode=max"),
            "the repository is public; `provenance` overrules this",
        )
    }
}

/// True for the engine's own BuildKit where it is known to take none. Its own
/// default holds where the engine was named as a builder and not asked.
fn is_classic_engine(builder: &Builder, facts: &Facts) -> bool {
    match &builder.choice {
        BuilderChoice::Named(name) => {
            name == "default" || Some(name) == facts.docker.endpoint.context.as_ref()
        }
        BuilderChoice::Created(_) | BuilderChoice::Engine => classic_store::builds(builder, facts),
    }
}

fn is_private(context: &RunContext, facts: &Facts) -> bool {
    let told = context.payload.is_private();
    told.or(facts.event.metadata.repository.private)
        .unwrap_or(false)
}

/// The page of this run; a local one has none.
fn run_url(context: &RunContext) -> Option<String> {
    let RunContext {
        server_url,
        repository,
        run_id,
        run_attempt,
        ..
    } = context;
    let attempt = match run_attempt.as_str() {
        "" => "1",
        attempt => attempt,
    };
    (!run_id.is_empty())
        .then(|| format!("{server_url}/{repository}/actions/runs/{run_id}/attempts/{attempt}"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::event::Payload;
    use crate::facts::Engine;
    use crate::host::Host;

    fn values(private: bool, engine: Engine, builder: BuilderChoice, run_id: &str) -> Vec<String> {
        let context = RunContext {
            server_url: "https://h".to_owned(),
            repository: "o/r".to_owned(),
            run_id: run_id.to_owned(),
            payload: Payload::new(json!({"repository": {"private": private}})),
            ..RunContext::default()
        };
        let host = Host::with(&[], Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
        let inputs = Inputs::default();
        let mut facts = Facts::local(&host, &inputs, &context);
        facts.engine = engine;
        let builder = Builder {
            choice: builder,
            reason: String::new(),
        };
        let mut decisions = Vec::new();
        let values = decide(&inputs, &context, &facts, &builder, &mut decisions);
        assert_eq!(decisions.len(), 1, "it is a decision of ours");
        values
    }

    fn running(containerd_store: bool) -> Engine {
        Engine::Running {
            version: "28.0.0".to_owned(),
            containerd_store,
        }
    }

    #[test]
    fn provenance_is_given_where_it_can_be_kept() {
        let named = |name: &str| BuilderChoice::Named(name.to_owned());
        let public =
            ["type=provenance,mode=max,builder-id=https://h/o/r/actions/runs/7/attempts/1"];
        let none: [&str; 0] = [];
        assert_eq!(
            values(false, running(true), BuilderChoice::Engine, "7"),
            public
        );
        assert_eq!(
            values(false, running(false), BuilderChoice::Engine, "7"),
            none
        );
        assert_eq!(values(false, Engine::Unasked, named("b1"), "7"), public);
        assert_eq!(values(false, Engine::Unasked, named("default"), "7"), none);
    }

    #[test]
    fn the_scanner_is_buildkits_own_or_the_one_that_is_given() {
        let own = "docker.io/docker/buildkit-syft-scanner";
        for (text, expected) in [
            ("type=sbom", Some(own)),
            ("type=sbom,disabled=false", Some(own)),
            (
                "type=sbom,generator=ghcr.io/o/scan:1",
                Some("ghcr.io/o/scan"),
            ),
            ("type=sbom,disabled=true", None),
            ("type=provenance,mode=max", None),
        ] {
            let found = scanner(&["type=provenance".to_owned(), text.to_owned()]);
            let found = found.map(|name| name.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_private_repository_says_less_and_a_local_run_names_no_page() {
        assert_eq!(
            values(true, running(true), BuilderChoice::Engine, ""),
            ["type=provenance,mode=min,inline-only=true"]
        );
    }
}
