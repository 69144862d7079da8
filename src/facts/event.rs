//! What the rules read: the event or the checkout, the repository, the
//! commit's date.
//!
//! Owns [`EventFacts`], which is all that `metadata` needs to know of the world.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::checkout::{self, Checkout};
use crate::facts::github::GitHub;
use crate::host::Host;
use crate::input::{ContextSource, Inputs};
use crate::metadata::{self, Repository, TagContext};
use crate::{env_vars, http};

/// What names are made from, beside the rules.
#[derive(Clone, Debug)]
pub struct EventFacts {
    /// The event as the rules read it: with the pull request's own ref, or the
    /// checkout's ref and commit.
    pub context: TagContext,
    /// Clock, zone, repository, date of the commit.
    pub metadata: metadata::Facts,
    /// Where ref and commit come from, when it is not the event.
    pub decision: Option<String>,
    /// Why the checkout cannot be read, when it is asked for.
    pub problem: Option<InputProblem>,
    /// What could not be found out, for the log.
    pub warnings: Vec<String>,
}

impl EventFacts {
    /// What can be known from files alone.
    pub fn local(host: &Host, inputs: &Inputs, context: &RunContext) -> Self {
        let payload = &context.payload;
        let repository = Repository::from_payload(payload)
            .unwrap_or_else(|| Repository::of(&context.repository, &context.server_url));
        let adjusted = TagContext::of_event(context, &inputs.pr_head_sha);
        let mut facts = Self {
            metadata: metadata::Facts {
                now: host.now(),
                time_zone: time_zone(host),
                repository,
                commit_date: metadata::commit_date(payload, &adjusted.0.sha),
            },
            context: adjusted,
            decision: None,
            problem: None,
            warnings: Vec::new(),
        };
        match inputs.metadata_context {
            ContextSource::Git => {
                if let Err(error) = facts.take_checkout(host, context) {
                    facts.problem = Some(error.of_input(inputs.part.context_input()));
                }
            }
            ContextSource::Workflow if !host.is_github_actions() => {
                facts.date_from_checkout(host, inputs);
            }
            ContextSource::Workflow => {}
        }
        facts
    }

    /// Ref, commit and date of the checkout; everything else is the event's.
    fn take_checkout(&mut self, host: &Host, event: &RunContext) -> Result<(), checkout::Error> {
        let checkout = Checkout::open(host.directory())?;
        let context = RunContext {
            git_ref: checkout.git_ref()?,
            sha: checkout.sha(),
            ..event.clone()
        };
        self.metadata.commit_date = Some(checkout.committed()?);
        self.decision = Some(format!(
            "{} at {}: the checkout's, as the context is git",
            context.git_ref, context.sha
        ));
        self.context = TagContext(context);
        Ok(())
    }

    /// Outside a workflow the commit is often at hand, and GitHub may not have
    /// it yet.
    fn date_from_checkout(&mut self, host: &Host, inputs: &Inputs) {
        if !self.needs_date(inputs) {
            return;
        }
        let checkout = Checkout::open(host.directory()).ok();
        let same = checkout.filter(|checkout| checkout.sha() == self.context.0.sha);
        self.metadata.commit_date = same.and_then(|checkout| checkout.committed().ok());
    }

    fn needs_date(&self, inputs: &Inputs) -> bool {
        self.metadata.commit_date.is_none() && metadata::needs_commit_date(&inputs.metadata)
    }

    fn needs_repository(&self) -> bool {
        Repository::from_payload(&self.context.0.payload).is_none()
    }

    /// True when [`Self::ask`] has nothing to ask.
    pub fn is_complete(&self, inputs: &Inputs) -> bool {
        !self.needs_repository() && !self.needs_date(inputs)
    }

    /// Asks GitHub's API for what is still open.
    pub async fn ask(&mut self, inputs: &Inputs) {
        if self.is_complete(inputs) {
            return;
        }
        let needs_repository = self.needs_repository();
        let needs_date = self.needs_date(inputs);
        let token = inputs.github_token.as_ref();
        let github = http::client(&inputs.authorities)
            .map_err(|error| error.to_string())
            .and_then(|client| GitHub::new(client, &self.context.0, token));
        let github = match github {
            Ok(github) => github,
            Err(error) => return self.warn(&error),
        };
        let repository = async {
            if needs_repository {
                Some(github.repository().await)
            } else {
                None
            }
        };
        let sha = self.context.0.sha.clone();
        let date = async {
            if needs_date {
                Some(github.commit_date(&sha).await)
            } else {
                None
            }
        };
        let (repository, date) = tokio::join!(repository, date);
        self.learn(repository, date);
    }

    fn learn(
        &mut self,
        repository: Option<Result<Repository, String>>,
        date: Option<Result<Timestamp, String>>,
    ) {
        match repository {
            Some(Ok(repository)) => self.metadata.repository = repository,
            Some(Err(error)) => self.warn(&error),
            None => {}
        }
        match date {
            Some(Ok(date)) => self.metadata.commit_date = Some(date),
            Some(Err(error)) => self.warnings.push(format!(
                "could not get the commit's date ({error}); using the current time"
            )),
            None => {}
        }
    }

    fn warn(&mut self, error: &str) {
        self.warnings.push(format!(
            "GitHub's API at {} did not tell of {} ({error}): labels that need it stay empty",
            self.context.0.api_url, self.context.0.repository
        ));
    }
}

fn time_zone(host: &Host) -> TimeZone {
    host.var(env_vars::TZ)
        .and_then(|name| TimeZone::get(name.trim_start_matches(':')).ok())
        .unwrap_or(TimeZone::UTC)
}
