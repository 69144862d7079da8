//! An event for runs outside a workflow: what was not said is made up so that
//! it fits what was.

use serde_json::{Value, json};

use crate::env_vars;
use crate::event::payload::Payload;
use crate::event::run_context::RunContext;

/// A commit for runs that have none.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

impl RunContext {
    /// What the variables of a run would be, as far as the payload tells. Where
    /// it does not, they are made up for a dry run, and left out for a real
    /// one: nobody wants an invented commit in a label.
    pub fn made_up(&self, dry_run: bool) -> Vec<(&'static str, String)> {
        let or_invented = |told: Option<String>, invented: &str| {
            told.or_else(|| dry_run.then(|| invented.to_owned()))
        };
        let told = |path: &[&str]| self.payload.text(path).map(str::to_owned);
        let event_name = match self.event_name.as_str() {
            "" => guess_event(&self.payload).to_owned(),
            name => name.to_owned(),
        };
        // A pull request runs on its merge commit; `after` is its head there.
        let sha = told(&["pull_request", "merge_commit_sha"])
            .or_else(|| told(&["after"]))
            .or_else(|| told(&["head_commit", "id"]));
        let repository = told(&["repository", "full_name"]);
        let (git_ref, invented_ref) = self.ref_of(&event_name);
        [
            (env_vars::GITHUB_EVENT_NAME, Some(event_name)),
            (env_vars::GITHUB_REF, or_invented(git_ref, invented_ref)),
            (env_vars::GITHUB_SHA, or_invented(sha, COMMIT)),
            (
                env_vars::GITHUB_REPOSITORY,
                or_invented(repository, "owner/repository"),
            ),
            (env_vars::GITHUB_ACTOR, or_invented(None, "octocat")),
        ]
        .into_iter()
        .filter_map(|(variable, value)| Some((variable, value?)))
        .collect()
    }

    /// The ref that such an event runs on: what the payload tells, and what
    /// stands for it when it tells nothing.
    fn ref_of(&self, event_name: &str) -> (Option<String>, &'static str) {
        let payload = &self.payload;
        if event_name.starts_with("pull_request") {
            let number = payload.get(&["number"]).and_then(Value::as_u64);
            let told = number.map(|number| format!("refs/pull/{number}/merge"));
            return (told, "refs/pull/1/merge");
        }
        if event_name == "release" {
            let told = payload.text(&["release", "tag_name"]);
            return (
                told.map(|tag| format!("refs/tags/{tag}")),
                "refs/tags/v1.0.0",
            );
        }
        let pushed = payload
            .text(&["ref"])
            .filter(|name| name.starts_with("refs/"));
        let default = payload.text(&["repository", "default_branch"]);
        let told = pushed
            .map(str::to_owned)
            .or_else(|| default.map(|name| format!("refs/heads/{name}")));
        (told, "refs/heads/main")
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
        let made_up = context.made_up(true);
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
        assert_eq!(value(&context, env_vars::GITHUB_EVENT_NAME), "pull_request");
        assert_eq!(value(&context, env_vars::GITHUB_REF), "refs/pull/7/merge");
        assert_eq!(value(&context, env_vars::GITHUB_SHA), "abc");
        assert_eq!(value(&context, env_vars::GITHUB_REPOSITORY), "a/b");
    }

    #[test]
    fn a_real_run_gets_nothing_invented() {
        let names: Vec<&str> = RunContext::default()
            .made_up(false)
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, [env_vars::GITHUB_EVENT_NAME]);
    }

    #[test]
    fn nothing_at_all_is_a_push_to_main() {
        let context = RunContext::default();
        assert_eq!(value(&context, env_vars::GITHUB_EVENT_NAME), "push");
        assert_eq!(value(&context, env_vars::GITHUB_REF), "refs/heads/main");
    }
}
