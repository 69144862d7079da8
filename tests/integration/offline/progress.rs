//! What a run shows of a build: log, summary and report, for streams of
//! `--progress=rawjson` that were recorded from real builds.

use std::fs;

use serde_json::Value;

use crate::support::recorder::{DIGEST, outputs, step};
use crate::support::{Place, Printed, read, root, run};

/// A `docker-buildx` that prints a recorded stream and ends with this code.
fn player(place: &Place, stream: &str, code: u8) {
    let folder = root().join("tests/progress");
    let script = format!(
        r#"#!/bin/sh
case " $* " in
  " version ") echo "github.com/docker/buildx v0.29.1 1a1ec9a"; exit 0;;
  *" --print "*) cat "{0}/bake-print.json"; exit 0;;
esac
[ {code} != 0 ] || while [ $# -gt 0 ]; do
  [ "$1" = --metadata-file ] && echo '{{"containerimage.digest":"{DIGEST}"}}' > "$2"
  shift
done
cat "{0}/{stream}.txt" >&2
exit {code}
"#,
        folder.display()
    );
    place.program("docker-buildx", &script);
    for file in ["Dockerfile", "docker-bake.json"] {
        place.write(
            &format!("workspace/{file}"),
            &read(&format!("tests/progress/{file}")),
        );
    }
    place.write("workspace/mark", "");
}

fn play(stream: &str, code: u8, dockerfile: &str, inputs: &[(&str, &str)]) -> (Place, Printed) {
    let place = Place::new();
    player(&place, stream, code);
    if !dockerfile.is_empty() {
        let text = read(&format!("tests/progress/{dockerfile}"));
        place.write("workspace/Dockerfile", &text);
    }
    let mut all = vec![
        ("push", "false"),
        ("driver", "docker"),
        ("cache", "none"),
        ("images", "127.0.0.1:5600/progress/app"),
    ];
    if stream != "bake" {
        all.push(("context", "."));
    }
    all.extend(inputs);
    let printed = run(&mut step(&place, &all));
    let why = format!("{}{}", printed.out, printed.err);
    assert!(place.path("output").exists(), "{why}");
    assert_eq!(printed.success, code == 0, "{why}");
    (place, printed)
}

/// Log, summary and report, without what differs from run to run.
fn shown(place: &Place, printed: &Printed) -> String {
    let path = &outputs(place)["report"];
    let mut report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    report["seconds"] = Value::from(0);
    report["stevedore"] = Value::from("");
    let report = serde_json::to_string_pretty(&report).unwrap();
    let summary = place.text("summary");
    format!(
        "{}\n--- summary\n{summary}\n--- report\n{report}\n",
        printed.out
    )
}

macro_rules! assert_shown {
    ($played:expr) => {
        let (place, printed) = $played;
        insta::with_settings!({filters => vec![
            (r"/\S*/temp/stevedore-[^/]+", "<run>"),
            (r"::add-mask::\S+\n", ""),
            (r"org\.opencontainers\.image\.\S+=.*\n", ""),
            (r"::(stop-commands::)?[0-9a-f]{32}(::)?", "::<token>"),
        ]}, {
            insta::assert_snapshot!(shown(&place, &printed));
        });
    };
}

const BOTH: (&str, &str) = ("platforms", "linux/amd64,linux/arm64");
const ONE: (&str, &str) = ("platforms", "linux/amd64");

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "the streams are of an x86-64 machine"
)]
fn two_platforms() {
    assert_shown!(play("two-platforms", 0, "", &[BOTH]));
}

#[test]
fn two_platforms_that_are_cached() {
    assert_shown!(play("cached", 0, "", &[BOTH]));
}

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "the streams are of an x86-64 machine"
)]
fn a_run_that_fails_in_emulation() {
    assert_shown!(play("failed-run", 1, "Dockerfile.failed-run", &[BOTH]));
}

#[test]
fn a_copy_that_fails() {
    assert_shown!(play("failed-copy", 1, "Dockerfile.failed-copy", &[ONE]));
}

#[test]
fn a_push_that_fails() {
    let inputs = [
        ONE,
        ("images", "127.0.0.1:1/progress/app"),
        ("tags", "1"),
        ("push", "true"),
        ("preflight", "off"),
        ("push-attempts", "1"),
    ];
    assert_shown!(play("failed-push", 1, "", &inputs));
}

#[test]
fn a_push_of_something_else_that_keeps_failing_ends_the_run() {
    let inputs = [
        ONE,
        ("push", "true"),
        ("preflight", "off"),
        ("push-attempts", "1"),
    ];
    let (_, printed) = play("failed-push", 1, "", &inputs);
    let failed = "failed to push 127.0.0.1:1/progress/app:1";
    assert!(printed.out.contains(failed), "{}", printed.out);
}

#[test]
fn a_build_that_is_cancelled() {
    assert_shown!(play("cancelled", 1, "", &[ONE]));
}

#[test]
fn a_node_that_is_lost() {
    assert_shown!(play("lost-node", 1, "", &[ONE]));
}

#[test]
fn three_targets_of_which_one_fails() {
    let inputs = [("bake-files", "docker-bake.json"), ("images", "")];
    let (place, mut printed) = play("bake", 1, "", &inputs);
    // What was ended with the one that failed is built again, side by side.
    assert!(printed.out.contains("[web 1/2]: failed"), "{}", printed.out);
    printed.out.clear();
    assert_shown!((place, printed));
}

#[test]
fn folded_and_quiet() {
    let (_, grouped) = play(
        "failed-copy",
        1,
        "Dockerfile.failed-copy",
        &[ONE, ("progress", "grouped")],
    );
    let (_, quiet) = play(
        "failed-run",
        1,
        "Dockerfile.failed-run",
        &[BOTH, ("progress", "quiet")],
    );
    assert!(!quiet.out.contains(": done"), "{}", quiet.out);
    assert!(quiet.out.contains("out of luck"), "{}", quiet.out);
    assert!(grouped.out.contains(": failed"), "{}", grouped.out);
}

fn keys(value: &Value, found: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(all) => all.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_report_is_described() {
    let (place, _) = play("failed-copy", 1, "Dockerfile.failed-copy", &[ONE]);
    let path = &outputs(&place)["report"];
    let report: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut found = std::collections::BTreeSet::new();
    keys(&report, &mut found);
    let docs = read("docs/report.md");
    for key in found {
        assert!(docs.contains(&format!("`{key}`")), "{key}");
    }
}
