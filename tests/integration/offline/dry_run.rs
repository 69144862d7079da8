//! `publish --dry-run`: the plan, from nothing but options and files.

use serde_json::Value;

use crate::support::{Place, event, root, run};

fn plan(arguments: &[&str]) -> Value {
    let place = Place::new();
    let mut all = vec!["publish", "--dry-run", "--format", "json"];
    all.extend(arguments);
    let printed = run(&mut place.stevedore(all));
    assert!(printed.success, "{}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

fn example(name: &str, more: &[&str]) -> Value {
    let file = root().join(format!("examples/events/{name}.json"));
    let mut arguments = vec!["--event-file", file.to_str().unwrap()];
    arguments.extend(more);
    plan(&arguments)
}

fn tags(plan: &Value) -> Vec<&str> {
    let tags = plan["tags"].as_array().unwrap();
    tags.iter().map(|tag| tag.as_str().unwrap()).collect()
}

#[test]
fn default_tags_of_each_event() {
    let image = "ghcr.io/acme/hit-counter";
    for (name, more, expected) in [
        ("push-branch", vec![], vec!["main"]),
        (
            "push-branch",
            vec!["--ref", "refs/heads/releases/v1"],
            vec!["releases-v1"],
        ),
        ("push-tag", vec![], vec!["v0.2.0", "latest"]),
        ("push-prerelease", vec![], vec!["v2.0.8-beta.67", "latest"]),
        ("pull-request", vec![], vec!["pr-2"]),
        ("schedule", vec![], vec!["nightly", "main"]),
    ] {
        let plan = example(name, &more);
        let expected: Vec<String> = expected
            .iter()
            .map(|tag| format!("{image}:{tag}"))
            .collect();
        assert_eq!(tags(&plan), expected, "{name} {more:?}");
    }
}

#[test]
fn a_plan_as_a_person_reads_it() {
    let place = Place::new();
    let file = root().join("examples/events/push-tag.json");
    let printed = run(&mut place.stevedore([
        "publish",
        "--dry-run",
        "--event-file",
        file.to_str().unwrap(),
        "--with",
        "build-args=GREETING=hello world",
        "--with",
        "target=production",
        "--with",
        "github-token=ghs_secret",
    ]));
    assert!(printed.success, "{}", printed.err);
    insta::assert_snapshot!(printed.out);
}

#[test]
fn without_any_option_the_event_is_made_up_and_fits() {
    let plan = plan(&[]);
    assert_eq!(tags(&plan), ["ghcr.io/owner/repository:main"]);
    assert_eq!(plan["publication"]["push"], true);
    let plan = self::plan(&["--event-name", "pull_request", "--repository", "Acme/App"]);
    assert_eq!(tags(&plan), ["ghcr.io/acme/app:pr-1"]);
    assert_eq!(plan["publication"]["push"], false);
}

#[test]
fn the_clock_is_an_option_and_source_date_epoch_is_not_the_clock() {
    let place = Place::new();
    let arguments = ["publish", "--dry-run", "--now", "2020-01-02T03:04:05Z"];
    let printed = run(place.stevedore(arguments).env("SOURCE_DATE_EPOCH", "0"));
    assert!(
        printed.out.contains("created=2020-01-02T03:04:05.000Z"),
        "{}",
        printed.out
    );
}

#[test]
fn a_workflow_brings_its_inputs() {
    let place = Place::new();
    let workflow = root().join("examples/workflows/semver.yml");
    let printed = run(&mut place.stevedore([
        "publish",
        "--dry-run",
        "--workflow",
        workflow.to_str().unwrap(),
        "--ref",
        "refs/tags/v1.2.3",
        "--repository",
        "acme/app",
    ]));
    assert!(printed.success, "{}", printed.err);
    for tag in ["1.2.3", "1.2", "1", "latest"] {
        assert!(
            printed.out.contains(&format!("ghcr.io/acme/app:{tag}\n")),
            "{tag}"
        );
    }
}

#[test]
fn every_example_workflow_has_a_plan_for_its_events() {
    for (workflow, event_name) in [
        ("publish", "push-branch"),
        ("publish", "push-tag"),
        ("publish", "pull-request"),
        ("semver", "push-tag"),
        ("pull-request", "pull-request"),
        ("nodes-tls", "push-tag"),
        ("nodes-ssh", "push-tag"),
        ("nodes-kubernetes", "push-branch"),
    ] {
        let file = root().join(format!("examples/workflows/{workflow}.yml"));
        let plan = example(event_name, &["--workflow", file.to_str().unwrap()]);
        assert!(!tags(&plan).is_empty(), "{workflow} {event_name}");
        let is_pull_request = event_name == "pull-request";
        assert_eq!(
            plan["publication"]["push"], !is_pull_request,
            "{workflow} {event_name}"
        );
    }
}

#[test]
fn an_expression_that_only_github_knows_is_named() {
    let place = Place::new();
    place.write(
        "workspace/w.yml",
        "jobs: {a: {steps: [{uses: acme/stevedore@v1, with: {target: '${{ matrix.x }}'}}]}}",
    );
    let printed = run(&mut place.stevedore(["publish", "--dry-run", "--workflow", "w.yml"]));
    assert!(printed.err.contains("${{ matrix.x }}"), "{}", printed.err);
    assert!(
        printed.err.contains("--with target=VALUE"),
        "{}",
        printed.err
    );
}

#[test]
fn no_docker_and_no_network_are_needed() {
    let place = Place::new();
    let mut command = place.stevedore(["publish", "--dry-run"]);
    command
        .env("PATH", "/nonexistent")
        .env("DOCKER_HOST", "unix:///nonexistent")
        .env("GITHUB_API_URL", "http://127.0.0.1:1");
    let printed = run(&mut command);
    assert!(printed.success, "{}", printed.err);
    let made_up = "GITHUB_REPOSITORY owner/repository: made up";
    assert!(printed.err.contains(made_up), "{}", printed.err);
    assert!(!printed.err.contains("warning"), "{}", printed.err);
}

#[test]
fn no_plan_holds_a_secret() {
    for format in ["text", "json"] {
        let place = Place::new();
        let printed = run(&mut place.stevedore([
            "publish",
            "--dry-run",
            "--format",
            format,
            "--with",
            "password=hunter22",
            "--with",
            "username=me",
            "--with",
            "registry-auth=[{registry: docker.io, username: me, password: hunter33}]",
            "--with",
            "github-token=ghs_hunter44",
        ]));
        assert!(printed.success, "{}", printed.err);
        let all = printed.out + &printed.err;
        assert!(!all.contains("hunter"), "{all}");
        assert!(all.contains("docker.io"), "{all}");
    }
}

#[test]
fn hostile_text_of_an_event_stays_in_its_line() {
    let place = Place::new();
    let mut hostile = event("push-tag");
    hostile["repository"]["description"] = "x\n::error::y\u{1b}[31m$(id)`id`".into();
    place.write("workspace/event.json", &hostile.to_string());
    let mut command = place.stevedore(["publish", "--dry-run", "--event-file", "event.json"]);
    let printed = run(&mut command);
    assert!(printed.success, "{}", printed.err);
    assert!(!printed.out.contains("\n::error"), "{}", printed.out);
    assert!(!printed.out.contains('\u{1b}'), "{}", printed.out);
}

#[test]
fn images_that_are_switched_off_are_published_nowhere() {
    let plan = plan(&["--with", "images=name=quay.io/acme/app,enable=false"]);
    assert_eq!(tags(&plan), Vec::<&str>::new());
    assert_eq!(plan["publication"]["push"], false);
    assert!(!plan["command"].as_str().unwrap().contains("--push"));
}

/// Under GitHub Actions the plan may go to a file, and the log may not.
#[test]
fn a_plan_in_a_workflow_is_clean_and_its_masks_are_seen() {
    let place = Place::new();
    let mut hostile = event("push-tag");
    hostile["repository"]["description"] = "x ##[set-output name=tags;]evil".into();
    place.write("workspace/event.json", &hostile.to_string());
    for format in ["json", "text"] {
        let mut command = place.stevedore([
            "publish",
            "--dry-run",
            "--format",
            format,
            "--event-file",
            "event.json",
            "--ref",
            "refs/tags/v1",
            "--sha",
            "abc",
            "--repository",
            "acme/app",
            "--event-name",
            "push",
            "--with",
            "labels=a=b\n::warning::pwn=x",
            "--with",
            "github-token=ghs_hunter",
        ]);
        let printed = run(command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_ACTOR", "octocat"));
        assert!(printed.success, "{}", printed.err);
        assert!(
            printed.err.contains("::add-mask::ghs_hunter"),
            "{}",
            printed.err
        );
        // octocat:ghs_hunter, as Docker's configuration holds it.
        assert!(
            printed.err.contains("::add-mask::b2N0b2NhdDpnaHNfaHVudGVy"),
            "{}",
            printed.err
        );
        assert!(!printed.out.contains("##["), "{}", printed.out);
        let command = |line: &str| line.trim_start().starts_with("::");
        assert!(!printed.out.lines().any(command), "{}", printed.out);
        if format == "json" {
            let plan: Value = serde_json::from_str(&printed.out).unwrap();
            let labels = plan["labels"].to_string();
            assert!(
                labels.contains("x ##[set-output"),
                "the same text: {labels}"
            );
        }
    }
}

#[test]
fn what_follows_a_refusal_and_what_is_taken_away_are_in_the_plan() {
    let file = root().join("examples/events/push-tag.json");
    let text = |actor: &str, more: &[&str]| {
        let place = Place::new();
        let event = [
            "publish",
            "--dry-run",
            "--event-file",
            file.to_str().unwrap(),
        ];
        let printed = run(place
            .stevedore(event.iter().chain(more))
            .env("GITHUB_ACTOR", actor));
        assert!(printed.success, "{}", printed.err);
        printed.out
    };
    let usual = text("octocat", &[]);
    assert!(
        !usual.contains("if refused") && !usual.contains("clean-up"),
        "{usual}"
    );
    let warned = text(
        "octocat",
        &["--with", "preflight=warn", "--with", "cleanup=all"],
    );
    assert!(
        warned.contains("if refused  a warning (`preflight: warn`)\n"),
        "{warned}"
    );
    assert!(
        warned.contains("clean-up    the builder and emulators that"),
        "{warned}"
    );
    let dependabot = text("dependabot[bot]", &[]);
    assert!(
        dependabot.contains("if refused  built, not published ("),
        "{dependabot}"
    );
}
