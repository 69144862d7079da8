//! What GitHub tells of a run.

use crate::event::payload::Payload;

/// What is known of the run before anything is asked of the world.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunContext {
    /// `GITHUB_EVENT_NAME`, such as `push`.
    pub event_name: String,
    /// `GITHUB_REF`, fully formed, such as `refs/tags/v1.2.3`.
    pub git_ref: String,
    /// `GITHUB_SHA`: the commit that the event stands for.
    pub sha: String,
    /// `GITHUB_REPOSITORY`: `OWNER/NAME`, in the owner's spelling.
    pub repository: String,
    /// `GITHUB_ACTOR`: who started the run.
    pub actor: String,
    /// `GITHUB_SERVER_URL`, without a trailing slash.
    pub server_url: String,
    /// `GITHUB_API_URL`, without a trailing slash.
    pub api_url: String,
    /// `GITHUB_RUN_ID`.
    pub run_id: String,
    /// `GITHUB_RUN_ATTEMPT`.
    pub run_attempt: String,
    /// What the event says, from the file at `GITHUB_EVENT_PATH`.
    pub payload: Payload,
}

impl RunContext {
    /// True for `pull_request`, `pull_request_target` and their kin.
    pub fn is_pull_request(&self) -> bool {
        self.event_name.starts_with("pull_request")
    }

    /// True for a pull request whose branch is in another repository, one that
    /// has been deleted since included. Such runs have no secrets, and, but for
    /// `pull_request_target`, a read-only token.
    pub fn is_fork(&self) -> bool {
        const HEAD: [&str; 3] = ["pull_request", "head", "repo"];
        let head = self.payload.text(&[&HEAD[..], &["full_name"]].concat());
        match head {
            Some(head) => !head.eq_ignore_ascii_case(&self.repository),
            None => self.payload.has(&HEAD) && self.payload.get(&HEAD).is_none(),
        }
    }

    /// True where GitHub hands out a token that can only read, whatever
    /// `permissions` say: in a pull request from a fork. `pull_request_target`
    /// runs with the rights of the repository itself.
    pub fn has_read_only_token(&self) -> bool {
        self.is_fork() && self.event_name != "pull_request_target"
    }

    /// True for the name of a branch or Git tag of the event: whoever may push one,
    /// in a fork too, has chosen it.
    pub fn is_name_of_ref(&self, text: &str) -> bool {
        const KEYS: [&str; 5] = ["ref", "base_ref", "head_ref", "head_branch", "tag_name"];
        let own = [self.git_ref.as_str()].into_iter();
        let short = |name: &str| {
            let short = name.strip_prefix("refs/heads/");
            short.or_else(|| name.strip_prefix("refs/tags/")) == Some(text) || name == text
        };
        own.chain(self.payload.texts(&KEYS)).any(short)
    }

    /// True for runs that Dependabot started. GitHub holds them back by this
    /// actor, which stays the same when somebody runs them again.
    pub fn is_dependabot(&self) -> bool {
        self.actor == "dependabot[bot]"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_fork_is_a_pull_request_from_another_repository() {
        let pull_request = |repo: Value| json!({"pull_request": {"head": {"repo": repo}}});
        for (payload, fork) in [
            (pull_request(json!({"full_name": "me/app"})), true),
            (pull_request(Value::Null), true),
            (pull_request(json!({"full_name": "ACME/app"})), false),
            (json!({"pull_request": {}}), false),
            (json!({"head": {"repo": null}}), false),
        ] {
            let context = RunContext {
                repository: "acme/app".to_owned(),
                payload: Payload::new(payload.clone()),
                ..RunContext::default()
            };
            assert_eq!(context.is_fork(), fork, "{payload}");
        }
    }

    #[test]
    fn names_of_branches_and_git_tags_are_known_wherever_the_event_has_them() {
        let context = RunContext {
            git_ref: "refs/heads/feature/x".to_owned(),
            payload: Payload::new(json!({
                "pull_request": {"head": {"ref": "evil/x"}, "title": "psf/black"},
                "workflow_run": {"head_branch": "other/y", "pull_requests": [
                    {"head": {"ref": "listed/z"}},
                ]},
                "release": {"tag_name": "app/v1"},
                "merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-1"},
                "repository": {"full_name": "acme/app"},
            })),
            ..RunContext::default()
        };
        for name in [
            "feature/x",
            "refs/heads/feature/x",
            "evil/x",
            "other/y",
            "listed/z",
            "app/v1",
            "gh-readonly-queue/main/pr-1",
        ] {
            assert!(context.is_name_of_ref(name), "{name}");
        }
        for other in ["acme/app", "psf/black", "x", ""] {
            assert!(!context.is_name_of_ref(other), "{other}");
        }
    }

    #[test]
    fn dependabot_is_known_by_the_actor() {
        for (actor, dependabot) in [
            ("dependabot[bot]", true),
            ("dependabot", false),
            ("", false),
        ] {
            let context = RunContext {
                actor: actor.to_owned(),
                ..RunContext::default()
            };
            assert_eq!(context.is_dependabot(), dependabot, "{actor}");
        }
    }
}
