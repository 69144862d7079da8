//! Builders of several nodes, with a `docker-buildx` that only records: what is
//! done about nodes that the lab cannot have.

use serde_json::Value;

use crate::support::builder_recorder::{FLAGS, calls, own, succeeded};
use crate::support::{Place, Printed, run};

/// Two nodes, each an engine elsewhere.
const TWO: &[(&str, &str)] = &[
    ("driver", "docker-container"),
    ("endpoint", "far"),
    ("builder-platforms", "linux/amd64"),
    ("append", "- endpoint: near\n  platforms: linux/arm64\n"),
];
/// As buildx 0.13 to 0.36 says it.
const GIVEN_UP: &str = "echo 'ERROR: failed to initialize builder b (b0): Cannot connect to the \
                        Docker daemon at tcp://far:2375' >&2; exit 1";

fn text(printed: Printed) -> String {
    printed.out + &printed.err
}

/// The first word of each call.
fn verbs(place: &Place) -> Vec<String> {
    let calls = calls(place);
    let first = |call: &String| call.split('|').next().unwrap().to_owned();
    calls.iter().map(first).collect()
}

/// The calls, with the name of the builder in them in short.
fn named(place: &Place) -> Vec<String> {
    let name = place.text("record/calls");
    let name = name.split('|').nth(2).unwrap();
    let calls = calls(place).into_iter();
    calls.map(|call| call.replace(name, "<unique>")).collect()
}

/// What `inspect` says of the two, with their statuses.
fn inspected(place: &Place, statuses: [&str; 2]) {
    let [first, second] = statuses;
    // Which builder it is, only the call says.
    let script = format!(
        "name=$3; [ \"$2\" = --bootstrap ] || name=$2\n\
         printf 'Name: %s\\nDriver: docker-container\\n\\nNodes:\\n' $name\n\
         printf 'Name: %s0\\nStatus: {first}\\nPlatforms: linux/amd64\\n\\n' $name\n\
         printf 'Name: %s1\\nStatus: {second}\\nPlatforms: linux/arm64*, linux/amd64\\n' $name\n"
    );
    place.write("record/inspecting", &script);
}

#[test]
fn an_engine_that_cannot_be_reached_is_left_out() {
    let place = Place::new();
    let script = format!("case $* in *\\ far) {GIVEN_UP} ;; esac");
    place.write("record/create", &script);
    inspected(&place, ["running", "running"]);
    let printed = run(&mut own(&place, TWO));
    succeeded(&printed);
    assert_eq!(
        named(&place),
        [
            format!(
                "create|--name|<unique>|--driver|docker-container|{FLAGS}|--platform|linux/amd64|far"
            ),
            format!(
                "create|--name|<unique>|--driver|docker-container|--node|<unique>1|{FLAGS}|\
                 --platform|linux/arm64|near"
            ),
            "inspect|--bootstrap|<unique>".to_owned(),
            // What the first one was to build.
            format!(
                "create|--name|<unique>|--driver|docker-container|--node|<unique>1|{FLAGS}|\
                 --platform|linux/arm64,linux/amd64|near"
            ),
            "build".to_owned(),
            "rm|<unique>".to_owned(),
            // Once more by the notes of what was started before that.
            "rm|<unique>".to_owned(),
        ]
    );
    let log = text(printed);
    let warned = log.lines().find(|line| line.starts_with("::warning"));
    let warned = warned.unwrap_or_else(|| panic!("{log}"));
    assert!(
        warned.contains("0 (far) cannot be reached (Cannot connect to the Docker daemon")
            && warned.contains("linux/amd64 is built on"),
        "{warned}"
    );
}

#[test]
fn without_any_node_nothing_is_built() {
    let place = Place::new();
    place.write("record/create", GIVEN_UP);
    let printed = run(&mut own(&place, TWO));
    assert_eq!(printed.code, Some(1));
    assert_eq!(verbs(&place), ["create", "create"]);
    let log = text(printed);
    assert!(log.contains("nodes of the builder"), "{log}");
    assert!(
        log.contains("No other node can build linux/amd64, linux/arm64. Look whether an engine"),
        "{log}"
    );
}

