//! What GitHub's API knows and the payload does not.
//!
//! Goes through octocrab at `GITHUB_API_URL`. An answer that does not come is
//! never an error here: the labels it was for stay empty and a warning says so.

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use jiff::Timestamp;
use octocrab::Octocrab;
use reqwest::StatusCode;
use serde_json::Value;

use crate::error::sanitize;
use crate::event::RunContext;
use crate::metadata::Repository;
use crate::secret::{self, Secret};
use crate::{document, http};

/// How much of an answer is read, in bytes: a commit comes with its changes.
const MOST: usize = 8 * 1024 * 1024;
/// How long a comparison of commits may take.
const COMPARED: Duration = Duration::from_secs(10);

/// GitHub's API for one repository.
pub struct GitHub {
    api: Octocrab,
    repository: String,
    token: Option<Secret>,
}

impl GitHub {
    /// Prepares requests to the server that the run belongs to.
    ///
    /// # Errors
    /// When `GITHUB_API_URL` is no URL.
    pub fn new(
        client: reqwest::Client,
        context: &RunContext,
        token: Option<&Secret>,
    ) -> Result<Self, String> {
        let mut builder = Octocrab::builder()
            .base_uri(&context.api_url)
            .map_err(|error| http::innermost(&error))?;
        if let Some(token) = token {
            builder = builder.personal_token(token.expose());
        }
        let api = builder
            .build_with_reqwest(client)
            .map_err(|error| http::innermost(&error))?;
        Ok(Self {
            api,
            repository: context.repository.clone(),
            token: token.cloned(),
        })
    }

    /// `GET /repos/OWNER/NAME`.
    ///
    /// # Errors
    /// In GitHub's words, when it does not answer or refuses.
    pub async fn repository(&self) -> Result<Repository, String> {
        let found = self.get(&format!("/repos/{}", self.repository)).await?;
        Ok(Repository::from_json(&found))
    }

    /// `GET /repos/OWNER/NAME/commits/SHA`: the committer's date.
    ///
    /// # Errors
    /// In GitHub's words, when it does not answer or has no such commit.
    pub async fn commit_date(&self, sha: &str) -> Result<Timestamp, String> {
        let route = format!("/repos/{}/commits/{sha}", self.repository);
        let found = self.get(&route).await?;
        found
            .pointer("/commit/committer/date")
            .and_then(Value::as_str)
            .and_then(|date| date.parse().ok())
            .ok_or_else(|| format!("{route} has no committer's date"))
    }

    /// `GET /repos/OWNER/NAME/compare/BASE...HEAD`: whether the head is behind the base.
    ///
    /// # Errors
    /// In GitHub's words, when it does not answer or lacks one of the two.
    pub async fn is_behind(&self, base: &str, head: &str) -> Result<bool, String> {
        let route = format!(
            "/repos/{}/compare/{base}...{head}?per_page=1",
            self.repository
        );
        let compared = self.get(&route);
        let compared = tokio::time::timeout(COMPARED, compared).await;
        let compared = compared.map_err(|_| "GitHub's API did not answer".to_owned())??;
        Ok(compared.get("status").and_then(Value::as_str) == Some("behind"))
    }

    async fn get(&self, route: &str) -> Result<Value, String> {
        self.try_get(route)
            .await
            .map_err(|refused| refused.into_text())
    }

    /// The same for a route whose refusal tells something too.
    ///
    /// # Errors
    /// With GitHub's status and words, when it answered.
    pub async fn try_get(&self, route: &str) -> Result<Value, Refused> {
        let unreachable = |error: octocrab::Error| Refused::Unreachable(http::innermost(&error));
        let response = self.api._get(route).await.map_err(unreachable)?;
        let (status, body) = (response.status(), response.into_body());
        let body = Limited::new(body, MOST).collect().await;
        let body = body.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Refused::Unreachable(format!("{route} is more than {MOST} bytes"))
            } else {
                Refused::Unreachable(http::innermost(&*error))
            }
        })?;
        let json = document::json(&body.to_bytes());
        if status.is_success() {
            return json.map_err(|error| Refused::Unreachable(error.to_string()));
        }
        let message = json.ok();
        let message = message
            .as_ref()
            .and_then(|json| json.get("message")?.as_str());
        let message = secret::hide(message.unwrap_or_default(), &self.token);
        let message = sanitize::clean(&message, sanitize::WORDS);
        Err(Refused::Answered(status, message))
    }
}

/// Why GitHub's API did not tell.
pub enum Refused {
    /// It answered with this status and message.
    Answered(StatusCode, String),
    /// It did not answer, or with nothing of use.
    Unreachable(String),
}

impl Refused {
    fn into_text(self) -> String {
        match self {
            Self::Answered(status, message) => format!("{status} {message}").trim_end().to_owned(),
            Self::Unreachable(why) => why,
        }
    }
}
