//! Which caches follow from the inputs, the event and the machine.

use serde_json::json;

use crate::event::Payload;
use crate::metadata::TagContext;
use crate::plan::builder::choice as builder;
use crate::plan::builder::choice::BuilderRequest;
use crate::plan::cache::choice::*;
use crate::plan::testing::{engine, facts, inputs, publication};

#[derive(Clone, Copy)]
struct Case<'a> {
    event: &'a str,
    git_ref: &'a str,
    given: &'a [(&'a str, &'a str)],
    mode: &'a str,
    classic: bool,
    hosted: bool,
    has_run: bool,
    token_flaw: Option<&'a str>,
}

const PUSH: Case<'_> = Case {
    event: "push",
    git_ref: "refs/heads/main",
    given: &[],
    mode: "",
    classic: false,
    hosted: true,
    has_run: true,
    token_flaw: None,
};

fn decided(case: &Case<'_>) -> Cache {
    let inputs = inputs(case.given);
    let mut facts = facts(&inputs, "FROM scratch\n");
    facts.engine = engine(!case.classic);
    facts.cache.is_hosted = case.hosted;
    facts.cache.results_url = Some("https://results.example/".to_owned());
    facts.cache.has_token = true;
    facts.cache.token_flaw = case.token_flaw.map(str::to_owned);
    facts.cache.mode = case.mode.to_owned();
    facts.cache.kept = Some("/tools".into());
    facts.event.metadata.repository.default_branch = Some("main".to_owned());
    let context = RunContext {
        event_name: case.event.to_owned(),
        git_ref: case.git_ref.to_owned(),
        repository: "Acme/App".to_owned(),
        payload: Payload::new(json!({"pull_request": {"base": {"ref": "next"}}})),
        ..RunContext::default()
    };
    facts.event.context = TagContext(context.clone());
    let publication = publication(&inputs, &facts);
    let question = CacheRequest {
        inputs: &inputs,
        facts: &facts,
        context: &context,
        names: &[ImageName::parse("ghcr.io/acme/app").unwrap()],
        platforms: &inputs.platforms,
        publication: &publication,
        is_engine: is_engine(&inputs, &facts, &publication),
        has_run: case.has_run,
    };
    question.decide()
}

fn request<'a>(
    inputs: &'a Inputs,
    facts: &'a Facts,
    publication: &'a Publication,
    cache: &'a Cache,
) -> BuilderRequest<'a> {
    BuilderRequest {
        inputs,
        facts,
        platforms: &inputs.platforms,
        publication,
        cache,
    }
}

fn is_engine(inputs: &Inputs, facts: &Facts, publication: &Publication) -> bool {
    builder::is_engine(request(inputs, facts, publication, &Cache::default()))
}

fn counts(cache: &Cache) -> (usize, usize) {
    (cache.from.len(), cache.to.len())
}

#[test]
fn auto_is_the_service_of_a_hosted_runner() {
    let cache = decided(&PUSH);
    let scope = "ghcr-io-acme-app-linux-amd64-linux-arm64-";
    assert!(
        cache.from[0]
            .text()
            .starts_with(&format!("type=gha,scope={scope}"))
    );
    assert!(
        cache.from[0].text().ends_with(",timeout=2m"),
        "{:?}",
        cache.from
    );
    assert!(
        cache.to[0]
            .text()
            .contains(",mode=max,ignore-error=true,timeout=2m")
    );
    assert!(cache.added);
    let elsewhere = Case {
        hosted: false,
        ..PUSH
    };
    assert_eq!(counts(&decided(&elsewhere)), (0, 0));
}

/// The builder of a push to the default branch on an engine with the classic
/// image store, and why no cache is written where there is none.
fn on_the_classic_engine(given: &[(&str, &str)], case: Case<'_>) -> (String, Cache) {
    let case = Case {
        classic: true,
        given,
        ..case
    };
    let cache = decided(&case);
    let inputs = inputs(given);
    let mut facts = facts(&inputs, "");
    facts.engine = engine(false);
    let publication = publication(&inputs, &facts);
    let builder = builder::decide(request(&inputs, &facts, &publication, &cache));
    (builder.unwrap().to_string(), cache)
}

const ONE: (&str, &str) = ("platforms", "linux/amd64");

