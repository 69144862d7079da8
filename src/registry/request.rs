//! A request and its answer: of bounded size, in bounded time, and repeated
//! while what went wrong can pass.
//!
//! Follows RFC 9110 for `Retry-After` (whole seconds only: ghcr.io also sends
//! `1.02ms`, which would be no pause at all). Follows no redirect.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, RETRY_AFTER};
use reqwest::{Request, RequestBuilder, StatusCode, Url};
use tokio::time::{Instant, sleep};

use crate::error::sanitize;
use crate::registry::refusal::{Refusal, Stage};
use crate::registry::transport_error;
use crate::secret::Secret;

/// How much of an answer is read where it is only words, in bytes.
pub const WORDS: usize = 64 * 1024;
/// How much of a registry's words stands in an explanation, in characters.
const QUOTED: usize = 200;

/// How long the bytes of one blob may take: longer than a job does.
const TRANSFER: Duration = Duration::from_secs(24 * 60 * 60);
/// The first pause after a failure that can pass; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// The same after "too many requests".
const LIMITED: Duration = Duration::from_secs(1);
/// The longest pause that a registry has not asked for.
const LONGEST: Duration = Duration::from_secs(4);

/// Why there is no answer of use.
#[derive(Clone, Debug)]
pub enum RequestError {
    /// The registry refused.
    Refused(Refusal),
    /// It could not be asked, or did not keep to the protocol; says why.
    Unknown(String),
}