#[test]
fn a_mistake_in_the_inputs_leaves_no_node_out() {
    let place = Place::new();
    let script =
        "case $* in *\\ near) echo 'ERROR: invalid value \"x\", expecting k=v' >&2; exit 1 ;; esac";
    place.write("record/create", script);
    let printed = run(&mut own(&place, TWO));
    assert_eq!(printed.code, Some(1));
    assert_eq!(verbs(&place), ["create", "create", "rm"]);
    let log = text(printed);
    assert!(log.contains("expecting k=v"), "{log}");
}

#[test]
fn a_node_that_does_not_start_is_left_out_and_taken_away_at_the_end() {
    let place = Place::new();
    place.write("record/no-boot", "");
    inspected(&place, ["running", "inactive"]);
    // The second time all that are left are up.
    place.write(
        "record/create",
        "case $* in *--node*) rm -f \"$record/no-boot\" ;; esac",
    );
    let printed = run(&mut own(&place, TWO));
    succeeded(&printed);
    let expected = [
        "create", "create", "inspect", "inspect", "create", "inspect", "create", "build", "rm",
        "rm",
    ];
    assert_eq!(verbs(&place), expected);
    let log = text(printed);
    // What it told on its other stream may come in behind.
    assert!(log.contains("1 (near) cannot be reached (no boot"), "{log}");
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

#[test]
fn a_build_is_done_again_only_for_a_node_that_is_gone() {
    let own_failure = "echo 'ERROR: failed to build: failed to solve: process \"/bin/sh -c exit \
                       3\" did not complete successfully: exit code: 3' >&2; exit 1";
    let transport = "echo 'ERROR: failed to build: failed to receive status: rpc error: code = \
                     Unavailable desc = error reading from server: EOF' >&2; exit 1";
    let once = format!("[ $node = 0 ] || {{ {transport}; }}");
    let made = ["create", "create", "inspect", "build"];
    for (script, second, more, is_well) in [
        (own_failure.to_owned(), "stopped", &["rm"][..], false),
        (transport.to_owned(), "running", &["inspect", "rm"], false),
        (
            once,
            "stopped",
            &["inspect", "create", "build", "rm", "rm"],
            true,
        ),
        // It was the last one.
        (
            transport.to_owned(),
            "stopped",
            &["inspect", "create", "build", "inspect", "rm", "rm"],
            false,
        ),
    ] {
        let place = Place::new();
        // The second node dies with the first build, the first with the second.
        let dies = format!(
            "[ ! -e \"$record/again\" ] && node=1 || node=0\n: > \"$record/again\"\n\
             sed -i \"/%s$node/s/running/{second}/\" \"$record/inspecting\"\n{script}\n"
        );
        place.write("record/build", &dies);
        inspected(&place, ["running", "running"]);
        let printed = run(&mut own(&place, TWO));
        assert_eq!(verbs(&place), [&made[..], more].concat(), "{script}");
        assert_eq!(printed.success, is_well, "{script}");
    }
}

#[test]
fn a_plan_says_which_node_builds_what() {
    let place = Place::new();
    let with = TWO
        .iter()
        .flat_map(|(name, value)| ["--with".to_owned(), format!("{name}={value}")]);
    let arguments = ["publish", "--dry-run", "--format", "json"];
    let arguments = arguments.into_iter().map(str::to_owned).chain(with);
    let printed = run(&mut place.stevedore(arguments));
    succeeded(&printed);
    let plan: Value = serde_json::from_str(&printed.out).unwrap();
    let nodes = &plan["builder"]["choice"]["created"]["nodes"];
    assert_eq!(nodes[1]["endpoint"], "near");
    assert_eq!(nodes[1]["platforms"], serde_json::json!(["linux/arm64"]));
    let decisions = plan["decisions"].as_array().unwrap().iter();
    let mut nodes = decisions.filter(|line| line.as_str().unwrap().starts_with("nodes: "));
    let line = nodes.next().unwrap().as_str().unwrap();
    assert!(
        line.contains("linux/arm64 on stevedore-$RUN1 (near)"),
        "{line}"
    );
}