#[test]
fn auto_makes_a_builder_where_a_cache_spares_a_run_and_the_image_is_pushed() {
    let by_output = ("outputs", "type=image,name=r/a:b,push=true");
    for given in [
        vec![ONE],
        vec![ONE, by_output, ("push", "false")],
        vec![ONE, ("driver", "docker-container")],
        vec![ONE, ("cache", "registry")],
        vec![],
    ] {
        let (builder, cache) = on_the_classic_engine(&given, PUSH);
        assert_eq!(counts(&cache), (1, 1), "{given:?}");
        let made = "made for this run with the driver docker-container: ";
        assert!(builder.contains(made), "{given:?} {builder}");
    }
    let (builder, cache) = on_the_classic_engine(&[ONE], PUSH);
    let decision = "; there is a RUN to cache, so a builder is made";
    assert!(cache.to_string().ends_with(decision), "{cache}");
    let reason = "with the classic image store cannot do a cache for the next run";
    assert!(builder.ends_with(reason), "{builder}");
    // The default branch's cache is worth reading.
    let tag = Case {
        git_ref: "refs/tags/v1",
        ..PUSH
    };
    let (builder, cache) = on_the_classic_engine(&[ONE], tag);
    assert_eq!(counts(&cache), (1, 0));
    assert!(builder.contains("made for this run"), "{builder}");
}

#[test]
fn auto_makes_no_builder_for_anything_else() {
    let no_run = Case {
        has_run: false,
        ..PUSH
    };
    let request = Case {
        event: "pull_request",
        ..PUSH
    };
    let elsewhere = Case {
        hosted: false,
        ..PUSH
    };
    let forbidden = Case {
        mode: "none",
        ..PUSH
    };
    let bad_token = Case {
        token_flaw: Some("is not a JSON Web Token"),
        ..PUSH
    };
    for (given, case, why) in [
        (vec![ONE], no_run, "no RUN to cache"),
        (vec![ONE], request, "nothing is pushed"),
        (vec![ONE, ("push", "false")], PUSH, "nothing is pushed"),
        (vec![ONE, ("load", "true")], PUSH, "for the engine"),
        (
            vec![ONE, ("outputs", "type=docker")],
            PUSH,
            "for the engine",
        ),
        (
            vec![ONE, ("driver", "docker")],
            PUSH,
            "`driver: docker` makes no",
        ),
        (vec![ONE, ("cache", "none")], PUSH, "`cache: none`"),
        (vec![ONE], elsewhere, "not one of GitHub's"),
        (vec![ONE], forbidden, "not read: ACTIONS_CACHE_MODE"),
        (
            vec![ONE],
            bad_token,
            "ACTIONS_RUNTIME_TOKEN is not a JSON Web Token",
        ),
    ] {
        let (builder, cache) = on_the_classic_engine(&given, case);
        assert_eq!(counts(&cache), (0, 0), "{given:?}");
        assert!(cache.to_string().contains(why), "{given:?} {cache}");
        assert!(
            builder.starts_with("builder the engine's own: "),
            "{builder}"
        );
    }
}

#[test]
fn a_token_that_buildkit_refuses_costs_the_cache_and_a_warning() {
    let bad = Case {
        token_flaw: Some("expired at 2026-01-01T00:00:00Z"),
        ..PUSH
    };
    let given = [
        ("cache-from", "type=gha\ntype=registry,ref=r/a:cache"),
        ("cache-to", "type=gha,mode=max"),
    ];
    let all_given = Case {
        given: &given,
        ..bad
    };
    for (case, from) in [
        (bad, vec![]),
        (all_given, vec!["type=registry,ref=r/a:cache"]),
    ] {
        let cache = decided(&case);
        assert_eq!(cache.from, from);
        assert!(cache.to.is_empty());
        let notice = cache.notice.clone().unwrap();
        assert_eq!(notice.level, Level::Warning);
        assert!(notice.message.contains("ACTIONS_RUNTIME_TOKEN expired at"));
        assert!(cache.to_string().contains("expired at"), "{cache}");
    }
    assert_eq!(decided(&PUSH).notice, None);
}

#[test]
fn what_is_given_wins() {
    let given = [("cache-from", "type=gha"), ("cache", "registry")];
    let cache = decided(&Case {
        given: &given,
        ..PUSH
    });
    assert_eq!(cache.from, ["type=gha"]);
    assert!(cache.to.is_empty() && !cache.added);
}

