//! What GitHub's API knows and the payload does not.
//!
//! Goes through octocrab at `GITHUB_API_URL`. An answer that does not come is
//! never an error here: the labels it was for stay empty and a warning says so.

use jiff::Timestamp;
use octocrab::Octocrab;
use serde_json::Value;

use crate::event::RunContext;
use crate::http;
use crate::metadata::Repository;
use crate::secret::Secret;

/// GitHub's API for one repository.
pub(super) struct GitHub {
    api: Octocrab,
    repository: String,
}

impl GitHub {
    /// Prepares requests to the server that the run belongs to.
    ///
    /// # Errors
    /// When `GITHUB_API_URL` is no URL.
    pub(super) fn new(
        client: reqwest::Client,
        context: &RunContext,
        token: Option<&Secret>,
    ) -> Result<Self, String> {
        let mut builder = Octocrab::builder()
            .base_uri(&context.api_url)
            .map_err(|error| words(&error))?;
        if let Some(token) = token {
            builder = builder.personal_token(token.expose());
        }
        let api = builder
            .build_with_reqwest(client)
            .map_err(|error| words(&error))?;
        Ok(Self {
            api,
            repository: context.repository.clone(),
        })
    }

    /// `GET /repos/OWNER/NAME`.
    ///
    /// # Errors
    /// In GitHub's words, when it does not answer or refuses.
    pub(super) async fn repository(&self) -> Result<Repository, String> {
        let found = self.get(&format!("/repos/{}", self.repository)).await?;
        Ok(Repository::from_json(&found))
    }

    /// `GET /repos/OWNER/NAME/commits/SHA`: the committer's date.
    ///
    /// # Errors
    /// In GitHub's words, when it does not answer or has no such commit.
    pub(super) async fn commit_date(&self, sha: &str) -> Result<Timestamp, String> {
        let route = format!("/repos/{}/commits/{sha}", self.repository);
        let found = self.get(&route).await?;
        found
            .pointer("/commit/committer/date")
            .and_then(Value::as_str)
            .and_then(|date| date.parse().ok())
            .ok_or_else(|| format!("{route} has no committer's date"))
    }

    async fn get(&self, route: &str) -> Result<Value, String> {
        let got = self.api.get(route, None::<&()>).await;
        got.map_err(|error| words(&error))
    }

    /// The same for a route whose refusal tells something too.
    ///
    /// # Errors
    /// With GitHub's status and words, when it answered.
    pub(super) async fn try_get(&self, route: &str) -> Result<Value, Refused> {
        let got = self.api.get(route, None::<&()>).await;
        got.map_err(|error| match error {
            octocrab::Error::GitHub { source, .. } => {
                Refused::Answered(source.status_code.as_u16(), source.message)
            }
            _ => Refused::Unreachable,
        })
    }
}

/// Why GitHub's API did not tell.
pub(super) enum Refused {
    /// It answered with this status and message.
    Answered(u16, String),
    /// It did not answer.
    Unreachable,
}

/// GitHub's own words where it had any: octocrab's are just 'GitHub'.
fn words(error: &octocrab::Error) -> String {
    match error {
        octocrab::Error::GitHub { source, .. } => {
            format!("{} {}", source.status_code, source.message)
        }
        other => http::innermost(other),
    }
}
