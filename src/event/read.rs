//! The run's context, read from the environment and the event file.

use serde_json::Value;

use crate::error::InputProblem;
use crate::event::payload::Payload;
use crate::event::run_context::RunContext;
use crate::host::{Host, file};
use crate::{document, env_vars};

impl RunContext {
    /// Reads `GITHUB_*` and the file at `GITHUB_EVENT_PATH`.
    ///
    /// What is wrong comes back beside the context, so that it can be reported
    /// together with every other bad input.
    pub fn read(host: &Host) -> (Self, Vec<InputProblem>) {
        let text = |name: &str| host.var(name).unwrap_or_default().to_owned();
        let url = |name: &str, default: &str| {
            host.var(name)
                .unwrap_or(default)
                .trim_end_matches('/')
                .to_owned()
        };
        let (payload, problem) = match read_payload(host) {
            Ok(payload) => (payload, None),
            Err(problem) => (Payload::default(), Some(problem)),
        };
        let context = Self {
            event_name: text(env_vars::GITHUB_EVENT_NAME),
            git_ref: text(env_vars::GITHUB_REF),
            sha: text(env_vars::GITHUB_SHA),
            repository: text(env_vars::GITHUB_REPOSITORY),
            actor: text(env_vars::GITHUB_ACTOR),
            server_url: url(env_vars::GITHUB_SERVER_URL, "https://github.com"),
            api_url: url(env_vars::GITHUB_API_URL, "https://api.github.com"),
            run_id: text(env_vars::GITHUB_RUN_ID),
            run_attempt: text(env_vars::GITHUB_RUN_ATTEMPT),
            payload,
        };
        let problems = problem.into_iter().chain(context.missing()).collect();
        (context, problems)
    }

    /// The variables without which nothing can be tagged.
    fn missing(&self) -> Vec<InputProblem> {
        let needed = [
            (
                env_vars::GITHUB_EVENT_NAME,
                "--event-name",
                &self.event_name,
                "an event such as push",
            ),
            (
                env_vars::GITHUB_REF,
                "--ref",
                &self.git_ref,
                "a full ref such as refs/heads/main",
            ),
            (
                env_vars::GITHUB_SHA,
                "--sha",
                &self.sha,
                "a commit's 40 hexadecimal digits",
            ),
            (
                env_vars::GITHUB_REPOSITORY,
                "--repository",
                &self.repository,
                "OWNER/NAME",
            ),
        ];
        needed
            .into_iter()
            .filter(|(_, _, value, _)| value.is_empty())
            .map(|(name, option, _, accepted)| {
                let why = format!("is not set, or is not UTF-8; outside a workflow, give {option}");
                InputProblem::new(name, "", why, accepted)
            })
            .collect()
    }

    /// The repository's owner, in the owner's spelling.
    pub fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    /// The host of the GitHub server, with its port if it has one.
    pub fn server_host(&self) -> &str {
        let bare = self
            .server_url
            .split_once("://")
            .map_or(self.server_url.as_str(), |(_, rest)| rest);
        bare.split('/').next().unwrap_or_default()
    }
}

fn read_payload(host: &Host) -> Result<Payload, InputProblem> {
    let Some(path) = host.var(env_vars::GITHUB_EVENT_PATH) else {
        return Ok(Payload::default());
    };
    let problem = |why: String| {
        InputProblem::new("event file", path, why, "a JSON object, as GitHub sends it")
    };
    let text = file::read_text(&host.path(path), file::DATA)
        .map_err(|error| problem(error.to_string()))?;
    match document::json(text.as_bytes()) {
        Ok(value @ Value::Object(_)) => Ok(Payload::new(value)),
        Ok(_) => Err(problem("is JSON, but no object".to_owned())),
        Err(e) => Err(problem(format!("is not JSON: {e}")).at(e.line(), e.column())),
    }
}
