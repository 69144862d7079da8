//! An event for runs outside a workflow: what was not said is made up so that
//! it fits what was.

use serde_json::{Value, json};

use super::{Payload, RunContext};
use crate::vars;

/// A commit for runs that have none.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

impl RunContext {
    /// What the variables of a run would be, as far as the payload tells, and
    /// made up where it does not.
    pub fn made_up(&self) -> Vec<(&'static str, String)> {
        let payload = |path: &[&str]| self.payload.text(path).map(str::to_owned);
        let event_name = match self.event_name.as_str() {
            "" => guess_event(&self.payload).to_owned(),
            name => name.to_owned(),
        };
        let number = self.payload.get(&["number"]).and_then(Value::as_u64);
        let git_ref = match event_name.as_str() {
            name if name.starts_with("pull_request") => {
                format!("refs/pull/{}/merge", number.unwrap_or(1))
            }
            "release" => {
                let tag = payload(&["release", "tag_name"]);
                format!("refs/tags/{}", tag.unwrap_or_else(|| "v1.0.0".to_owned()))
            }
            _ => payload(&["ref"])
                .filter(|name| name.starts_with("refs/"))
                .or_else(|| {
                    payload(&["repository", "default_branch"])
                        .map(|name| format!("refs/heads/{name}"))
                })
                .unwrap_or_else(|| "refs/heads/main".to_owned()),
        };
        let sha = payload(&["after"])
            .or_else(|| payload(&["head_commit", "id"]))
            .or_else(|| payload(&["pull_request", "merge_commit_sha"]))
            .unwrap_or_else(|| COMMIT.to_owned());
        let repository =
            payload(&["repository", "full_name"]).unwrap_or_else(|| "owner/repository".to_owned());
        vec![
            (vars::GITHUB_EVENT_NAME, event_name),
            (vars::GITHUB_REF, git_ref),
            (vars::GITHUB_SHA, sha),
            (vars::GITHUB_REPOSITORY, repository),
            (vars::GITHUB_ACTOR, self.owner_or("octocat")),
        ]
    }

    fn owner_or(&self, default: &str) -> String {
        match self.owner() {
            "" => default.to_owned(),
            owner => owner.to_owned(),
        }
    }

    /// The same context with a payload that fits it, when it has none.
    #[must_use]
    pub fn with_made_up_payload(mut self) -> Self {
        if self.payload == Payload::default() {
            self.payload = Payload::new(self.payload_that_fits());
        }
        self
    }

    fn payload_that_fits(&self) -> Value {
        let (owner, name) = self
            .repository
            .split_once('/')
            .unwrap_or(("", &self.repository));
        let repository = json!({
            "name": name,
            "full_name": self.repository,
            "html_url": format!("{}/{}", self.server_url, self.repository),
            "description": null,
            "license": null,
            "default_branch": "main",
            "private": false,
            "owner": {"login": owner},
        });
        let mut payload = json!({"repository": repository});
        if self.is_pull_request() {
            let number = self
                .git_ref
                .split('/')
                .nth(2)
                .and_then(|n| n.parse::<u64>().ok());
            payload["number"] = json!(number.unwrap_or(1));
            payload["pull_request"] = json!({
                "head": {"sha": self.sha, "ref": "topic", "repo": {"full_name": self.repository}},
                "base": {"ref": "main"},
            });
        } else {
            payload["ref"] = json!(self.git_ref);
            payload["after"] = json!(self.sha);
        }
        payload
    }
}

/// The event that sends such a payload.
fn guess_event(payload: &Payload) -> &'static str {
    if payload.has(&["pull_request"]) {
        "pull_request"
    } else if payload.has(&["schedule"]) {
        "schedule"
    } else if payload.has(&["release"]) {
        "release"
    } else {
        "push"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(context: &RunContext, variable: &str) -> String {
        let made_up = context.made_up();
        made_up
            .into_iter()
            .find(|(name, _)| *name == variable)
            .unwrap()
            .1
    }

    #[test]
    fn what_a_payload_tells_is_not_made_up() {
        let context = RunContext {
            payload: Payload::new(json!({
                "pull_request": {"merge_commit_sha": "abc"},
                "number": 7,
                "repository": {"full_name": "a/b"},
            })),
            ..RunContext::default()
        };
        assert_eq!(value(&context, vars::GITHUB_EVENT_NAME), "pull_request");
        assert_eq!(value(&context, vars::GITHUB_REF), "refs/pull/7/merge");
        assert_eq!(value(&context, vars::GITHUB_SHA), "abc");
        assert_eq!(value(&context, vars::GITHUB_REPOSITORY), "a/b");
    }

    #[test]
    fn nothing_at_all_is_a_push_to_main() {
        let context = RunContext::default();
        assert_eq!(value(&context, vars::GITHUB_EVENT_NAME), "push");
        assert_eq!(value(&context, vars::GITHUB_REF), "refs/heads/main");
    }
}