#[test]
fn the_run_decides_what_is_written_and_the_mode_what_is_allowed() {
    let tag = ("push", "refs/tags/v1");
    let request = ("pull_request", "refs/pull/2/merge");
    let target = ("pull_request_target", "refs/heads/next");
    let main = ("push", "refs/heads/main");
    for (kind, (event, git_ref), mode, expected) in [
        ("auto", main, "", (1, 1)),
        ("auto", main, "read", (1, 0)),
        ("auto", main, "write-only", (0, 1)),
        ("auto", main, "none", (0, 0)),
        ("auto", tag, "", (1, 0)),
        ("auto", request, "", (1, 1)),
        ("auto", target, "", (1, 0)),
        ("registry", tag, "", (1, 0)),
        ("registry", request, "", (2, 0)),
        ("local", main, "", (1, 1)),
        ("local", ("push", "refs/heads/x"), "", (2, 1)),
        ("local", request, "", (2, 0)),
        ("none", main, "", (0, 0)),
    ] {
        let cache = decided(&Case {
            event,
            git_ref,
            mode,
            given: &[("cache", kind)],
            ..PUSH
        });
        assert_eq!(counts(&cache), expected, "{kind} {event} {git_ref} {mode}");
        let written = cache.local.and_then(|local| local.written);
        assert_eq!(written.is_some(), kind == "local" && expected.1 == 1);
    }
}

#[test]
fn a_branch_reads_its_own_cache_and_the_default_branch_s() {
    let decided = |git_ref| {
        decided(&Case {
            given: &[("cache", "registry")],
            git_ref,
            ..PUSH
        })
    };
    let of_main = "type=registry,ref=ghcr.io/acme/app:buildcache";
    let main = decided("refs/heads/main");
    assert_eq!(main.from, [of_main]);
    assert!(
        main.to[0]
            .text()
            .starts_with(&format!("{of_main},mode=max,"))
    );
    assert!(main.to[0].text().ends_with(",ignore-error=true"));
    let branch = decided("refs/heads/x");
    assert_eq!(branch.from.len(), 2);
    assert!(branch.from[0].text().starts_with(&format!("{of_main}-x-")));
    assert_eq!(branch.from[1], of_main);
    assert!(
        branch.to[0]
            .text()
            .starts_with(&format!("{},", branch.from[0].text()))
    );
}

#[test]
fn a_step_that_is_an_image_has_no_folder_that_stays() {
    let inputs = inputs(&[("cache", "local")]);
    let mut facts = facts(&inputs, "FROM scratch\n");
    let publication = publication(&inputs, &facts);
    facts.paths.mounts = Some(vec!["/github/workspace".into()]);
    for (kept, why) in [
        (Some("/opt/tools".into()), "this step, which is an image"),
        (None, "RUNNER_TOOL_CACHE"),
    ] {
        facts.cache.kept = kept;
        let question = CacheRequest {
            inputs: &inputs,
            facts: &facts,
            context: &RunContext::default(),
            names: &[],
            platforms: &inputs.platforms,
            publication: &publication,
            is_engine: is_engine(&inputs, &facts, &publication),
            has_run: true,
        };
        let cache = question.decide();
        assert_eq!(counts(&cache), (0, 0));
        assert!(cache.to_string().contains(why), "{cache}");
    }
}

#[test]
fn a_checkout_of_a_tag_takes_no_cache_from_a_run_on_a_branch() {
    let inputs = inputs(&[("cache", "registry"), ("metadata-context", "git")]);
    let mut facts = facts(&inputs, "FROM scratch\n");
    let at = |git_ref: &str| RunContext {
        event_name: "workflow_dispatch".to_owned(),
        git_ref: git_ref.to_owned(),
        ..RunContext::default()
    };
    facts.event.context = TagContext(at("refs/tags/v1.2.3"));
    let publication = publication(&inputs, &facts);
    let question = CacheRequest {
        inputs: &inputs,
        facts: &facts,
        context: &at("refs/heads/main"),
        names: &[ImageName::parse("ghcr.io/acme/app").unwrap()],
        platforms: &inputs.platforms,
        publication: &publication,
        is_engine: true,
        has_run: true,
    };
    let cache = question.decide();
    assert_eq!(cache.to.len(), 1, "{cache}");
}