impl RequestError {
    /// The same, for a registry that was asked without a login, or with one.
    pub fn with_login(self, is_anonymous: bool) -> Self {
        match self {
            Self::Refused(refusal) => Self::Refused(Refusal {
                anonymous: is_anonymous,
                ..refusal
            }),
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

impl From<String> for RequestError {
    fn from(why: String) -> Self {
        Self::Unknown(why)
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// What was asked.
    pub url: Url,
    pub body: Vec<u8>,
    /// True when there was more than was to be read.
    pub cut: bool,
    /// What proved who asks, which a registry may repeat in its words.
    sent: Vec<Secret>,
}

impl Response {
    /// True for the answer to the start of an upload that goes on, or is done at once.
    pub fn starts_upload(&self) -> bool {
        [StatusCode::ACCEPTED, StatusCode::CREATED].contains(&self.status)
    }

    /// The answer as the reason to stop: a refusal when it is one.
    pub fn stop(&self, stage: Stage) -> RequestError {
        let refusal = Refusal::new(stage, self.status.as_u16(), &self.body_text(), &self.sent);
        if self.status.is_client_error() && !self.can_pass() {
            return RequestError::Refused(refusal);
        }
        let mut text = format!(
            "{} was answered with {}",
            describe_request(stage),
            self.status
        );
        if self.status.is_redirection() {
            text.push_str(", and a credential is not carried to another address");
        }
        let words = sanitize::clean(&refusal.words, QUOTED);
        if !words.is_empty() {
            text = format!("{text}: {words}");
        }
        RequestError::Unknown(text)
    }

    /// The answer as text. Where it is cut off, a mark says so.
    fn body_text(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        if self.cut {
            format!("{text}…")
        } else {
            text.into_owned()
        }
    }

    pub fn can_pass(&self) -> bool {
        let passing = [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT];
        self.status.is_server_error() || passing.contains(&self.status)
    }

    fn pause(&self, attempt: u32, jitter: f64) -> Duration {
        let limited = self.status == StatusCode::TOO_MANY_REQUESTS;
        let asked = self
            .headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok());
        pause(attempt, limited, asked, jitter)
    }
}

/// Sends a request until it is answered with something that does not pass by
/// itself, but not when the pause would last until `until`; reads up to `most`
/// bytes of the answer.
pub async fn send(
    request: &RequestBuilder,
    stage: Stage,
    most: usize,
    until: Instant,
) -> Result<Response, RequestError> {
    for attempt in 0.. {
        let Some(request) = request.try_clone() else {
            break;
        };
        let jitter = fastrand::f64();
        let (why, wait) = match once(request, most).await {
            Ok(reply) if !reply.can_pass() => return Ok(reply),
            Ok(reply) => (reply.stop(stage), reply.pause(attempt, jitter)),
            Err(error) if transport_error::can_pass(&error) => (
                transport_error::explain(&error).into(),
                pause(attempt, false, None, jitter),
            ),
            Err(error) => return Err(transport_error::explain(&error).into()),
        };
        // An hour that a registry asks for may be more than can be added up.
        if Instant::now()
            .checked_add(wait)
            .is_none_or(|then| then >= until)
        {
            return Err(why);
        }
        sleep(wait).await;
    }
    Err(RequestError::Unknown(format!(
        "{} cannot be repeated",
        describe_request(stage)
    )))
}

/// An answer whose body is still to come.
#[derive(Debug)]
pub struct OpenResponse {
    pub response: reqwest::Response,
    sent: Vec<Secret>,
}

impl OpenResponse {
    /// The answer to a request that is sent once, and takes the time that its bytes need.
    pub async fn to(request: RequestBuilder) -> Result<Self, String> {
        let opened = open(request.timeout(TRANSFER)).await;
        opened.map_err(|error| transport_error::explain(&error))
    }

    /// Reads the rest.
    pub async fn rest(self, most: usize) -> Result<Response, String> {
        let whole = self.read_body(most).await;
        whole.map_err(|error| transport_error::explain(&error))
    }

    async fn read_body(mut self, most: usize) -> reqwest::Result<Response> {
        let (body, cut) = read(&mut self.response, most).await?;
        Ok(Response {
            status: self.response.status(),
            headers: self.response.headers().clone(),
            url: self.response.url().clone(),
            body,
            cut,
            sent: self.sent,
        })
    }
}

async fn open(request: RequestBuilder) -> reqwest::Result<OpenResponse> {
    let (client, request) = request.build_split();
    let request = request?;
    let sent = secrets_in(&request);
    let response = client.execute(request).await?;
    Ok(OpenResponse { response, sent })
}

async fn once(request: RequestBuilder, most: usize) -> reqwest::Result<Response> {
    open(request).await?.read_body(most).await
}

/// Every secret that a request brings: the header as it is, the password in it,
/// and the token of a form.
fn secrets_in(request: &Request) -> Vec<Secret> {
    let header = request.headers().get(AUTHORIZATION);
    let value = header.and_then(|value| value.to_str().ok()?.split_once(' '));
    let proof = value.map(|(_, proof)| proof.to_owned());
    let decoded = proof.as_ref().and_then(|proof| STANDARD.decode(proof).ok());
    let login = decoded.and_then(|login| String::from_utf8(login).ok());
    let password = login.and_then(|login| Some(login.split_once(':')?.1.to_owned()));
    let form = request
        .body()
        .and_then(reqwest::Body::as_bytes)
        .map(form_urlencoded::parse)
        .into_iter()
        .flatten();
    let token = form
        .filter(|(name, _)| name == "refresh_token" || name == "password")
        .map(|(_, value)| value.into_owned());
    let all = [proof, password].into_iter().flatten().chain(token);
    all.filter_map(|text| Secret::new(&text)).collect()
}

async fn read(response: &mut reqwest::Response, most: usize) -> reqwest::Result<(Vec<u8>, bool)> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > most {
            body.truncate(most);
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// How long to wait after a try (counted from 0): longer each time, as long as
/// the registry asks at least, and never the same for two runs at once.
/// `jitter` is from 0 to 1.
fn pause(attempt: u32, limited: bool, asked: Option<u64>, jitter: f64) -> Duration {
    let first = if limited { LIMITED } else { PAUSE };
    let own = first
        .saturating_mul(2_u32.saturating_pow(attempt))
        .min(LONGEST);
    let asked = Duration::from_secs(asked.unwrap_or_default());
    own.max(asked).saturating_add(own.mul_f64(jitter / 2.0))
}

/// What was asked, as the beginning of a sentence.
fn describe_request(stage: Stage) -> &'static str {
    match stage {
        Stage::Challenge => "GET /v2/",
        Stage::Token => "the request for a token",
        Stage::Upload => "the start of an upload",
        Stage::Blob => "the upload of a blob",
        Stage::Pull => "the request for a manifest",
        Stage::Name => "the writing of the name",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_never_shorter_than_asked_for() {
        let seconds =
            |attempt, limited, asked, jitter| pause(attempt, limited, asked, jitter).as_secs_f64();
        assert_eq!(seconds(0, false, None, 0.0), 0.2);
        assert_eq!(seconds(0, false, None, 1.0), 0.3);
        assert_eq!(seconds(2, false, None, 0.0), 0.8);
        assert_eq!(seconds(u32::MAX, false, None, 0.0), 4.0);
        assert_eq!(seconds(0, true, None, 0.0), 1.0);
        assert_eq!(seconds(0, true, Some(0), 0.0), 1.0);
        assert_eq!(seconds(0, true, Some(7), 1.0), 7.5);
        pause(0, true, Some(u64::MAX), 1.0);
    }
}
