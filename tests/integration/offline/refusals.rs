//! What ghcr.io says before a build, and what the person at the workflow page
//! reads then.

use std::fmt::Write as _;

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::recorder::{outputs, recorder, step};
use crate::support::stub::{Ghcr, denied, run_beside};
use crate::support::{Place, Printed, event};

/// A step that publishes to the stand-in.
async fn publish(place: &Place, ghcr: &Ghcr, inputs: &[(&str, &str)]) -> Printed {
    let nowhere = [("GITHUB_API_URL", "http://127.0.0.1:1")];
    publish_with(place, ghcr, inputs, &nowhere).await
}

async fn publish_with(
    place: &Place,
    ghcr: &Ghcr,
    inputs: &[(&str, &str)],
    env: &[(&str, &str)],
) -> Printed {
    recorder(place);
    let mut command = step(place, inputs);
    command.env("INPUT_PUSH", "true").envs(env.iter().copied());
    ghcr.lead(&mut command, place);
    run_beside(command).await
}

/// The same, where GitHub's API tells this of the package.
async fn publish_package(place: &Place, ghcr: &Ghcr, package: Value) -> Printed {
    let api = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/orgs/acme/packages/container/hit-counter"))
        .respond_with(ResponseTemplate::new(200).set_body_json(package))
        .mount(&api)
        .await;
    let uri = api.uri();
    let env = [("GITHUB_API_URL", uri.as_str()), ("NO_PROXY", "127.0.0.1")];
    publish_with(place, ghcr, &[], &env).await
}

fn errors(printed: &Printed) -> Vec<String> {
    let lines = printed
        .out
        .lines()
        .filter(|line| line.starts_with("::error"));
    lines
        .map(|line| line.replace("%0A", "\n  ").replace("%25", "%"))
        .collect()
}

fn built(place: &Place) -> bool {
    place.path("record/arguments").exists()
}

