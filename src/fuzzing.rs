//! What reads text of others, as fuzz targets call it.
//!
//! `fuzz/fuzz_targets` has a program for each of [`TARGETS`]; a test gives each the
//! files of its folder in `fuzz/seeds`, among them everything that was found.
//! None of them may panic, take long or become large, whatever the bytes are.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::advice;
use crate::diagnosis::{self, Circumstances, Login};
use crate::error::sanitize::{self, WORDS};
use crate::event::{Payload, RunContext};
use crate::facts::{self, Facts};
use crate::host::Host;
use crate::image::{Access, ImageName, Platform, Registry};
use crate::input::matrix::MatrixPlan;
use crate::input::metadata::inputs::RawMetadata;
use crate::input::spec::ActionKind;
use crate::input::{Inputs, MetadataInputs, RawInputs};
use crate::metadata::{self, Repository, TagContext};
use crate::registry::{self, Refusal, Stage};
use crate::secret::{self, Secret};
use crate::{execute, plan, workflow};

/// A name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 10] = [
    ("bake", bake),
    ("diagnosis", diagnosis),
    ("docker_config", docker_config),
    ("dockerfile", dockerfile),
    ("inputs", inputs),
    ("matrix", matrix),
    ("metadata", rules),
    ("progress", progress),
    ("registry", answers),
    ("workflow", workflow),
];

/// What stands between the parts of one text.
const SEPARATOR: char = '\u{1}';
/// A password that JSON, HTML and addresses spell otherwise.
const PASSWORD: &str = "hun\"t&r %2\\";
const SHA: &str = "860c1904a1ce19322e91ac35af1ab07466440c37";

/// The parts of a text, and then nothing.
fn parts(bytes: &[u8]) -> impl FnMut() -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let parts: Vec<String> = text.split(SEPARATOR).map(str::to_owned).collect();
    let mut parts = parts.into_iter();
    move || parts.next().unwrap_or_default()
}

fn host() -> Host {
    Host::with(&[], Path::new("/nowhere"), Timestamp::UNIX_EPOCH)
}

fn context() -> RunContext {
    RunContext {
        event_name: "push".to_owned(),
        git_ref: "refs/heads/main".to_owned(),
        sha: SHA.to_owned(),
        repository: "Acme/App".to_owned(),
        actor: "octocat".to_owned(),
        server_url: "https://github.com".to_owned(),
        api_url: "https://api.github.com".to_owned(),
        ..RunContext::default()
    }
}

/// Plans with these inputs and facts, and writes the plan in both forms.
fn plan_of(inputs: &Inputs, facts: &Facts) {
    if let Ok(plan) = plan::plan(inputs, &context(), facts) {
        let _ = (plan.to_string(), plan.to_json());
    }
}

/// Compose files, and what buildx prints of bake files.
pub fn bake(bytes: &[u8]) {
    let host = host();
    let text = String::from_utf8_lossy(bytes);
    facts::fuzzing::read_compose(&text);
    let Some(bake) = facts::fuzzing::read_bake(&text, &host) else {
        return;
    };
    let mut raw = RawInputs::from_environment(ActionKind::Publish, &host);
    raw.set("bake-files", "docker-bake.hcl");
    let (inputs, _) = Inputs::parse(&raw, &host);
    let mut facts = Facts::local(&host, &inputs, &context());
    facts.bake = bake;
    plan_of(&inputs, &facts);
}

