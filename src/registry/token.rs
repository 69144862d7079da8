//! Bearer tokens: what is asked of a token endpoint, and what it answers.
//!
//! Follows the distribution project's "Token Authentication Specification" and
//! its "OAuth2 Token Authentication" for identity tokens.

use std::fmt;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::registry::credentials::Login;
use crate::secret::Secret;

/// How long a token is good for that does not say so.
const LIFETIME: Duration = Duration::from_secs(60);
/// What a token is believed to be good for at most.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(10);

/// What a token is for: one repository, since a registry may refuse a token
/// whole for one scope of several. Only a mount needs two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub repository: String,
    /// True for pushing and pulling, false for pulling.
    pub push: bool,
    /// The repository that a blob is mounted from.
    pub mounted_from: Option<String>,
}

impl Scope {
    /// To read a repository.
    pub fn pull(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            push: false,
            mounted_from: None,
        }
    }

    /// To write and read a repository.
    pub fn push(repository: &str) -> Self {
        Self {
            push: true,
            ..Self::pull(repository)
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = if self.push { "pull,push" } else { "pull" };
        write!(f, "repository:{}:{actions}", self.repository)?;
        match &self.mounted_from {
            Some(source) => write!(f, " repository:{source}:pull"),
            None => Ok(()),
        }
    }
}

/// A bearer token, and until when it is used.
#[derive(Debug)]
pub struct Token {
    pub value: Secret,
    until: Instant,
}

#[derive(Deserialize)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<Value>,
}

impl Token {
    /// Reads the answer of a token endpoint, got just now.
    ///
    /// # Errors
    /// When it holds no token that can be sent. The text does not show it.
    pub fn parse(body: &[u8]) -> Result<Self, &'static str> {
        let answer: Answer = serde_json::from_slice(body).map_err(|_| "no JSON with a token")?;
        let given = [answer.token, answer.access_token].into_iter().flatten();
        let token = given
            .into_iter()
            .find(|token| !token.is_empty())
            .ok_or("no token")?;
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("a token with characters that no token has");
        }
        let lifetime = answer
            .expires_in
            .and_then(|seconds| seconds.as_u64())
            .map_or(LIFETIME, Duration::from_secs)
            .min(LONGEST);
        Ok(Self {
            value: Secret::new(&token).ok_or("no token")?,
            until: Instant::now() + lifetime.saturating_sub(MARGIN),
        })
    }

    pub fn is_expired(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// The request for a token. The login goes to `realm`, which has been looked at.
pub fn request(
    client: &Client,
    mut realm: Url,
    service: Option<&str>,
    scope: &Scope,
    login: &Login,
) -> RequestBuilder {
    let scope = scope.to_string();
    let service = service.map(|service| ("service", service));
    if let Login::Identity(token) = login {
        let mut fields = vec![("scope", scope.as_str())];
        fields.extend(service);
        fields.extend([
            ("grant_type", "refresh_token"),
            ("client_id", "stevedore"),
            ("refresh_token", token.expose()),
        ]);
        return client.post(realm).form(&fields);
    }
    let scopes = scope.split(' ').map(|scope| ("scope", scope));
    realm.query_pairs_mut().extend_pairs(scopes.chain(service));
    let request = client.get(realm);
    match login {
        Login::Password(user, password) => request.basic_auth(user, Some(password.expose())),
        Login::Anonymous | Login::Identity(_) | Login::Bearer(_) => request,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_of_answer_holds_a_token() {
        for (body, token) in [
            (r#"{"token":"a.b-c_d~e+f/g="}"#, "a.b-c_d~e+f/g="),
            (r#"{"access_token":"x","expires_in":300}"#, "x"),
            (r#"{"token":"x","access_token":"y"}"#, "x"),
            (r#"{"token":"","access_token":"y"}"#, "y"),
            (r#"{"token":null,"access_token":"y","expires_in":"?"}"#, "y"),
            (r#"{"token":"x","expires_in":18446744073709551615}"#, "x"),
            (r#"{"token":"x","expires_in":-1,"refresh_token":"z"}"#, "x"),
        ] {
            let parsed = Token::parse(body.as_bytes()).unwrap();
            assert_eq!(parsed.value.expose(), token);
            assert!(!parsed.is_expired(), "{body}");
        }
    }

    #[test]
    fn a_token_is_not_used_to_its_last_second() {
        let token = |seconds| {
            let body = format!(r#"{{"token":"x","expires_in":{seconds}}}"#);
            Token::parse(body.as_bytes()).unwrap()
        };
        assert!(token(0).is_expired());
        assert!(token(9).is_expired());
        assert!(!token(60).is_expired());
    }

    #[test]
    fn hostile_answers_hold_no_token() {
        for body in [
            "",
            "<html>",
            "[]",
            "{}",
            r#"{"token":""}"#,
            r#"{"token":7}"#,
            r#"{"token":"hunter22\r\nX-Evil: 1"}"#,
            r#"{"token":"hunter22 x"}"#,
            r#"{"token":"hunter22\u0000"}"#,
            r#"{"token":"hunter22é"}"#,
        ] {
            let why = Token::parse(body.as_bytes()).unwrap_err();
            assert!(!why.contains("hunter22"));
        }
    }

    #[test]
    fn a_scope_is_one_repository() {
        let mut scope = Scope::push("acme/app");
        assert_eq!(scope.to_string(), "repository:acme/app:pull,push");
        scope.push = false;
        assert_eq!(scope.to_string(), "repository:acme/app:pull");
    }
}
