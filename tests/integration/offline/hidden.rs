//! Secrets in addresses, in attributes and in other people's words: nobody sees
//! them, wherever they stand.

use std::process::Command;

use lab_runner::Step;
use serde_json::Value;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::cache_service::runtime_token;
use crate::support::git_server::{GitServer, repository};
use crate::support::recorder::{build_recorder, built_with, recorder, step};
use crate::support::{Lab, Place, Printed, SHA, event, run};

const USER: &str = "builder";
/// With characters that addresses, JSON and HTML spell otherwise.
const PASSWORD: &str = "hunter\"2/2&@";
pub(crate) const ENCODED: &str = "hunter%222%2F2%26%40";
/// `builder:` and the password.
const BASIC: &str = "YnVpbGRlcjpodW50ZXIiMi8yJkA=";

/// Nothing of the password, however it is spelt.
pub(crate) fn shows_nothing(what: &str, text: &str) {
    for form in ["hunter", &BASIC[12..]] {
        assert!(!text.contains(form), "{what} has {form}: {text}");
    }
}

/// A server with two repositories for the user, and its address with the login.
pub(crate) fn server(place: &Place, lab: &Lab) -> (GitServer, String) {
    let dockerfile = format!(
        "FROM {}\nCOPY proof /proof\nCOPY --from=lib part /part\n",
        lab.open_base
    );
    let root = place.path("git");
    let files = [("Dockerfile", dockerfile.as_str()), ("proof", "from git\n")];
    repository(&root, "app.git", &files);
    std::fs::remove_dir_all(root.join("work")).unwrap();
    repository(&root, "lib.git", &[("part", "from lib\n")]);
    let server = GitServer::start_for(root, USER, PASSWORD);
    let host = server.url.trim_start_matches("http://");
    let with_login = format!("http://{USER}:{ENCODED}@{host}");
    (server, with_login)
}

pub(crate) fn publish(lab: &Lab, place: &Place, image: &str) -> Step {
    lab.step(place)
        .secret("GIT_PASSWORD", ENCODED)
        .with("images", image)
        .with("platforms", "linux/amd64")
        .with("provenance", "mode=max")
}

/// What is masked; `%25` stands for `%` in commands.
fn masks(printed: &Printed) -> Vec<String> {
    let lines = printed.out.lines().chain(printed.err.lines());
    let masks = lines.filter_map(|line| line.strip_prefix("::add-mask::"));
    masks.map(|mask| mask.replace("%25", "%")).collect()
}

