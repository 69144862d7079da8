//! What is to be known of the repository and the commit, and what of it the
//! event's payload has.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::event::{Payload, RunContext};
use crate::input::MetadataInputs;
use crate::input::metadata::tags::TagKind;

/// What rules are resolved with, beside inputs and event.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The clock.
    pub now: Timestamp,
    /// The process's zone: dates in a zone that nobody knows are shown in it.
    pub time_zone: TimeZone,
    /// The repository.
    pub repository: Repository,
    /// When the commit was made; the clock where that is not known.
    pub commit_date: Option<Timestamp>,
}

/// A repository, as GitHub describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// Its name without the owner.
    pub name: String,
    /// `OWNER/NAME`.
    pub full_name: String,
    /// Its page.
    pub html_url: String,
    /// What it is about.
    pub description: Option<String>,
    /// SPDX identifier of its licence.
    pub license: Option<String>,
    /// Its default branch.
    pub default_branch: Option<String>,
    /// Whether it is private.
    pub private: Option<bool>,
}

impl Repository {
    /// The repository of the payload, if nothing is missing from it. A push
    /// to a fork, for one, comes without a licence.
    pub fn from_payload(payload: &Payload) -> Option<Self> {
        let repository = payload.repository()?;
        let has_text = |key| repository.get(key).is_some_and(Value::is_string);
        let is_complete = ["name", "html_url", "default_branch"].iter().all(has_text)
            && ["description", "license"]
                .iter()
                .all(|key| repository.get(key).is_some());
        is_complete.then(|| Self::from_json(repository))
    }

    /// The repository in the words of GitHub's API.
    pub fn from_json(value: &Value) -> Self {
        let optional = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let license = value.pointer("/license/spdx_id").and_then(Value::as_str);
        Self {
            name: optional("name").unwrap_or_default(),
            full_name: optional("full_name").unwrap_or_default(),
            html_url: optional("html_url").unwrap_or_default(),
            description: optional("description"),
            license: license.map(str::to_owned),
            default_branch: optional("default_branch"),
            private: value.get("private").and_then(Value::as_bool),
        }
    }

    /// What can be said without asking: name and page.
    pub fn of(full_name: &str, server_url: &str) -> Self {
        Self {
            name: full_name.rsplit('/').next().unwrap_or_default().to_owned(),
            full_name: full_name.to_owned(),
            html_url: format!("{}/{full_name}", server_url.trim_end_matches('/')),
            ..Self::default()
        }
    }
}

/// When the commit was made, if the payload says so (pushes do).
pub fn commit_date(payload: &Payload, sha: &str) -> Option<Timestamp> {
    payload
        .commits()
        .filter(|commit| commit.get("id").and_then(Value::as_str) == Some(sha))
        .find_map(|commit| commit.get("timestamp")?.as_str()?.parse().ok())
}

/// True when a template asks for the commit's date, which costs a request
/// where the payload lacks it.
pub fn needs_commit_date(inputs: &MetadataInputs) -> bool {
    let asks = |template: &str| template.contains("commit_date");
    let entries = inputs.labels.iter().chain(&inputs.annotations);
    let rules = inputs.tags.iter().flat_map(|rule| {
        let affixes = [&rule.prefix, &rule.suffix].into_iter().flatten();
        affixes.chain([&rule.enable]).chain(templates(&rule.kind))
    });
    let flavor = [&inputs.flavor.prefix, &inputs.flavor.suffix];
    let mut all = entries.map(|entry| &entry.text).chain(rules).chain(flavor);
    all.any(|template| asks(template))
}

fn templates(kind: &TagKind) -> Option<&String> {
    match kind {
        TagKind::Schedule { pattern } => Some(pattern),
        TagKind::Semver(rule) | TagKind::Pep440(rule) => Some(&rule.value),
        TagKind::Match { value, .. } | TagKind::Raw { value } => Some(value),
        TagKind::Edge { .. } | TagKind::Ref(_) | TagKind::Sha(_) => None,
    }
}

/// The event as the rules for tags read it. Everything else goes by the event's own
/// [`RunContext`]: which ref a cache belongs to, who may do what.
#[derive(Clone, Debug)]
pub struct TagContext(pub RunContext);

impl TagContext {
    /// A pull request's own ref for `pull_request_target`, which runs on the base
    /// branch, and where `DOCKER_METADATA_PR_HEAD_SHA` asks for it a pull request's
    /// head commit instead of the merge commit.
    #[must_use]
    pub fn of_event(context: &RunContext, pr_head_sha: &str) -> Self {
        let mut adjusted = context.clone();
        let payload = &context.payload;
        if context.event_name.contains("pull_request_target") {
            let number = payload
                .pull_request_number()
                .unwrap_or_else(|| "undefined".to_owned());
            adjusted.git_ref = format!("refs/pull/{number}/merge");
        }
        if pr_head_sha.to_ascii_lowercase().contains("true")
            && context.event_name.contains("pull_request")
            && let Some(head) = payload.head_sha()
        {
            head.clone_into(&mut adjusted.sha);
        }
        Self(adjusted)
    }
}
