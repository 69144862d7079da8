//! Everything that has to be asked of the world, asked once and side by side.
//!
//! Owns [`Facts`]. The plan reads them and asks nothing itself.

mod buildx;
mod docker;
mod engine;
mod github;
mod workspace;

use std::path::PathBuf;

pub use buildx::ChosenBuilder;
pub use docker::{DockerSettings, Endpoint};
pub use engine::Engine;
use github::GitHub;
use jiff::Timestamp;
use jiff::tz::TimeZone;
pub use workspace::Workspace;

use crate::event::RunContext;
use crate::host::Host;
use crate::http;
use crate::input::Inputs;
use crate::metadata::{self, Repository};
use crate::vars;

/// What the plan is made from, beside inputs and context.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The clock of tags and labels.
    pub now: Timestamp,
    /// The zone in which dates are written where a tag names none.
    pub time_zone: TimeZone,
    /// The repository, as far as it is known.
    pub repository: Repository,
    /// When the event's commit was made, where a tag asks for it.
    pub commit_date: Option<Timestamp>,
    /// The files of the workspace.
    pub workspace: Workspace,
    /// Docker as the user has set it up.
    pub docker: DockerSettings,
    /// The engine.
    pub engine: Engine,
    /// The buildx program.
    pub buildx: Option<PathBuf>,
    /// The builder that the environment has chosen.
    pub chosen_builder: Option<ChosenBuilder>,
    /// What could not be found out, for the log.
    pub warnings: Vec<String>,
}

impl Facts {
    /// What can be known from files alone: for a dry run, and for the check of
    /// inputs before anything else is asked.
    pub fn local(host: &Host, inputs: &Inputs, context: &RunContext) -> Self {
        let docker = DockerSettings::read(host);
        let payload = &context.payload;
        Self {
            now: host.now(),
            time_zone: time_zone(host),
            repository: Repository::from_payload(payload)
                .unwrap_or_else(|| Repository::of(&context.repository, &context.server_url)),
            commit_date: metadata::commit_date(payload, &context.sha),
            workspace: Workspace::look(host, inputs.context.as_deref(), inputs.file.as_deref()),
            engine: Engine::Unasked,
            buildx: None,
            chosen_builder: buildx::chosen(host, &docker),
            docker,
            warnings: Vec::new(),
        }
    }

    /// Asks the engine and, where the payload leaves something open, GitHub's
    /// API, both at once.
    pub async fn ask(&mut self, host: &Host, inputs: &Inputs, context: &RunContext) {
        self.buildx = buildx::find(host, &self.docker);
        self.warnings.append(&mut self.docker.warnings);
        // A builder by name may be anywhere: no local engine is needed for it.
        let needs_engine = inputs.builder.is_none() && self.chosen_builder.is_none();
        let endpoint = self.docker.endpoint.clone();
        let engine = async {
            match needs_engine {
                true => engine::ask(&endpoint).await,
                false => Engine::Unasked,
            }
        };
        let (engine, ()) = tokio::join!(engine, self.ask_github(inputs, context));
        self.engine = engine;
    }

    async fn ask_github(&mut self, inputs: &Inputs, context: &RunContext) {
        let needs_repository = Repository::from_payload(&context.payload).is_none();
        let needs_date =
            self.commit_date.is_none() && metadata::needs_commit_date(&inputs.metadata);
        if !needs_repository && !needs_date {
            return;
        }
        let token = inputs.github_token.as_ref();
        let github = http::client(&inputs.authorities)
            .map_err(|error| error.to_string())
            .and_then(|client| GitHub::new(client, context, token));
        let github = match github {
            Ok(github) => github,
            Err(error) => return self.warn(context, &error),
        };
        let repository = async {
            match needs_repository {
                true => Some(github.repository().await),
                false => None,
            }
        };
        let date = async {
            match needs_date {
                true => Some(github.commit_date(&context.sha).await),
                false => None,
            }
        };
        let (repository, date) = tokio::join!(repository, date);
        match repository {
            Some(Ok(repository)) => self.repository = repository,
            Some(Err(error)) => self.warn(context, &error),
            None => {}
        }
        match date {
            Some(Ok(date)) => self.commit_date = Some(date),
            Some(Err(error)) => self.warnings.push(format!(
                "the commit's date is not to be had ({error}): the current time stands for it"
            )),
            None => {}
        }
    }

    fn warn(&mut self, context: &RunContext, error: &str) {
        self.warnings.push(format!(
            "GitHub's API at {} did not tell of {} ({error}): labels that need it stay empty",
            context.api_url, context.repository
        ));
    }
}

fn time_zone(host: &Host) -> TimeZone {
    host.var(vars::TZ)
        .and_then(|name| TimeZone::get(name.trim_start_matches(':')).ok())
        .unwrap_or(TimeZone::UTC)
}