/// The plan of a matrix, what its jobs have told, and what they have pushed.
pub fn matrix(bytes: &[u8]) {
    let mut part = parts(bytes);
    let (plan, results) = (part(), part());
    registry::fuzzing::join(&[part(), part()]);
    let plan = serde_json::from_str::<MatrixPlan>(&plan).map(MatrixPlan::with_identity);
    let Ok(plan) = plan else {
        return;
    };
    let Ok(text) = plan.to_json() else {
        return;
    };
    let results = results.replace("PLAN", &plan.id);
    let host = host();
    let inputs = |kind, more: &[(&str, &str)]| {
        let mut raw = RawInputs::from_environment(kind, &host);
        raw.set("plan", &text);
        for (name, value) in more {
            raw.set(name, value);
        }
        let (inputs, _) = Inputs::parse(&raw, &host);
        let facts = Facts::local(&host, &inputs, &context());
        (inputs, facts)
    };
    let (leg, facts) = inputs(ActionKind::Publish, &[("leg", "0")]);
    plan_of(&leg, &facts);
    let (inputs, facts) = inputs(ActionKind::Merge, &[("results", &results)]);
    if let Some(merge) = &inputs.merge
        && let Ok(plan) = plan::merge(&inputs, merge, &context(), &facts)
    {
        let _ = (plan.to_string(), plan.to_json());
    }
}

/// The text of failed builds and pushes, the words of registries and buildx, and
/// a secret that is in them.
pub fn diagnosis(bytes: &[u8]) {
    let mut part = parts(bytes);
    let (text, secret) = (part(), Secret::new(&part()));
    let context = context();
    let image = ImageName::parse("ghcr.io/acme/app").ok();
    let circumstances = Circumstances {
        context: &context,
        image: image.as_ref(),
        given_as: None,
        login: Login::GithubToken,
        access: Access::Push,
        package: None,
        scanners: &[],
    };
    let _ = diagnosis::subject(&text);
    if let Some(password) = Secret::new(PASSWORD) {
        let hidden = secret::hide(&text, [&password]);
        assert!(!hidden.contains(PASSWORD), "{hidden}");
    }
    let refusal = Refusal::new(Stage::Upload, 403, &text, &secret);
    let all = [
        Some(diagnosis::of_push(&text, &circumstances)),
        Some(diagnosis::of_refusal(&refusal, &circumstances)),
        Some(diagnosis::of_silence(&text, &circumstances)),
        diagnosis::of_log(&text, &circumstances),
    ];
    for found in all.into_iter().flatten() {
        let shown = found.words;
        assert!(
            !shown.contains(|c: char| c.is_control() && c != '\n'),
            "{shown:?}"
        );
    }
    let line = sanitize::clean(&secret::hide(&text, &secret), WORDS);
    assert!(line.chars().count() <= WORDS + 1 && !line.contains(char::is_control));
    let lines = sanitize::clean_lines(&text, WORDS);
    assert!(
        !lines.contains(|c: char| c.is_control() && c != '\n'),
        "{lines:?}"
    );
    execute::fuzzing::read_words(&text);
    facts::fuzzing::read_machine(&text);
}

/// A Docker configuration, and a registry that is looked up in it.
pub fn docker_config(bytes: &[u8]) {
    let mut part = parts(bytes);
    let settings = facts::fuzzing::read_docker_config(&part(), &host());
    let registry = Registry::parse(&part()).or_else(|_| Registry::parse("ghcr.io"));
    if let Ok(registry) = registry {
        let _ = settings.is_logged_in(&registry);
        registry::fuzzing::look_up(settings.config, &registry);
    }
}

/// A Dockerfile, a target, and build arguments, one a line.
pub fn dockerfile(bytes: &[u8]) {
    let mut part = parts(bytes);
    let (text, target, arguments) = (part(), part(), part());
    let arguments: Vec<String> = arguments.lines().map(str::to_owned).collect();
    let target = (!target.is_empty()).then_some(target.as_str());
    let names = ["linux/amd64", "linux/arm64", "linux/arm/v7"];
    let platforms: Vec<Platform> = names.iter().filter_map(|name| name.parse().ok()).collect();
    plan::fuzzing::follow_dockerfile(&text, target, &arguments, &platforms);
    for advice in advice::advise(&advice::Question {
        file: "Dockerfile",
        text: &text,
        steps: &[],
        context: None,
        is_emulated: true,
    }) {
        let (first, last) = advice.lines;
        assert!(first >= 1 && first <= last, "{advice:?}");
        assert!(last <= text.lines().count().max(1), "{advice:?}");
    }
}

