//! GitHub's cache service, as a hosted runner has it: what branches, pull
//! requests and tags see of each other, and what a fresh builder gets.

use std::process::Command;

use lab_runner::Step;
use tokio::runtime::Runtime;

use crate::support::cache_service::{CacheService, runtime_token};
use crate::support::cached_build::{Build, warnings};
use crate::support::{self, Lab, Place, event};

/// The scope of the default branch.
const MAIN: &str = "refs/heads/main";

/// A run of a workflow: the event, its ref, and the scopes that GitHub gives
/// its token.
struct Trigger {
    event: &'static str,
    git_ref: &'static str,
    scopes: Vec<(&'static str, u8)>,
}

/// Reads and writes its own scope, and reads the default branch's.
fn trigger(event: &'static str, git_ref: &'static str) -> Trigger {
    let scopes = match git_ref {
        MAIN => vec![(MAIN, 3)],
        own => vec![(own, 3), (MAIN, 1)],
    };
    Trigger {
        event,
        git_ref,
        scopes,
    }
}

/// A build whose caches the service keeps.
struct Cached<'a> {
    lab: &'a Lab,
    service: CacheService,
    build: Build,
    image: String,
}

impl Cached<'_> {
    /// On a hosted runner, for the machine's own platform.
    fn step(&self, trigger: &Trigger) -> Step {
        let payload = match trigger.event {
            "push" => event("push-branch"),
            _ => event("pull-request"),
        };
        let step = self.build.publish(self.lab, &self.image);
        step.event(trigger.event, payload)
            .git_ref(trigger.git_ref)
            .env("RUNNER_ENVIRONMENT", "github-hosted")
            .env("ACTIONS_RUNTIME_TOKEN", runtime_token(&trigger.scopes))
            .env("ACTIONS_RESULTS_URL", self.service.url())
            .env("ACTIONS_CACHE_SERVICE_V2", "true")
    }

    /// A run on this builder, made empty: how many of the two steps were cached,
    /// and whether anything was written.
    fn run(
        &self,
        builder: &Emptied<'_>,
        event: &'static str,
        git_ref: &'static str,
    ) -> (&'static str, bool) {
        builder.buildx(&["prune", "--all", "--force", "--builder", &builder.name]);
        let step = self.step(&trigger(event, git_ref));
        let step = step.env("DOCKER_HOST", &builder.engine);
        let step = step.with("builder", &builder.name).with("push", "false");
        let run = step.with("platforms", "linux/amd64").run().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        assert_eq!(warnings(&run), Vec::<&str>::new());
        let calls = self.service.take_calls();
        let writes = calls.iter().any(|(call, _)| call == "CreateCacheEntry");
        let counted = ["no step of 2", "1 of 2 steps", "2 of 2 steps"];
        let is_it = |counted: &&&str| run.log.contains(&format!("cached: {counted}"));
        let counted = counted.iter().find(is_it);
        (counted.unwrap_or_else(|| panic!("{}", run.log)), writes)
    }
}

/// A builder of the test's own on the engine with the classic image store.
struct Emptied<'a> {
    place: &'a Place,
    engine: String,
    name: String,
}

impl<'a> Emptied<'a> {
    fn new(place: &'a Place) -> Self {
        let builder = Self {
            place,
            engine: classic(),
            name: place.mark().to_lowercase(),
        };
        let create = ["create", "--bootstrap", "--name", &builder.name];
        let driver = [
            "--driver",
            "docker-container",
            "--driver-opt",
            "network=host",
        ];
        builder.buildx(&[&create[..], &driver].concat());
        builder
    }

    fn buildx(&self, arguments: &[&str]) {
        let mut buildx = Command::new("docker-buildx");
        buildx
            .args(arguments)
            .env("DOCKER_HOST", &self.engine)
            .env("DOCKER_CONFIG", self.place.path("home/.docker"));
        let printed = support::run(&mut buildx);
        assert!(printed.success, "{arguments:?}: {}", printed.err);
    }
}

impl Drop for Emptied<'_> {
    fn drop(&mut self) {
        self.buildx(&["rm", "--force", &self.name]);
    }
}

pub(crate) fn classic() -> String {
    std::env::var("STEVEDORE_LAB_CLASSIC_HOST").expect("lab/up classic builder")
}

