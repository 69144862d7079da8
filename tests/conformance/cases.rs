//! Compares the metadata engine with what docker/metadata-action printed.
//!
//! Cases that may differ are those of the table in docs/conformance.md; one
//! that is in it and does not differ fails the test as well. More cases, in the
//! same form, can be given as a file: `CONFORMANCE_CASES=/path/to/cases.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use stevedore::testing::{Facts, Repository, Severity, TagContext, commit_date, resolve};
use stevedore::testing::{MetadataInputs, RawMetadata};
use stevedore::testing::{Payload, RunContext};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Outputs by name, or the reasons for there being none.
struct Ran {
    outputs: Result<BTreeMap<String, String>, Vec<String>>,
    warnings: Vec<String>,
}

fn run(case: &Value, events: &Value, repositories: &Value) -> Ran {
    let context = RunContext {
        event_name: text(case, "/event_name").to_owned(),
        git_ref: text(case, "/ref").to_owned(),
        sha: text(case, "/sha").to_owned(),
        repository: text(case, "/repository").to_owned(),
        payload: Payload::new(events[text(case, "/event")].clone()),
        ..RunContext::default()
    };
    let context = TagContext::of_event(&context, text(case, "/env/DOCKER_METADATA_PR_HEAD_SHA"));
    let now = Timestamp::from_millisecond(case["now_ms"].as_i64().unwrap()).unwrap();
    let from_api = text(case, "/commit_date").parse().ok();
    let facts = Facts {
        now,
        time_zone: TimeZone::UTC,
        repository: Repository::from_json(&repositories[text(case, "/repo")]),
        commit_date: commit_date(&context.0.payload, &context.0.sha).or(from_api),
    };
    let raw = RawMetadata {
        images: text(case, "/inputs/images"),
        tags: text(case, "/inputs/tags"),
        flavor: text(case, "/inputs/flavor"),
        labels: text(case, "/inputs/labels"),
        annotations: text(case, "/inputs/annotations"),
        sep_tags: text(case, "/inputs/sep-tags"),
        sep_labels: text(case, "/inputs/sep-labels"),
        sep_annotations: text(case, "/inputs/sep-annotations"),
        bake_target: text(case, "/inputs/bake-target"),
        short_sha_length: text(case, "/env/DOCKER_METADATA_SHORT_SHA_LENGTH"),
        annotations_levels: text(case, "/env/DOCKER_METADATA_ANNOTATIONS_LEVELS"),
    };
    let resolved = MetadataInputs::parse(&raw)
        .and_then(|inputs| resolve(&inputs, &context, &facts).map(|found| (found, inputs)));
    match resolved {
        Err(problems) => Ran {
            outputs: Err(problems.iter().map(ToString::to_string).collect()),
            warnings: Vec::new(),
        },
        Ok((metadata, inputs)) => Ran {
            outputs: Ok(metadata
                .outputs(&inputs)
                .into_iter()
                .chain(metadata.bake_files(&inputs))
                .collect()),
            warnings: metadata
                .notices
                .into_iter()
                .filter(|notice| notice.severity == Severity::Warning)
                .map(|notice| notice.text)
                .collect(),
        },
    }
}

/// What differs, as lines with both values.
fn differences(case: &Value, ran: &Ran) -> Vec<String> {
    let expect = &case["expect"];
    let outputs = match (&ran.outputs, expect["ok"].as_bool().unwrap()) {
        (Err(_), false) => return Vec::new(),
        (Err(problems), true) => return vec![format!("we fail: {}", problems.join(" / "))],
        (Ok(outputs), false) => {
            let tags = &outputs["tags"];
            return vec![format!("it fails: {}; we give {tags:?}", expect["errors"])];
        }
        (Ok(outputs), true) => outputs,
    };
    let mut lines = Vec::new();
    for (name, wanted) in expect["outputs"].as_object().unwrap() {
        let ours = outputs.get(name).map(String::as_str);
        // Recorded as text, or parsed; the order of keys counts as well.
        let (ours, wanted) = match wanted {
            Value::String(wanted) => (ours.map(str::to_owned), wanted.clone()),
            parsed => {
                let ours = ours.map(|text| serde_json::from_str::<Value>(text).unwrap());
                (ours.map(|value| value.to_string()), parsed.to_string())
            }
        };
        if ours.as_deref() != Some(&wanted) {
            lines.push(format!("{name}\n    it: {wanted:?}\n    we: {ours:?}"));
        }
    }
    let wanted: Vec<_> = expect["warnings"].as_array().unwrap().iter().collect();
    let wanted: Vec<_> = wanted
        .iter()
        .map(|text| unescape(text.as_str().unwrap()))
        .collect();
    if wanted != ran.warnings {
        lines.push(format!(
            "warnings\n    it: {wanted:?}\n    we: {:?}",
            ran.warnings
        ));
    }
    lines
}

/// Warnings are recorded as workflow commands print them.
fn unescape(text: &str) -> String {
    text.replace("%0A", "\n")
        .replace("%0D", "\r")
        .replace("%25", "%")
}

/// The first column of the table under `## Cases that differ`.
fn allowed() -> Vec<String> {
    let document = fs::read_to_string(root().join("docs/conformance.md")).unwrap();
    let (_, table) = document.split_once("## Cases that differ").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split_once("` |"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn every_case_is_equal_or_explained() {
    let folder = root().join("tests/conformance");
    let events = read(&folder.join("events.json"));
    let repositories = read(&folder.join("repositories.json"));
    let given = std::env::var_os("CONFORMANCE_CASES").map(PathBuf::from);
    let cases = read(given.as_deref().unwrap_or(&folder.join("cases.json")));
    let cases = cases.as_array().unwrap();
    let allowed = allowed();
    let mut differing = Vec::new();
    for case in cases {
        let lines = differences(case, &run(case, &events, &repositories));
        if lines.is_empty() {
            continue;
        }
        let name = text(case, "/name");
        if !allowed.iter().any(|other| other == name) {
            println!(
                "{name}\n  inputs: {}\n  {}",
                case["inputs"],
                lines.join("\n  ")
            );
        }
        differing.push(name.to_owned());
    }
    let equal = cases.len() - differing.len();
    println!("{equal} of {} cases are equal", cases.len());
    differing.sort();
    if given.is_some() {
        differing.retain(|name| !allowed.contains(name));
        assert!(differing.is_empty(), "{} cases differ", differing.len());
    } else {
        let mut allowed = allowed;
        allowed.sort();
        assert_eq!(
            differing, allowed,
            "cases that differ, and those in docs/conformance.md"
        );
    }
}
