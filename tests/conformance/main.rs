//! The metadata engine from outside: recorded cases of the original, the
//! tables of docs/tags.md, what it says beyond the original, and properties
//! that hold for any input.

#![allow(
    clippy::unwrap_used,
    reason = "a broken recording or table is to fail the test"
)]
#![allow(clippy::print_stdout, reason = "cases that differ are shown")]
#![allow(clippy::disallowed_methods, reason = "a test has no Host to ask")]

mod cases;
mod notices;
mod properties;
mod tags;

use jiff::tz::TimeZone;
use serde_json::json;
use stevedore::testing::InputProblem;
use stevedore::testing::{Facts, Metadata, Repository, TagContext};
use stevedore::testing::{MetadataInputs, RawMetadata};
use stevedore::testing::{Payload, RunContext};

/// An event of a repository whose default branch is `main`.
fn event(name: &str, git_ref: &str) -> RunContext {
    RunContext {
        event_name: name.to_owned(),
        git_ref: git_ref.to_owned(),
        sha: "860c1904a1ce19322e91ac35af1ab07466440c37".to_owned(),
        payload: Payload::new(json!({ "repository": { "default_branch": "main" } })),
        ..RunContext::default()
    }
}

fn facts() -> Facts {
    Facts {
        now: "2026-08-09T13:05:07Z".parse().unwrap(),
        time_zone: TimeZone::UTC,
        repository: Repository {
            default_branch: Some("main".to_owned()),
            ..Repository::default()
        },
        commit_date: Some("2026-08-08T22:30:00Z".parse().unwrap()),
    }
}

fn resolve(raw: &RawMetadata<'_>, context: &RunContext) -> Result<Metadata, Vec<InputProblem>> {
    let inputs = MetadataInputs::parse(raw)?;
    stevedore::testing::resolve(&inputs, &TagContext(context.clone()), &facts())
}
