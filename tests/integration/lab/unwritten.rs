//! Files and streams that cannot be written: what was published is not lost
//! with them.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::support::recorder::{outputs, step};
use crate::support::{Lab, Place};

/// Runs a step whose output is read up to a line that has this text, and then
/// by nobody.
fn run_unread(command: &mut Command, until: &str) -> Option<i32> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let found = lines.any(|line| line.unwrap().contains(until));
    assert!(found, "{until}");
    drop(lines);
    child.wait().unwrap().code()
}

#[test]
#[ignore = "needs the lab"]
fn a_log_that_nobody_reads_any_more_stops_nothing() {
    let lab = Lab::get();
    let place = Place::new();
    let mark = place.mark();
    let dockerfile =
        format!("ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo {mark}; sleep 2; echo second\n");
    place.write("workspace/Dockerfile", &dockerfile);
    let inputs = [
        ("images", format!("{}/tests/unread", lab.open_registry)),
        ("build-args", format!("BASE={}", lab.open_base)),
        ("platforms", "linux/amd64".to_owned()),
    ];
    let inputs = inputs.iter().map(|(name, value)| (*name, value.as_str()));
    let inputs: Vec<_> = inputs.chain([("builder", ""), ("push", "true")]).collect();
    let mut command = step(&place, &inputs);
    command.env("DOCKER_HOST", std::env::var("DOCKER_HOST").unwrap());
    assert_eq!(run_unread(&mut command, "load build definition"), Some(0));
    let outputs = outputs(&place);
    assert!(outputs["digest"].starts_with("sha256:"), "{outputs:?}");
    assert_eq!(outputs["published"], outputs["tags"]);
    assert!(place.text("summary").contains(&outputs["digest"]));
    assert_eq!(place.list("temp"), Vec::<String>::new());
}