/// Each row of ghcr.io's table: the status and words of the upload.
fn rows() -> Vec<(&'static str, ResponseTemplate)> {
    let create = "installation not allowed to Create organization package";
    let write = "installation not allowed to Write organization package";
    vec![
        ("create", denied(403, "DENIED", create)),
        ("write", denied(403, "DENIED", write)),
        (
            "write_package",
            denied(403, "DENIED", "permission_denied: write_package"),
        ),
        (
            "installation",
            denied(403, "DENIED", "requested installation does not exist"),
        ),
        ("owner", denied(403, "DENIED", "not_found: owner not found")),
        ("name", denied(400, "NAME_INVALID", "name invalid")),
        (
            "lower case",
            denied(400, "NAME_INVALID", "repository name must be lowercase"),
        ),
        (
            "scopes",
            denied(
                403,
                "DENIED",
                "permission_denied: The token provided does not match expected scopes.",
            ),
        ),
        (
            "token",
            denied(
                401,
                "UNAUTHORIZED",
                "unauthenticated: User cannot be authenticated with the token provided.",
            ),
        ),
        (
            "login",
            denied(401, "UNAUTHORIZED", "authentication required"),
        ),
        ("bare 403", ResponseTemplate::new(403)),
        ("unknown words", denied(403, "DENIED", "the moon is full")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_a_message_of_its_own_and_stops_the_run_before_the_build() {
    let mut text = String::new();
    for (name, answer) in rows() {
        let place = Place::new();
        let ghcr = Ghcr::start(&place, answer).await;
        let images = match name {
            "installation" | "owner" => "ghcr.io/acmee/hit-counter",
            _ => "",
        };
        let printed = publish(&place, &ghcr, &[("images", images)]).await;
        assert_eq!(printed.code, Some(1), "{name}: {}", printed.out);
        assert!(!built(&place), "{name}: {}", printed.out);
        let errors = errors(&printed);
        assert_eq!(errors.len(), 1, "{name}: {}", printed.out);
        let _ = writeln!(text, "## {name}\n{}\n", errors[0]);
    }
    insta::assert_snapshot!(text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_endpoint_refuses() {
    let place = Place::new();
    let body = ResponseTemplate::new(403)
        .set_body_json(json!({"errors": [{"code": "DENIED", "message": "denied"}]}));
    let ghcr = Ghcr::with_token(&place, body, ResponseTemplate::new(202)).await;
    let printed = publish(&place, &ghcr, &[]).await;
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    insta::assert_snapshot!(errors(&printed).join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_refusal_of_this_push_does_not_stop_it() {
    for (name, answer) in [
        (
            "secondary",
            denied(403, "DENIED", "You have exceeded a secondary rate limit"),
        ),
        ("busy", ResponseTemplate::new(503)),
        (
            "limited",
            ResponseTemplate::new(429).insert_header("Retry-After", "1.02ms"),
        ),
        ("bare 400", ResponseTemplate::new(400)),
        ("nonsense", ResponseTemplate::new(200)),
    ] {
        let place = Place::new();
        let ghcr = Ghcr::start(&place, answer).await;
        let printed = publish(&place, &ghcr, &[]).await;
        assert!(built(&place), "{name}: {}", printed.out);
        let warning = "::warning title=Publish::ghcr.io/acme/hit-counter (push)";
        assert!(printed.out.contains(warning), "{name}: {}", printed.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_is_allowed_takes_three_requests_and_cancels_nothing_on_ghcr() {
    let place = Place::new();
    let allowed = ResponseTemplate::new(202)
        .insert_header("Location", "/v2/acme/hit-counter/blobs/uploads/1");
    let ghcr = Ghcr::start(&place, allowed).await;
    let printed = publish(&place, &ghcr, &[("preflight", "only")]).await;
    assert!(printed.success, "{}", printed.out);
    assert!(!built(&place));
    assert_eq!(
        ghcr.requests().await,
        [
            "GET /v2/",
            "GET /token?scope=repository%3Aacme%2Fhit-counter%3Apull%2Cpush&service=ghcr.io",
            "POST /v2/acme/hit-counter/blobs/uploads/",
        ]
    );
    assert!(
        printed.out.contains("nothing built: `preflight: only`"),
        "{}",
        printed.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn preflight_can_warn_or_be_left_out() {
    for (mode, asked) in [("warn", true), ("off", false)] {
        let place = Place::new();
        let refusal = denied(403, "DENIED", "permission_denied: write_package");
        let ghcr = Ghcr::start(&place, refusal).await;
        let printed = publish(&place, &ghcr, &[("preflight", mode)]).await;
        assert!(built(&place), "{mode}: {}", printed.out);
        let uploads = ghcr.requests().await;
        let uploads = uploads.iter().filter(|request| request.starts_with("POST"));
        assert_eq!(uploads.count() > 0, asked, "{mode}");
        assert_eq!(
            printed.out.contains("Manage Actions access"),
            asked,
            "{}",
            printed.out
        );
    }
}

/// What GitHub's API tells of the package sharpens the advice.
#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_belongs_to_another_repository_is_named() {
    let place = Place::new();
    let refusal = denied(403, "DENIED", "permission_denied: write_package");
    let ghcr = Ghcr::start(&place, refusal).await;
    let package = json!({
        "visibility": "private",
        "repository": {"full_name": "acme/old-counter"},
        "owner": {"type": "Organization"},
    });
    let printed = publish_package(&place, &ghcr, package).await;
    let errors = errors(&printed).join("\n");
    assert!(errors.contains("acme/old-counter"), "{}", printed.out);
    assert!(
        errors.contains("https://github.com/orgs/acme/packages/container/hit-counter/settings"),
        "{errors}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_from_a_fork_is_built_and_says_why_once() {
    for event_name in ["pull_request", "pull_request_review"] {
        let place = Place::new();
        let ghcr = Ghcr::start(&place, denied(403, "DENIED", "no")).await;
        recorder(&place);
        let mut fork = event("pull-request");
        fork["pull_request"]["head"]["repo"]["full_name"] = json!("someone/hit-counter");
        let mut command = step(
            &place,
            &[
                ("username", "me"),
                ("images", "ghcr.io/acme/hit-counter"),
                (
                    "cache-to",
                    "type=registry,ref=ghcr.io/acme/hit-counter:cache",
                ),
                ("outputs", "type=registry\ntype=local,dest=out"),
            ],
        );
        place.write("event.json", &fork.to_string());
        command
            .env("INPUT_PUSH", "true")
            .env("GITHUB_EVENT_NAME", event_name)
            .env("GITHUB_REF", "refs/pull/2/merge");
        ghcr.lead(&mut command, &place);
        let printed = run_beside(command).await;
        assert!(printed.success, "{}", printed.out);
        let arguments = place.text("record/arguments");
        for sending in ["--push", "--cache-to", "type=registry"] {
            assert!(!arguments.contains(sending), "{sending}: {arguments}");
        }
        assert!(arguments.contains("type=local,dest=out"), "{arguments}");
        let notices: Vec<&str> = printed
            .out
            .lines()
            .filter(|line| line.starts_with("::notice"))
            .collect();
        assert_eq!(notices.len(), 1, "{}", printed.out);
        assert!(notices[0].contains("someone/hit-counter"), "{}", notices[0]);
        assert_eq!(ghcr.requests().await, Vec::<String>::new());
        assert_eq!(outputs(&place)["image"], "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dependabot_builds_where_the_registry_refuses_and_publishes_where_it_does_not() {
    for (answer, pushes) in [
        (
            denied(
                403,
                "DENIED",
                "installation not allowed to Write organization package",
            ),
            false,
        ),
        (ResponseTemplate::new(202), true),
    ] {
        let place = Place::new();
        let ghcr = Ghcr::start(&place, answer).await;
        let cache = (
            "cache-to",
            "type=registry,ref=ghcr.io/acme/hit-counter:cache",
        );
        let env = [
            ("INPUT_PUSH", "auto"),
            ("GITHUB_ACTOR", "dependabot[bot]"),
            ("GITHUB_API_URL", "http://127.0.0.1:1"),
        ];
        let printed = publish_with(&place, &ghcr, &[cache], &env).await;
        assert!(printed.success, "{}", printed.out);
        let arguments = place.text("record/arguments");
        assert_eq!(arguments.contains("--cache-to"), pushes, "{arguments}");
        assert_eq!(arguments.contains("--push"), pushes, "{}", printed.out);
        let notice = printed.out.contains("::notice title=Not published::");
        assert_eq!(notice, !pushes, "{}", printed.out);
    }
}

/// Nobody else can pull it, and nobody is told by the registry.
#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_new_and_private_is_told_with_its_page() {
    for (created, visibility, told) in [
        ("2026-11-02T09:00:20Z", "private", true),
        ("2026-11-02T09:00:20Z", "public", false),
        ("2026-10-02T09:00:20Z", "private", false),
    ] {
        let place = Place::new();
        let ghcr = Ghcr::start(&place, ResponseTemplate::new(202)).await;
        let package = json!({"visibility": visibility, "created_at": created});
        let printed = publish_package(&place, &ghcr, package).await;
        assert!(printed.success, "{}", printed.out);
        let notice = printed
            .out
            .lines()
            .find(|line| line.starts_with("::notice title=Published::"));
        assert_eq!(notice.is_some(), told, "{}", printed.out);
        let page = "https://github.com/orgs/acme/packages/container/hit-counter/settings";
        assert!(
            notice.is_none_or(|notice| notice.contains(page)),
            "{}",
            printed.out
        );
    }
}
