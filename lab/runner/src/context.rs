//! What the runner knows about a run: the `github` context, secrets, the machine.
//!
//! Owns the values and their defaults; must not touch processes or files.
//! Names follow GitHub's documentation of the `github` and `runner` contexts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

/// The run that a step belongs to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// The event's name, such as `push`.
    pub event_name: String,
    /// The event's payload.
    pub event: Value,
    /// The full ref, such as `refs/tags/v1.2.3`.
    pub git_ref: String,
    /// The commit, 40 hexadecimal digits.
    pub sha: String,
    /// `OWNER/NAME`.
    pub repository: String,
    /// Who started the run.
    pub actor: String,
    /// The server, without a slash at the end.
    pub server_url: String,
    /// The server's API, without a slash at the end.
    pub api_url: String,
    /// The run's token, `github.token`; masked.
    pub token: String,
    /// Secrets by name; masked.
    pub secrets: BTreeMap<String, String>,
    /// Configuration variables by name.
    pub vars: BTreeMap<String, String>,
    /// Environment of the job: it wins over the host's, and is never scrubbed.
    pub env: BTreeMap<String, String>,
    /// The checkout; an empty folder when not given.
    pub workspace: Option<PathBuf>,
    /// The tool cache; a folder of the lab when not given.
    pub tool_cache: Option<PathBuf>,
    /// The Node to run actions with; `node` of PATH when not given.
    pub node: Option<PathBuf>,
    /// The network of `docker://` steps; the engine's default when not given.
    pub network: Option<String>,
    /// Debug logging: `RUNNER_DEBUG=1`, and `::debug::` is shown.
    pub debug: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            event_name: "push".into(),
            event: json!({}),
            git_ref: "refs/heads/main".into(),
            sha: "0123456789abcdef0123456789abcdef01234567".into(),
            repository: "octo-org/octo-repo".into(),
            actor: "octocat".into(),
            server_url: "https://github.com".into(),
            api_url: "https://api.github.com".into(),
            token: "ghs_0123456789abcdefghijklmnopqrstuvwxyz".into(),
            secrets: BTreeMap::new(),
            vars: BTreeMap::new(),
            env: BTreeMap::new(),
            workspace: None,
            tool_cache: None,
            node: None,
            network: None,
            debug: false,
        }
    }
}

impl Context {
    /// `github.ref_name`: what stands after `refs/heads/`, `refs/tags/`, `refs/pull/`.
    #[must_use]
    pub fn ref_name(&self) -> &str {
        ["refs/heads/", "refs/tags/", "refs/pull/"]
            .iter()
            .find_map(|prefix| self.git_ref.strip_prefix(prefix))
            .unwrap_or(&self.git_ref)
    }

    /// The string values of the `github` context that an action gets as `GITHUB_…`.
    ///
    /// The runner's list has `action_path` too, but sets it for composite
    /// actions only.
    pub(crate) fn github(&self) -> Vec<(&'static str, String)> {
        let owner = self.repository.split('/').next().unwrap_or_default();
        let ref_type = if self.git_ref.starts_with("refs/tags/") {
            "tag"
        } else {
            "branch"
        };
        let branch = |side: &str| text(self.event.pointer(&format!("/pull_request/{side}/ref")));
        let id = |pointer: &str| text(self.event.pointer(pointer));
        let workflow = ".github/workflows/lab.yml";
        vec![
            ("action", "__self".into()),
            ("action_ref", String::new()),
            ("action_repository", String::new()),
            ("actor", self.actor.clone()),
            ("actor_id", id("/sender/id")),
            ("api_url", self.api_url.clone()),
            ("base_ref", branch("base")),
            ("event_name", self.event_name.clone()),
            (
                "graphql_url",
                format!("{}/graphql", self.api_url.trim_end_matches("/v3")),
            ),
            ("head_ref", branch("head")),
            ("job", "lab".into()),
            ("ref", self.git_ref.clone()),
            ("ref_name", self.ref_name().into()),
            ("ref_protected", "false".into()),
            ("ref_type", ref_type.into()),
            ("repository", self.repository.clone()),
            ("repository_id", id("/repository/id")),
            ("repository_owner", owner.into()),
            ("repository_owner_id", id("/repository/owner/id")),
            ("retention_days", "90".into()),
            ("run_attempt", "1".into()),
            ("run_id", "1234567890".into()),
            ("run_number", "1".into()),
            ("server_url", self.server_url.clone()),
            ("sha", self.sha.clone()),
            ("triggering_actor", self.actor.clone()),
            ("workflow", "lab".into()),
            (
                "workflow_ref",
                format!("{}/{workflow}@{}", self.repository, self.git_ref),
            ),
            ("workflow_sha", self.sha.clone()),
        ]
    }

    /// What expressions can look up: `github`, `secrets`, `vars`, `job`.
    pub(crate) fn expression_values(&self) -> Map<String, Value> {
        let mut github: Map<String, Value> = self
            .github()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        github.insert("event".into(), self.event.clone());
        github.insert("token".into(), self.token.clone().into());
        let mut secrets = self.secrets.clone();
        secrets
            .entry("GITHUB_TOKEN".into())
            .or_insert_with(|| self.token.clone());
        let mut values = Map::new();
        values.insert("github".into(), Value::Object(github));
        values.insert("secrets".into(), json!(secrets));
        values.insert("vars".into(), json!(self.vars));
        values.insert("job".into(), json!({"check_run_id": 9_876_543_210_u64}));
        values
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ref_names_are_what_stands_after_the_kind() {
        let named = |git_ref: &str| {
            Context {
                git_ref: git_ref.into(),
                ..Context::default()
            }
            .ref_name()
            .to_owned()
        };
        assert_eq!(named("refs/heads/releases/v1"), "releases/v1");
        assert_eq!(named("refs/tags/v1.2.3"), "v1.2.3");
        assert_eq!(named("refs/pull/2/merge"), "2/merge");
    }

    #[test]
    fn a_pull_request_has_two_branches() {
        let event = json!({"pull_request": {"head": {"ref": "topic"}, "base": {"ref": "main"}}});
        let context = Context {
            event,
            ..Context::default()
        };
        assert!(context.github().contains(&("head_ref", "topic".into())));
        assert!(context.github().contains(&("base_ref", "main".into())));
    }
}
