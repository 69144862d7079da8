//! Bad inputs: all of them in one run, each with name, value and what is accepted.

use crate::support::{Place, event, run};

fn errors(arguments: &[&str]) -> String {
    let place = Place::new();
    let mut all = vec!["publish", "--dry-run"];
    all.extend(arguments);
    let printed = run(&mut place.stevedore(all));
    assert_eq!(printed.code, Some(1), "{}", printed.err);
    assert_eq!(printed.out, "");
    printed.err
}

#[test]
fn all_at_once() {
    let place = Place::new();
    place.write("workspace/docker/Dockerfile.prod", "FROM scratch\n");
    let printed = run(&mut place.stevedore([
        "publish",
        "--dry-run",
        "--with",
        "platforms=linux/amd46,linux/arm64",
        "--with",
        "images=ghcr.io/app",
        "--with",
        "target=a, b",
        "--with",
        "file=Dockerfile.prod",
        "--with",
        "push=maybe",
        "--with",
        "load=perhaps",
        "--with",
        "registry-auth=- registry: docker.io\n  username: [me\n",
        "--with",
        "flavor=latest=maybe",
        "--with",
        "image=ghcr.io/acme/app",
        "--now",
        "yesterday",
    ]));
    assert_eq!(printed.code, Some(1));
    insta::assert_snapshot!(printed.err);
}

#[test]
fn a_time_limit_is_a_duration_or_nothing() {
    for given in ["half an hour", "-5m", "10", "500ms"] {
        let text = errors(&["--with", &format!("stall-timeout={given}")]);
        let expected = format!("stall-timeout: \"{given}\": is not a duration");
        assert!(text.contains(&expected), "{text}");
    }
    for given in ["10m", "90s", "1h30m", "0", ""] {
        let place = Place::new();
        let with = format!("stall-timeout={given}");
        let printed = run(&mut place.stevedore(["publish", "--dry-run", "--with", &with]));
        assert!(printed.success, "{given}: {}", printed.err);
    }
}

#[test]
fn what_no_program_can_be_given_is_named_and_not_repeated() {
    let place = Place::new();
    let mut long = event("push-tag");
    long["repository"]["description"] = "x".repeat(200_000).into();
    place.write("workspace/event.json", &long.to_string());
    let mut command = place.stevedore(["publish", "--dry-run", "--event-file", "event.json"]);
    let text = run(&mut command).err;
    assert!(
        text.contains("--annotation: \"manifest:org.opencontainers.image.description=xxx"),
        "{text}"
    );
    assert!(text.contains("is 200046 bytes long"), "{text}");
    assert!(text.len() < 1000, "{text}");
}

#[test]
fn names_and_tags_give_so_many_references_and_no_more() {
    let images: Vec<String> = (0..200).map(|at| format!("ghcr.io/acme/a{at}")).collect();
    let tags: Vec<String> = (0..51).map(|at| format!("type=raw,value={at}")).collect();
    let images = format!("images={}", images.join("\n"));
    let tags = format!("tags={}", tags.join("\n"));
    let text = errors(&["--with", &images, "--with", &tags]);
    assert!(
        text.contains("51 tags for 200 images, so 10200 references"),
        "{text}"
    );
}

#[test]
fn a_workflow_that_is_not_there_is_all_that_is_wrong() {
    let text = errors(&["--workflow", "missing.yml"]);
    assert_eq!(text.matches("Accepted:").count(), 1, "{text}");
    assert!(text.contains("missing.yml"), "{text}");
}

#[test]
fn a_context_that_is_not_there() {
    let text = errors(&["--with", "context=./nope"]);
    assert!(text.contains("context: \"./nope\": is not there"), "{text}");
}

#[test]
fn an_event_file_that_is_missing_or_no_json() {
    let place = Place::new();
    place.write("workspace/broken.json", "{\n \"ref\": }");
    place.write("workspace/list.json", "[]");
    for (file, why) in [
        ("missing.json", "No such file"),
        ("broken.json", "(line 2, column 9)"),
        ("list.json", "is JSON, but no object"),
    ] {
        let arguments = ["publish", "--dry-run", "--event-file", file];
        let printed = run(&mut place.stevedore(arguments));
        assert_eq!(printed.code, Some(1));
        assert!(
            printed.err.contains(file) && printed.err.contains(why),
            "{}",
            printed.err
        );
    }
}

#[test]
fn upper_case_is_corrected_and_said() {
    for format in ["text", "json"] {
        let place = Place::new();
        let with = "images=ghcr.io/Acme/App\nghcr.io/acme/app";
        let arguments = ["publish", "--dry-run", "--format", format, "--with", with];
        let printed = run(&mut place.stevedore(arguments));
        assert!(
            printed.out.contains("registries ask for lower case"),
            "{}",
            printed.out
        );
        assert_eq!(
            printed.out.matches("--tag ghcr.io/acme/app:main").count(),
            1,
            "{}",
            printed.out
        );
    }
}