/// For servers of a test that waits for programs.
pub(crate) fn runtime() -> Runtime {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(1).enable_all().build().unwrap()
}

fn blocking<'a>(lab: &'a Lab, image: &str, test: impl FnOnce(&Cached<'a>)) {
    let runtime = runtime();
    test(&Cached {
        lab,
        service: runtime.block_on(CacheService::start()),
        build: Build::new(),
        image: format!("{}/tests/{image}", lab.open_registry),
    });
}

const NOTHING: &str = "no step of 2";
const ONE: &str = "1 of 2 steps";
const ALL: &str = "2 of 2 steps";

#[test]
#[ignore = "needs the lab"]
fn branches_requests_and_tags_share_what_docs_caches_md_says() {
    let lab = Lab::get();
    blocking(&lab, "cache-scopes", |cached| {
        let builder = Emptied::new(&cached.build.place);
        let run = |event, git_ref| cached.run(&builder, event, git_ref);
        let (x, y) = ("refs/heads/x", "refs/heads/y");
        let request = "refs/pull/2/merge";
        assert_eq!(run("push", MAIN), (NOTHING, true));
        assert_eq!(cached.service.scopes(), [MAIN]);
        // A tag reads the default branch's. No other run would read its own.
        assert_eq!(run("push", "refs/tags/v1"), (ALL, false));
        // A branch reads its own and the default branch's.
        cached.build.ends_with("branch");
        assert_eq!(run("push", x), (ONE, true));
        assert_eq!(run("push", x), (ALL, true));
        assert_eq!(run("push", y), (ONE, true));
        assert_eq!(cached.service.scopes(), [MAIN, x, y]);
        // A pull request writes for itself alone.
        cached.build.ends_with("request");
        assert_eq!(run("pull_request", request), (ONE, true));
        assert_eq!(run("pull_request", request), (ALL, true));
        assert_eq!(cached.service.scopes(), [MAIN, x, y, request]);
        // Its code writes nothing for others, also where its token could.
        let target = run("pull_request_target", MAIN);
        assert_eq!(target, (ONE, false));
        assert_eq!(run("push", MAIN), (ONE, true));
    });
}

/// What a hosted runner has: an engine with the classic image store. Its own
/// builder could build one platform, and would keep nothing of it.
#[test]
#[ignore = "needs the lab"]
fn one_platform_on_a_hosted_runner_has_every_step_from_the_service() {
    let lab = Lab::get();
    blocking(&lab, "cache-fresh", |cached| {
        let run = || {
            let step = cached.step(&trigger("push", MAIN));
            let step = step.env("DOCKER_HOST", classic());
            let run = step.with("platforms", "linux/amd64").run().unwrap();
            assert!(run.succeeded(), "{}", run.log);
            assert_eq!(warnings(&run), Vec::<&str>::new());
            assert!(run.leftovers.is_empty() && run.orphans.is_empty());
            run
        };
        let first = run();
        let made = "; there is a RUN to cache, so a builder is made";
        assert!(first.log.contains(made), "{}", first.log);
        assert!(first.log.contains("cached: no step of 2"), "{}", first.log);
        // The builder is a new one.
        let second = run();
        assert!(second.log.contains("cached: 2 of 2"), "{}", second.log);
        // The classic store would hold none.
        let reference = &second.outputs["image"];
        let index = cached.build.place.imagetools(reference, "Manifest").out;
        assert!(index.contains("attestation-manifest"), "{index}");
    });
}

/// Without a `RUN` a cache saves nothing.
#[test]
#[ignore = "needs the lab"]
fn an_image_without_a_run_is_built_by_the_engine_itself() {
    let lab = Lab::get();
    blocking(&lab, "cache-copies", |cached| {
        let dockerfile = "ARG BASE=scratch\nFROM ${BASE}\nCOPY Dockerfile /\n";
        cached.build.place.write("workspace/Dockerfile", dockerfile);
        let step = cached.step(&trigger("push", MAIN));
        let step = step.env("DOCKER_HOST", classic());
        let run = step.with("platforms", "linux/amd64").run().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        assert!(run.log.contains("builder the engine's own"), "{}", run.log);
        assert!(run.log.contains("no RUN to cache"), "{}", run.log);
        assert_eq!(cached.service.take_calls(), []);
    });
}
