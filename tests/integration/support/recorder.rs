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
[ "$1" = version ] && exit 1
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

/// A `docker-buildx` of some version, with a docker-container builder, that
/// writes down how it is called to build: the arguments, each ended by a NUL,
/// and the content and mode of each secret's file.
pub(crate) fn build_recorder(place: &Place, version: &str) {
    let record = place.path("record");
    fs::create_dir_all(&record).unwrap();
    let script = format!(
        r#"#!/bin/sh
record={}
case "$1" in
  version) echo "$*" >> "$record/other"; echo "github.com/docker/buildx {version} 1a1ec9a"; exit 0;;
  build) ;;
  inspect)
    printf 'Name:   b1\nDriver: docker-container\n\nNodes:\nName:             b10\n'
    printf 'Endpoint:         unix:///var/run/docker.sock\nStatus:           running\n'
    printf 'BuildKit version: v0.25.1\nPlatforms:        linux/amd64, linux/arm64\n'
    exit 0;;
  *) echo "$*" >> "$record/other"; exit 1;;
esac
: > "$record/arguments"
count=0
while [ $# -gt 0 ]; do
  printf '%s\0' "$1" >> "$record/arguments"
  case "$1" in
    id=*,src=*/stevedore-*)
      cp "${{1##*,src=}}" "$record/secret.$count"
      stat -c %a "${{1##*,src=}}" >> "$record/modes"
      count=$((count + 1));;
    --metadata-file) echo '{{"containerimage.digest":"{DIGEST}"}}' > "$2";;
  esac
  shift
done
"#,
        record.display()
    );
    place.program("docker-buildx", &script);
}

/// How the recorder was called to build, with `<file: …>` for a secret's file.
pub(crate) fn built_with(place: &Place) -> Vec<String> {
    let text = place.text("record/arguments");
    let mut count = 0;
    let mut shown = |argument: &str| match argument.split_once(",src=") {
        Some((id, file)) if argument.starts_with("id=") && file.contains("/stevedore-") => {
            let content = place.text(&format!("record/secret.{count}"));
            count += 1;
            format!("{id},src=<file: {content}>")
        }
        _ => argument.to_owned(),
    };
    text.split_terminator('\0').map(&mut shown).collect()
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

/// The post step after it, with what main left for it.
pub(crate) fn post(place: &Place) -> Command {
    let mut command = place.stevedore(["post"]);
    command.env("GITHUB_ACTIONS", "true");
    for (name, value) in heredocs(&place.text("state")) {
        command.env(format!("STATE_{name}"), value);
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
