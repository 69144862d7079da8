//! A `docker-buildx` that only records, and a step that runs it.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::support::{Place, SHA, event};

/// What the recorder says it has built.
pub(crate) const DIGEST: &str =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Writes down arguments, configuration and environment; tells a digest.
pub(crate) fn recorder(place: &Place) {
    let record = place.path("record");
    fs::create_dir_all(&record).unwrap();
    let script = format!(
        r#"#!/bin/sh
record={}
printf '%s\n' "$@" > "$record/arguments"
env > "$record/environment"
cp "$DOCKER_CONFIG/config.json" "$record/config.json"
stat -c '%a %n' "$DOCKER_CONFIG" "$DOCKER_CONFIG/config.json" "${{DOCKER_CONFIG%/*}}" > "$record/modes"
cp "${{DOCKER_CONFIG%/*}}/git-token" "$record/" 2>/dev/null
while [ $# -gt 0 ]; do
  [ "$1" = --metadata-file ] && echo '{{"containerimage.digest":"{DIGEST}"}}' > "$2"
  shift
done
echo '::error::from the build'
echo '#1 building' >&2
exit 0
"#,
        record.display()
    );
    place.program("docker-buildx", &script);
}

/// A step under GitHub Actions that builds with a builder by name, so that no
/// engine is asked.
pub(crate) fn step(place: &Place, inputs: &[(&str, &str)]) -> Command {
    place.write("event.json", &event("push-tag").to_string());
    let mut command = place.stevedore(Vec::<&str>::new());
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", "push")
        .env("GITHUB_EVENT_PATH", place.path("event.json"))
        .env("GITHUB_REF", "refs/tags/v0.2.0")
        .env("GITHUB_SHA", SHA)
        .env("GITHUB_REPOSITORY", "Acme/Hit-Counter")
        .env("GITHUB_ACTOR", "octocat")
        .env("GITHUB_WORKSPACE", place.path("workspace"))
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("GITHUB_STATE", place.path("state"))
        .env("GITHUB_STEP_SUMMARY", place.path("summary"))
        .env("INPUT_GITHUB-TOKEN", "ghs_hunter1")
        .env("INPUT_BUILDER", "made-earlier")
        .env("INPUT_PUSH", "false");
    for (name, value) in inputs {
        command.env(format!("INPUT_{}", name.to_uppercase()), value);
    }
    command
}

/// The outputs file, read as the runner reads it.
pub(crate) fn outputs(place: &Place) -> BTreeMap<String, String> {
    heredocs(&place.text("output"))
}

/// A file of the runner's, read as it reads it.
pub(crate) fn heredocs(text: &str) -> BTreeMap<String, String> {
    let mut lines = text.split_terminator('\n');
    let mut outputs = BTreeMap::new();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").expect("a heredoc");
        let value: Vec<&str> = lines
            .by_ref()
            .take_while(|line| *line != delimiter)
            .collect();
        outputs.insert(name.to_owned(), value.join("\n"));
    }
    outputs
}