#[test]
fn a_password_needs_one_host() {
    let two = "images=ghcr.io/acme/app\nquay.io/acme/app";
    let text = errors(&[
        "--with",
        two,
        "--with",
        "username=me",
        "--with",
        "password=hunter22",
    ]);
    assert!(text.contains("a password belongs to one"), "{text}");
    assert!(!text.contains("hunter22"));
}

#[test]
fn an_enterprise_server_asks_for_images() {
    let place = Place::new();
    let mut command = place.stevedore(["publish", "--dry-run"]);
    let printed = run(command.env("GITHUB_SERVER_URL", "https://github.example.com"));
    assert_eq!(printed.code, Some(1));
    assert!(
        printed.err.contains("https://github.example.com"),
        "{}",
        printed.err
    );
    assert!(printed.err.contains("HOST/OWNER/NAME"), "{}", printed.err);
}

#[test]
fn data_residency_has_a_registry_of_its_own() {
    let place = Place::new();
    let mut command = place.stevedore(["publish", "--dry-run", "--repository", "Acme/App"]);
    let printed = run(command.env("GITHUB_SERVER_URL", "https://octo.ghe.com"));
    assert!(
        printed
            .out
            .contains("containers.octo.ghe.com/acme/app:main"),
        "{}",
        printed.out
    );
}

#[test]
fn under_actions_each_is_an_annotation_with_a_title() {
    let place = Place::new();
    let mut command = place.stevedore(["publish"]);
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_REF", "refs/heads/main")
        .env("GITHUB_SHA", "abc")
        .env("GITHUB_REPOSITORY", "acme/app")
        .env("GITHUB_EVENT_NAME", "push")
        .env("INPUT_PUSH", "maybe\n::error::x")
        .env("INPUT_PLATFORMS", "linux/nope");
    let printed = run(&mut command);
    assert_eq!(printed.code, Some(1));
    let annotations: Vec<&str> = printed
        .out
        .lines()
        .filter(|line| line.starts_with("::error"))
        .collect();
    assert_eq!(annotations.len(), 2, "{}", printed.out);
    assert!(
        annotations
            .iter()
            .all(|line| line.starts_with("::error title=Input::"))
    );
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

/// A token goes into a header as it is; the library that sends it would panic.
#[test]
fn a_login_that_no_header_can_carry_is_an_input_error() {
    for token in [
        "ghs_hunter1\u{1}x",
        "ghs_hunter1\nx",
        "ghs_hunter1 x",
        "ghs_hunter1é",
    ] {
        let place = Place::new();
        let mut command = crate::support::recorder::step(&place, &[]);
        // GitHub's API would be asked for what this event does not tell.
        place.write("event.json", r#"{"ref": "refs/tags/v0.2.0"}"#);
        command
            .env("INPUT_GITHUB-TOKEN", token)
            .env("INPUT_USERNAME", "me\u{7}")
            .env("INPUT_PASSWORD", "hunter2")
            .env(
                "INPUT_REGISTRY-AUTH",
                "- {registry: quay.io, username: \"a\\nb\", password: hunter3}",
            )
            .env("GITHUB_API_URL", "http://127.0.0.1:1");
        let printed = run(&mut command);
        assert_eq!(printed.code, Some(1), "{}{}", printed.out, printed.err);
        let errors = printed
            .out
            .lines()
            .filter(|line| line.starts_with("::error "));
        let errors: Vec<&str> = errors.collect();
        assert_eq!(errors.len(), 3, "{errors:?}");
        for (name, error) in ["github-token: ", "username: ", "registry-auth: "]
            .iter()
            .zip(&errors)
        {
            assert!(error.contains(name) && !error.contains("hunter"), "{error}");
        }
        assert!(
            printed.out.contains("::add-mask::ghs_hunter1"),
            "{}",
            printed.out
        );
    }
}

#[test]
fn a_name_that_cannot_be_read_is_not_taken_for_several_registries() {
    let place = Place::new();
    let mut command = place.stevedore(["publish", "--dry-run", "--with", "images=ghcr.io/app"]);
    let printed = run(command
        .env("INPUT_USERNAME", "me")
        .env("INPUT_PASSWORD", "secret"));
    assert!(
        printed.err.contains("ghcr.io needs an owner"),
        "{}",
        printed.err
    );
    assert!(
        !printed.err.contains("several registries"),
        "{}",
        printed.err
    );
}
