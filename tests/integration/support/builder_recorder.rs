//! A `docker-buildx` that keeps notes of builders as buildx does, and records its
//! calls.

use crate::support::recorder::step;
use crate::support::{Place, Printed, run};
use std::fs;
use std::process::Command;

/// Keeps notes of builders as buildx does, and writes every call down as a line.
/// What it does for a build is in `record/build`, before it makes a builder in
/// `record/create`, what it tells of a builder in `record/inspect`.
fn recorder(place: &Place) {
    fs::create_dir_all(place.path("record")).unwrap();
    let script = format!(
        r#"record={}
line=
for argument; do line="$line|$argument"; done
printf '%s\n' "${{line#|}}" >> "$record/calls"
notes=$BUILDX_CONFIG/instances
case $1 in
  create)
    [ ! -e "$record/create" ] || . "$record/create"
    mkdir -p "$notes"
    [ "$4" = --append ] || echo '{{"Driver":"'"$5"'"}}' > "$notes/$3"
    echo "$BUILDX_CONFIG" > "$record/folder"
    cp -r "$BUILDX_CONFIG/../tls" "$BUILDX_CONFIG/../buildkitd.toml" "$record/" 2>/dev/null
    find "$BUILDX_CONFIG/../tls" "$BUILDX_CONFIG/../buildkitd.toml" -type f -printf '%m\n' 2>/dev/null > "$record/modes"
    env > "$record/environment"
    echo '::error::from create' >&2 ;;
  inspect)
    [ ! -e "$record/inspecting" ] || . "$record/inspecting"
    cat "$record/inspect" 2>/dev/null; [ ! -e "$record/no-boot" ] || {{ echo 'ERROR: no boot' >&2; [ "$2" != --bootstrap ] || exit 1; }} ;;
  rm) for name; do :; done; rm "$notes/$name" || exit 1 ;;
  build) [ ! -e "$record/build" ] || . "$record/build" ;;
esac
exit 0
"#,
        place.path("record").display()
    );
    place.buildx(&script);
}

/// A step with a builder of its own; no engine can be reached.
pub(crate) fn own(place: &Place, inputs: &[(&str, &str)]) -> Command {
    recorder(place);
    let mut command = step(place, inputs);
    let named = inputs.iter().any(|(name, _)| *name == "builder");
    if !named {
        command.env_remove("INPUT_BUILDER");
    }
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    command
}

/// The calls, with what differs from run to run in short.
pub(crate) fn calls(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(place.path("record/calls")).unwrap_or_default();
    let folder = fs::read_to_string(place.path("record/folder")).unwrap_or_default();
    let folder = folder.trim().trim_end_matches("/buildx");
    let mut calls = Vec::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        if !folder.is_empty() {
            line = line.replace(folder, "<run>");
        }
        if line.starts_with("build|") {
            line = "build".to_owned();
        }
        calls.push(unique(&line));
    }
    calls
}

/// `stevedore-` and 16 digits, as `<unique>`.
fn unique(line: &str) -> String {
    let mut words: Vec<String> = line.split('|').map(str::to_owned).collect();
    for word in &mut words {
        let digits = word.strip_prefix("stevedore-").unwrap_or_default();
        if digits.len() == 16 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
            *word = "<unique>".to_owned();
        }
    }
    words.join("|")
}

pub(crate) fn succeeded(printed: &Printed) {
    assert!(printed.success, "{}{}", printed.out, printed.err);
}

pub(crate) const FLAGS: &str = "--buildkitd-flags|--allow-insecure-entitlement security.insecure \
                     --allow-insecure-entitlement network.host";

#[test]
fn a_docker_container_builder_is_made_used_and_removed() {
    let place = Place::new();
    let printed = run(&mut own(
        &place,
        &[
            ("driver", "docker-container"),
            ("endpoint", "far"),
            (
                "driver-opts",
                "image=moby/buildkit:master\n\"env.no_proxy=a,b\"",
            ),
            ("builder-platforms", "linux/amd64,linux/arm64"),
            ("buildkitd-config-inline", "debug = true\n"),
        ],
    ));
    succeeded(&printed);
    let options = "--driver-opt|image=moby/buildkit:master|--driver-opt|\"env.no_proxy=a,b\"";
    assert_eq!(
        calls(&place),
        [
            format!(
                "create|--name|<unique>|--driver|docker-container|{options}|{FLAGS}|\
                 --platform|linux/amd64,linux/arm64|--buildkitd-config|<run>/buildkitd.toml|far"
            ),
            "inspect|--bootstrap|<unique>".to_owned(),
            "build".to_owned(),
            "rm|<unique>".to_owned(),
        ]
    );
    let build = place.text("record/calls");
    let build = build
        .lines()
        .find(|line| line.starts_with("build|"))
        .unwrap();
    assert!(build.contains("|--builder|stevedore-"), "{build}");
    assert_eq!(place.text("record/buildkitd.toml"), "debug = true");
    assert_eq!(place.text("record/modes"), "600\n");
    assert_eq!(place.list("temp"), Vec::<String>::new());
    assert_eq!(place.list("home"), Vec::<String>::new());
    let log = printed.out + &printed.err;
    assert!(
        log.contains("made for this run with the driver docker-container: `driver`"),
        "{log}"
    );
}