fn unmasked(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("::add-mask::"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_login_that_must_stay_in_an_address_is_hidden_and_warned_about() {
    let place = Place::new();
    recorder(&place);
    let address = format!("https://{USER}:{ENCODED}@host.example/app.tar.gz");
    let printed = run(&mut step(&place, &[("context", &address)]));
    assert!(printed.success, "{}", printed.out);
    assert!(
        masks(&printed).contains(&PASSWORD.to_owned()),
        "{}",
        printed.out
    );
    assert!(
        masks(&printed).contains(&ENCODED.to_owned()),
        "{}",
        printed.out
    );
    let warning =
        "::warning title=Login in an address::`context`: BuildKit takes a login at host.example";
    assert!(printed.out.contains(warning), "{}", printed.out);
    shows_nothing("the log", &unmasked(&printed.out));
}

/// BuildKit looks for a login of the host before its token.
#[test]
fn a_login_in_the_address_of_this_repository_replaces_our_token() {
    let place = Place::new();
    build_recorder(&place, "v0.29.1");
    let address = format!("https://{USER}:{ENCODED}@github.com/Acme/Hit-Counter.git");
    let inputs = [
        ("context", format!("{address}#{SHA}")),
        ("build-contexts", format!("other={address}#main")),
    ];
    let inputs = inputs
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let printed = run(&mut step(&place, &inputs));
    assert!(printed.success, "{}", printed.out);
    let arguments = built_with(&place);
    let secrets = arguments.iter().filter(|one| one.starts_with("id="));
    let expected = format!("id=GIT_AUTH_HEADER.github.com,src=<file: basic {BASIC}>");
    assert_eq!(secrets.collect::<Vec<_>>(), [&expected]);
    assert_eq!(place.text("record/modes"), "600\n");
    let last = format!("https://github.com/Acme/Hit-Counter.git#{SHA}");
    assert_eq!(arguments.last(), Some(&last));
    shows_nothing("the log", &unmasked(&printed.out));
}

/// The arguments and the environment of the buildx that built.
fn built(
    place: &Place,
    inputs: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> (String, String, Printed) {
    recorder(place);
    let mut command = step(place, inputs);
    let printed = run(command.envs(variables.iter().copied()));
    assert!(printed.success, "{}", printed.out);
    (
        place.text("record/arguments"),
        place.text("record/environment"),
        printed,
    )
}

#[test]
fn secrets_of_caches_are_no_arguments_where_buildx_takes_them_otherwise() {
    const S3: &str = "type=s3,region=r,bucket=b,access_key_id=AKIA,secret_access_key=hunter33";
    let place = Place::new();
    let inputs = [("cache-from", S3), ("cache-to", S3)];
    let (arguments, environment, printed) = built(&place, &inputs, &[]);
    assert!(
        arguments.contains("type=s3,region=r,bucket=b\n"),
        "{arguments}"
    );
    assert!(
        !arguments.contains("hunter33") && !arguments.contains("AKIA"),
        "{arguments}"
    );
    assert!(
        environment.contains("AWS_SECRET_ACCESS_KEY=hunter33\n"),
        "{environment}"
    );
    assert!(
        environment.contains("AWS_ACCESS_KEY_ID=AKIA\n"),
        "{environment}"
    );
    assert!(
        masks(&printed).contains(&"hunter33".to_owned()),
        "{}",
        printed.out
    );
    assert!(
        !unmasked(&printed.out).contains("hunter33"),
        "{}",
        printed.out
    );

    let place = Place::new();
    let inputs = [("cache-to", "type=gha,scope=x,token=hunter44")];
    let runner = [("ACTIONS_RUNTIME_TOKEN", "of-the-runner")];
    let (arguments, environment, _) = built(&place, &inputs, &runner);
    assert!(!arguments.contains("hunter44"), "{arguments}");
    assert!(
        environment.contains("ACTIONS_RUNTIME_TOKEN=hunter44\n"),
        "{environment}"
    );

    // Credentials for something else are left alone.
    let place = Place::new();
    let other = [
        ("AWS_ACCESS_KEY_ID", "of-ecr"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
    ];
    let (arguments, environment, printed) = built(&place, &[("cache-to", S3)], &other);
    assert!(arguments.contains("hunter33"), "{arguments}");
    assert!(
        environment.contains("AWS_ACCESS_KEY_ID=of-ecr\n"),
        "{environment}"
    );
    assert!(
        !unmasked(&printed.out).contains("hunter33"),
        "{}",
        printed.out
    );
}

#[test]
fn what_can_only_be_an_argument_is_hidden_in_the_plan_and_in_the_log() {
    let inputs = [
        (
            "cache-to",
            "type=azblob,name=n,account_url=https://a.example,secret_access_key=hunter33",
        ),
        ("driver-opts", "env.API_TOKEN=hunter44"),
        ("outputs", "type=image,push=true,password=hunter55"),
        ("endpoint", "tcp://me:hunter66@host.example:1"),
    ];
    for format in ["text", "json"] {
        let place = Place::new();
        let mut command = place.stevedore(["publish", "--dry-run", "--format", format]);
        for (name, value) in inputs {
            command.args(["--with", &format!("{name}={value}")]);
        }
        let printed = run(&mut command);
        assert!(printed.success, "{}", printed.err);
        let all = format!("{}{}", printed.out, printed.err);
        assert!(!all.contains("hunter"), "{all}");
        assert!(
            all.contains("secret_access_key=***") && all.contains("env.API_TOKEN=***"),
            "{all}"
        );
        if format == "json" {
            let plan: Value = serde_json::from_str(&printed.out).unwrap();
            let cache = plan["cache"]["to"][0].as_str().unwrap();
            assert!(cache.ends_with("secret_access_key=***"), "{cache}");
        }
    }
}

#[test]
fn the_buildx_that_builds_has_no_token_of_the_runner_unless_it_needs_one() {
    let token = runtime_token(&[("refs/heads/main", 3)]);
    let variables = [
        ("ACTIONS_RUNTIME_TOKEN", token.as_str()),
        ("ACTIONS_RUNTIME_URL", "https://runtime.example/"),
        ("ACTIONS_RESULTS_URL", "https://results.example/"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "identity"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://identity.example/"),
    ];
    for (inputs, expected) in [
        (vec![], vec![]),
        (vec![("cache-from", "type=registry,ref=a/b")], vec![]),
        (
            vec![("cache-from", "type=gha")],
            vec!["ACTIONS_RUNTIME_TOKEN"],
        ),
        (
            vec![(
                "secret-envs",
                "A=ACTIONS_ID_TOKEN_REQUEST_TOKEN,B=ACTIONS_RUNTIME_URL",
            )],
            vec!["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_URL"],
        ),
    ] {
        let place = Place::new();
        let (_, environment, printed) = built(&place, &inputs, &variables);
        let names = environment.lines().filter_map(|line| line.split_once('='));
        let names = names.map(|(name, _)| name).filter(|name| {
            name.starts_with("ACTIONS_RUNTIME_") || name.starts_with("ACTIONS_ID_TOKEN_")
        });
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        assert_eq!(names, expected, "{inputs:?} {}", printed.out);
        assert!(
            environment.contains("ACTIONS_RESULTS_URL="),
            "{environment}"
        );
    }
}

/// Outside of a workflow nobody else hides anything.
#[test]
fn the_last_words_of_buildx_are_bounded_plain_and_without_secrets() {
    let place = Place::new();
    let words = format!(
        "ERROR: failed to push: denied {{\\\"password\\\":\\\"hunter\\\\\\\"2/2&@\\\"}} \\033[31m hunter&quot;2/2&amp;@ {BASIC} {}",
        "x".repeat(100_000)
    );
    place.write("words", &words);
    place.buildx(&format!(
        "[ \"$1\" = build ] || exit 0\nprintf \"$(cat {})\\n\" | sed 's/%/%%/g' >&2\nexit 1",
        place.path("words").display()
    ));
    let mut command = step(
        &place,
        &[
            ("username", USER),
            ("password", PASSWORD),
            ("registry", "ghcr.io"),
        ],
    );
    let printed = run(command.env("INPUT_CONTEXT", "."));
    assert!(!printed.success, "{}", printed.out);
    let error = printed
        .out
        .lines()
        .rfind(|line| line.starts_with("::error "));
    let error = error.unwrap_or_else(|| panic!("{}", printed.out));
    assert!(error.contains("denied") && error.contains("***"), "{error}");
    assert!(error.len() < 8_000, "{}", error.len());
    assert!(!error.contains('\u{1b}'), "{error}");
    shows_nothing("the error", error);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_github_s_api_are_bounded_plain_and_without_the_token() {
    let server = MockServer::start().await;
    let message = format!(
        "no: \u{1b}[31mghs_hun\u{200b}ter1 \r\n::error::x {}",
        "y".repeat(100_000)
    );
    let answer =
        ResponseTemplate::new(403).set_body_json(serde_json::json!({ "message": message }));
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let place = Place::new();
    recorder(&place);
    let mut command: Command = step(&place, &[]);
    let mut poor = event("push-tag");
    poor["repository"]
        .as_object_mut()
        .unwrap()
        .remove("description");
    place.write("event.json", &poor.to_string());
    let printed = run(command.env("GITHUB_API_URL", server.uri()));
    assert!(printed.success, "{}", printed.out);
    let warning = printed
        .out
        .lines()
        .find(|line| line.contains("GitHub's API"));
    let warning = warning.unwrap_or_else(|| panic!("{}", printed.out));
    assert!(warning.contains("no: *** ::error::x yyy"), "{warning}");
    assert!(warning.len() < 1_000, "{}", warning.len());
}