/// Inputs, each as `NAME=VALUE`; whole YAML documents among them.
pub fn inputs(bytes: &[u8]) {
    let host = host();
    let mut raw = RawInputs::from_environment(ActionKind::Publish, &host);
    let mut part = parts(bytes);
    loop {
        let text = part();
        let Some((name, value)) = text.split_once('=') else {
            break;
        };
        raw.set(name, value);
    }
    // Bad ones are left out there, so that the good ones are planned all the same.
    let (inputs, _) = Inputs::parse(&raw, &host);
    let mut facts = Facts::local(&host, &inputs, &context());
    facts.workspace.no_dockerfile = None;
    facts.workspace.context_exists = true;
    plan_of(&inputs, &facts);
}

/// Rules, flavour, labels, images, ref, event, payload and clock: every tag that is
/// not reported is valid.
pub fn rules(bytes: &[u8]) {
    let mut part = parts(bytes);
    let (tags, flavor, labels, images) = (part(), part(), part(), part());
    let raw = RawMetadata {
        tags: &tags,
        flavor: &flavor,
        labels: &labels,
        images: &images,
        ..RawMetadata::default()
    };
    let context = RunContext {
        git_ref: part(),
        event_name: part(),
        sha: SHA.to_owned(),
        payload: Payload::new(serde_json::from_str(&part()).unwrap_or_default()),
        ..RunContext::default()
    };
    let now = part().parse().unwrap_or(Timestamp::UNIX_EPOCH);
    let Ok(inputs) = MetadataInputs::parse(&raw) else {
        return;
    };
    let facts = metadata::Facts {
        now,
        time_zone: TimeZone::UTC,
        repository: Repository::from_payload(&context.payload).unwrap_or_default(),
        commit_date: metadata::commit_date(&context.payload, SHA),
    };
    let Ok(found) = metadata::resolve(&inputs, &TagContext::of_event(&context, "true"), &facts)
    else {
        return;
    };
    let bad = found.tag_names.iter().filter(|tag| !is_oci_tag(tag));
    let reported = found
        .unpublishable
        .iter()
        .filter(|problem| problem.input != "images");
    assert_eq!(bad.count(), reported.count());
}

fn is_oci_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let all = tag.chars().all(|c| word(c) || c == '.' || c == '-');
    tag.len() <= 128 && tag.starts_with(word) && all
}

/// A progress of buildx; the first byte says of how many targets.
pub fn progress(bytes: &[u8]) {
    if let Some((first, rest)) = bytes.split_first() {
        execute::fuzzing::read_progress(rest, first % 2 == 1);
    }
}

/// What registries and token endpoints answer.
pub fn answers(bytes: &[u8]) {
    registry::fuzzing::read_answers(bytes);
}

/// A workflow file, a payload, and expressions.
pub fn workflow(bytes: &[u8]) {
    let mut part = parts(bytes);
    let (text, payload, variable, expression) = (part(), part(), part(), part());
    let payload: Value = serde_json::from_str(&payload).unwrap_or_default();
    let context = RunContext {
        payload: Payload::new(payload),
        ..context()
    };
    let wanted = workflow::step::StepQuery {
        job: None,
        part: ActionKind::Publish,
    };
    let _ = wanted.find("w.yml", &text, &context, true);
    workflow::fuzzing::fill(&variable, &expression, &context);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::TARGETS;

    #[test]
    fn every_seed_is_read() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, target) in TARGETS {
            let folder = root.join("fuzz/seeds").join(name);
            let seeds = fs::read_dir(&folder).unwrap_or_else(|_| panic!("no seeds for {name}"));
            for seed in seeds {
                let path = seed.unwrap().path();
                let begun = Instant::now();
                target(&fs::read(&path).unwrap());
                let took = begun.elapsed();
                assert!(
                    took < Duration::from_secs(10),
                    "{}: {took:?}",
                    path.display()
                );
            }
        }
    }

    #[test]
    fn every_target_has_a_program_of_its_own() {
        let manifest = include_str!("../fuzz/Cargo.toml");
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        for (name, _) in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            let program = root.join(format!("fuzz/fuzz_targets/{name}.rs"));
            assert!(program.exists(), "{name}");
        }
        assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    }
}
