//! Times the metadata engine: `cargo bench --bench metadata`.
//!
//! Prints medians; asserts nothing, as machines differ. What to see: the time
//! grows linearly with rules times images.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use serde_json::json;
use stevedore::testing::{Facts, Repository, TagContext, resolve};
use stevedore::testing::{MetadataInputs, RawMetadata};
use stevedore::testing::{Payload, RunContext};

fn once(tags: &str, images: &str, context: &RunContext, facts: &Facts) -> Duration {
    let start = Instant::now();
    let raw = RawMetadata {
        images,
        tags,
        ..RawMetadata::default()
    };
    let inputs = MetadataInputs::parse(&raw).unwrap();
    let metadata = resolve(&inputs, &TagContext(context.clone()), facts).unwrap();
    black_box((metadata.outputs(&inputs), metadata.bake_files(&inputs)));
    start.elapsed()
}

fn main() {
    let context = RunContext {
        event_name: "push".to_owned(),
        git_ref: "refs/tags/v1.2.3".to_owned(),
        sha: "860c1904a1ce19322e91ac35af1ab07466440c37".to_owned(),
        payload: Payload::new(json!({ "repository": { "default_branch": "main" } })),
        ..RunContext::default()
    };
    let facts = Facts {
        now: "2026-08-09T13:05:07Z".parse().unwrap(),
        time_zone: TimeZone::UTC,
        repository: Repository::default(),
        commit_date: None,
    };
    let rule = |kind: &str, at: usize| match kind {
        "raw" => format!("type=raw,value=tag-{at}-{{{{branch}}}}"),
        "semver" => format!("type=semver,pattern={{{{version}}}}-{at},value=v1.2.{at}"),
        "match" => format!(r"type=match,pattern=v(\d+).(\d+),group=1,suffix=-{at}"),
        _ => format!("type=raw,value={{{{date 'YYYYMMDD' tz='Europe/Paris'}}}}-{at}"),
    };
    let image = |at: usize| format!("ghcr.io/owner/image-{at}");
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join("\n")
    };
    for (kind, rules, images) in [
        ("default", 0, 1),
        ("raw", 250, 20),
        ("raw", 500, 20),
        ("raw", 1000, 20),
        ("raw", 2000, 20),
        ("semver", 1000, 20),
        ("match", 1000, 20),
        ("date", 1000, 20),
    ] {
        let tags = list(rules, &|at| rule(kind, at));
        let images_text = list(images, &image);
        let run = |_| once(&tags, &images_text, &context, &facts);
        let mut times: Vec<_> = (0..21).map(run).collect();
        times.sort();
        let median = times.get(10).copied().unwrap_or_default();
        println!("{rules} {kind} rules, {images} images: {median:?}");
    }
}
