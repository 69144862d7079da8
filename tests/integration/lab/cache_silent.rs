//! Cache services that do not answer, and tokens that they are not asked with:
//! the image is published, with a warning.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use lab_runner::{Step, StepRun};
use serde_json::json;
use wiremock::matchers::{any, body_string_contains, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::lab::cache_scopes::{classic, runtime};
use crate::support::Lab;
use crate::support::cache_service::{runtime_token, token_until};
use crate::support::cached_build::{Build, green, warns};

/// The scopes of a push to the default branch.
const SCOPES: [(&str, u8); 1] = [("refs/heads/main", 3)];
/// What may not be in a log.
const SECRET: &str = "hunter1hunter1hunter1";

/// A push on a hosted runner with this service.
fn step(lab: &Lab, build: &Build, version: u8, url: &str) -> Step {
    let image = format!("{}/tests/cache-{}", lab.open_registry, build.mark());
    let step = build
        .publish(lab, &image)
        .env("RUNNER_ENVIRONMENT", "github-hosted")
        .env("ACTIONS_RUNTIME_TOKEN", runtime_token(&SCOPES));
    match version {
        1 => step.env("ACTIONS_CACHE_URL", url),
        _ => step
            .env("ACTIONS_RESULTS_URL", url)
            .env("ACTIONS_CACHE_SERVICE_V2", "true"),
    }
}

/// By a builder of the run's own: one that asks a silent service builds nothing
/// more, for no test.
fn by_own_builder(step: Step) -> Step {
    step.env("DOCKER_HOST", classic())
}

fn given(step: Step) -> Step {
    let to = "type=gha,mode=max";
    step.with("cache-from", "type=gha").with("cache-to", to)
}

/// It was built without any cache.
fn without_cache(run: &StepRun, why: &[&str]) {
    green(run);
    warns(run, &[&["type=gha is left out"], why].concat());
    assert!(!run.log.contains("exporting to GitHub"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_service_that_does_not_answer_is_left_out() {
    let lab = Lab::get();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let begun = Instant::now();
    // `cache: auto` and given entries, both versions of the service.
    thread::scope(|scope| {
        let runs = [1, 2].map(|version| {
            let (lab, url) = (&lab, &url);
            scope.spawn(move || {
                let build = Build::new();
                let step = by_own_builder(step(lab, &build, version, url));
                let step = if version == 1 { given(step) } else { step };
                step.run().unwrap()
            })
        });
        for run in runs {
            let run = run.join().unwrap();
            without_cache(&run, &["did not answer in 10 s"]);
            assert!(!run.log.contains("importing cache"), "{}", run.log);
        }
    });
    assert!(begun.elapsed() < Duration::from_secs(100));
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_service_that_is_not_there_is_left_out() {
    let lab = Lab::get();
    let build = Build::new();
    // Taken, and nobody listens.
    let url = {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/secret-path/", closed.local_addr().unwrap())
    };
    let run = given(step(&lab, &build, 2, &url)).run().unwrap();
    without_cache(&run, &["refused"]);
    assert!(!run.log.contains("secret-path"), "{}", run.log);
}

/// The action's own look at the token: as on runners of other forges.
#[test]
#[ignore = "needs the lab"]
fn a_token_that_buildkit_refuses_costs_a_warning() {
    let lab = Lab::get();
    let build = Build::new();
    let expired = token_until(&SCOPES, 1_700_000_000);
    // Nobody is asked there.
    let url = "http://127.0.0.1:1/";
    for (token, why) in [
        (SECRET, "ACTIONS_RUNTIME_TOKEN is not a JSON Web Token"),
        (&expired, "ACTIONS_RUNTIME_TOKEN expired at 2023-11-14"),
    ] {
        let step = step(&lab, &build, 2, url);
        let run = given(step).env("ACTIONS_RUNTIME_TOKEN", token).run();
        let run = run.unwrap();
        green(&run);
        let warnings = run.annotations.iter();
        let warning = warnings
            .filter(|one| one.title.as_deref() == Some("Cache"))
            .map(|one| &one.message);
        let warnings: Vec<&String> = warning.collect();
        assert_eq!(warnings.len(), 1, "{}", run.log);
        assert!(warnings[0].contains(why), "{}", warnings[0]);
        assert!(!run.log.contains(token), "{}", run.log);
    }
}

/// What only BuildKit sees: a token of the entry's own.
#[test]
#[ignore = "needs the lab"]
fn a_cache_that_buildkit_cannot_be_set_up_for_costs_a_warning() {
    let lab = Lab::get();
    let runtime = runtime();
    let service = runtime.block_on(MockServer::start());
    let nothing = ResponseTemplate::new(200).set_body_json(json!({"ok": false}));
    runtime.block_on(Mock::given(any()).respond_with(nothing).mount(&service));
    let build = Build::new();
    let step = step(&lab, &build, 2, &service.uri());
    let own = format!("type=gha,token={SECRET}");
    let run = step.with("cache-to", own).run().unwrap();
    without_cache(&run, &["token is malformed"]);
    let warning = run
        .annotations
        .iter()
        .any(|one| one.message.contains(SECRET));
    assert!(!warning, "{}", run.log);
}

/// It answers the preflight, and no import.
#[test]
#[ignore = "needs the lab"]
fn a_cache_service_that_falls_silent_is_left_out_and_the_builder_goes_on() {
    let lab = Lab::get();
    let runtime = runtime();
    let service = runtime.block_on(MockServer::start());
    let silent = ResponseTemplate::new(200).set_delay(Duration::from_secs(3600));
    let nothing = ResponseTemplate::new(200).set_body_json(json!({"ok": false}));
    let preflight = Mock::given(path_regex("/GetCacheEntryDownloadURL$"))
        .and(body_string_contains("stevedore-preflight"))
        .respond_with(nothing);
    runtime.block_on(preflight.mount(&service));
    runtime.block_on(Mock::given(any()).respond_with(silent).mount(&service));
    let url = service.uri();
    // One image, and the targets of a bake file by one buildx.
    let bake = |build: &Build, step: Step| {
        let file = "variable \"BASE\" {}\n\
                    target \"a\" { args = { BASE = BASE } }\n\
                    target \"b\" { inherits = [\"a\"] }\n";
        build.place.write("workspace/docker-bake.hcl", file);
        let step = step
            .with("build-args", "")
            .with("bake-files", "docker-bake.hcl");
        step.with("targets", "a,b").env("BASE", &lab.open_base)
    };
    let (one, both) = (Build::new(), Build::new());
    let step = |build| by_own_builder(step(&lab, build, 2, &url));
    let steps = [step(&one), bake(&both, step(&both))];
    thread::scope(|scope| {
        let runs = steps.map(|step| scope.spawn(move || step.run().unwrap()));
        for run in runs {
            let run = run.join().unwrap();
            assert!(run.succeeded(), "{}", run.log);
            warns(&run, &["type=gha is left out", "no answer for 60 s"]);
            assert!(run.log.contains("restarting the builder"), "{}", run.log);
            let published = &run.outputs["published"];
            assert_eq!(*published, run.outputs["tags"], "{}", run.log);
            assert!(run.leftovers.is_empty() && run.orphans.is_empty());
        }
    });
}
