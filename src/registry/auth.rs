//! What a request brings to prove who sends it: nothing, a password, a token.
//!
//! The login goes to the registry and to the realm that it names, to no other
//! host; a token is got once for each repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use reqwest::{Client, RequestBuilder, Url};
use tokio::sync::{Mutex, OnceCell};
use tokio::time::Instant;

use crate::registry::challenge::Challenge;
use crate::registry::credentials::Login;
use crate::registry::origin::Origin;
use crate::registry::realm::Resolver;
use crate::registry::refusal::Stage;
use crate::registry::request::{self, RequestError, WORDS};
use crate::registry::token::{self, Scope, Token};
use crate::secret::Secret;

/// What a request brings.
pub enum Authorization {
    Nothing,
    Password(String, Secret),
    Token(Secret),
}

/// Makes proofs for one registry.
pub struct Authenticator {
    client: Client,
    origin: Origin,
    resolver: Resolver,
    login: Login,
    proxied: bool,
    tokens: Mutex<BTreeMap<Scope, Arc<OnceCell<Token>>>>,
}

impl Authenticator {
    /// For the registry at `origin`. `client` looks hosts up with `resolver`;
    /// `proxied` when a proxy may do so for it.
    pub fn new(
        client: Client,
        origin: Origin,
        resolver: Resolver,
        login: Login,
        proxied: bool,
    ) -> Self {
        Self {
            client,
            origin,
            resolver,
            login,
            proxied,
            tokens: Mutex::default(),
        }
    }

    /// True when there is no login.
    pub fn is_anonymous(&self) -> bool {
        matches!(self.login, Login::Anonymous)
    }

    /// The proof for a request of this scope, after this challenge.
    pub async fn prove(
        &self,
        challenge: &Challenge,
        scope: &Scope,
        until: Instant,
    ) -> Result<Authorization, RequestError> {
        match (challenge, &self.login) {
            (_, Login::Bearer(token)) => Ok(Authorization::Token(token.clone())),
            (Challenge::Open, _) | (Challenge::Basic, Login::Anonymous) => {
                Ok(Authorization::Nothing)
            }
            (Challenge::Basic, Login::Password(user, password)) => {
                Ok(Authorization::Password(user.clone(), password.clone()))
            }
            (Challenge::Basic, Login::Identity(_)) => Err(RequestError::Unknown(
                "the login is an identity token, but the registry wants a password".to_owned(),
            )),
            (Challenge::Bearer { realm, service }, _) => {
                let slot = self.slot(scope).await;
                let token = self.token(realm, service.as_deref(), scope, until);
                let token = slot.get_or_try_init(|| token).await?;
                Ok(Authorization::Token(token.value.clone()))
            }
        }
    }

    /// Where the token for a scope is kept. One for pushing is good for pulling.
    async fn slot(&self, scope: &Scope) -> Arc<OnceCell<Token>> {
        let mut tokens = self.tokens.lock().await;
        let wider = Scope {
            push: true,
            ..scope.clone()
        };
        let usable = |slot: &&Arc<OnceCell<Token>>| slot.get().is_some_and(|t| !t.is_expired());
        if let Some(slot) = tokens.get(&wider).filter(usable) {
            return Arc::clone(slot);
        }
        let slot = tokens.entry(scope.clone()).or_default();
        if slot.get().is_some_and(Token::is_expired) {
            *slot = Arc::default();
        }
        Arc::clone(slot)
    }

    /// An address that may be asked, as that of a token endpoint.
    pub async fn admit(&self, address: &str) -> Result<Url, String> {
        self.resolver
            .admit(address, &self.origin, self.proxied)
            .await
    }

    async fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &Scope,
        until: Instant,
    ) -> Result<Token, RequestError> {
        let admitted = self.admit(realm).await?;
        let request = token::request(&self.client, admitted, service, scope, &self.login);
        let reply = request::send(&request, Stage::Token, WORDS, until).await?;
        if !reply.status.is_success() {
            return Err(reply.stop(Stage::Token));
        }
        Token::parse(&reply.body).map_err(|why| {
            RequestError::Unknown(format!("its token endpoint {realm:?} answered {why}"))
        })
    }
}

impl Authorization {
    /// Adds the proof to a request.
    pub fn bring(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::Nothing => request,
            Self::Password(user, password) => request.basic_auth(user, Some(password.expose())),
            Self::Token(token) => request.bearer_auth(token.expose()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::matchers::{
        body_string, header, method, path, query_param, query_param_is_missing,
    };
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::registry::check::Answer;
    use crate::registry::check::RequestedAccess;
    use crate::registry::refusal::Refusal;
    use crate::registry::stub;
    use crate::registry::stub::LONG;
    use crate::registry::stub::ME;
    use crate::registry::stub::Tls;
    use crate::registry::stub::UPLOADS;
    use crate::registry::stub::allow;
    use crate::registry::stub::answer;
    use crate::registry::stub::challenge;
    use crate::registry::stub::push_with;
    use crate::registry::stub::token;
    use crate::registry::stub::unknown;

    fn brought(requests: &[wiremock::Request]) -> Vec<bool> {
        let proven = |one: &wiremock::Request| one.headers.contains_key("authorization");
        requests.iter().map(proven).collect()
    }

    #[tokio::test]
    async fn a_token_is_asked_for_with_the_login_and_the_scope_of_a_push() {
        for field in ["token", "access_token"] {
            let server = stub::bearer().await;
            Mock::given(method("GET"))
                .and(path("/token"))
                .and(header("Authorization", ME))
                .and(query_param("service", "stub"))
                .and(query_param("scope", "repository:acme/app:pull,push"))
                .respond_with(ResponseTemplate::new(200).set_body_json(json!({field: "t0ken"})))
                .expect(1)
                .mount(&server)
                .await;
            allow(&server, "Bearer t0ken").await;
            assert_eq!(stub::push(&server).await, Answer::Allowed);
        }
    }

    #[tokio::test]
    async fn a_realm_keeps_its_query_and_needs_no_service() {
        let server = MockServer::start().await;
        let line = format!(r#"Bearer realm="{}/token?a=b%20c""#, server.uri());
        challenge(&server, &line).await;
        Mock::given(path("/token"))
            .and(query_param("a", "b c"))
            .and(query_param_is_missing("service"))
            .and(query_param("scope", "repository:acme/app:pull,push"))
            .respond_with(token("t0ken"))
            .expect(1)
            .mount(&server)
            .await;
        allow(&server, "Bearer t0ken").await;
        assert_eq!(stub::push(&server).await, Answer::Allowed);
    }

    #[tokio::test]
    async fn an_identity_token_is_traded_for_a_token() {
        let server = stub::bearer().await;
        let form = "scope=repository%3Aacme%2Fapp%3Apull%2Cpush&service=stub\
            &grant_type=refresh_token&client_id=stevedore&refresh_token=r%26fresh";
        Mock::given(method("POST"))
            .and(path("/token"))
            .and(header("Content-Type", "application/x-www-form-urlencoded"))
            .and(body_string(form))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!({"access_token": "t0ken"})),
            )
            .expect(1)
            .mount(&server)
            .await;
        allow(&server, "Bearer t0ken").await;
        let login = json!({"identitytoken": "r&fresh"});
        assert_eq!(push_with(&server, login).await, Answer::Allowed);
    }

    #[tokio::test]
    async fn a_registry_token_is_used_as_it_is() {
        let server = stub::bearer().await;
        allow(&server, "Bearer ready").await;
        let login = json!({"registrytoken": "ready"});
        assert_eq!(push_with(&server, login).await, Answer::Allowed);
    }

    #[tokio::test]
    async fn a_password_goes_with_each_request_that_wants_it() {
        let server = MockServer::start().await;
        challenge(&server, r#"Basic realm="stub""#).await;
        allow(&server, ME).await;
        assert_eq!(stub::push(&server).await, Answer::Allowed);
        let requests = server.received_requests().await.unwrap();
        assert_eq!(brought(&requests), [false, true]);
    }

    #[tokio::test]
    async fn an_identity_token_is_no_password() {
        let server = MockServer::start().await;
        challenge(&server, r#"Basic realm="stub""#).await;
        let why = unknown(push_with(&server, json!({"identitytoken": "hunter22"})).await);
        assert!(
            why.contains("identity token") && !why.contains("hunter22"),
            "{why}"
        );
    }

    #[tokio::test]
    async fn without_a_login_the_refusal_stays_where_it_is_made() {
        let server = stub::bearer().await;
        let refused = ResponseTemplate::new(401).set_body_string("log in");
        answer(&server, "GET", "/token", 1, refused.clone()).await;
        let expected = Refusal {
            anonymous: true,
            ..Refusal::new(Stage::Token, 401, "log in", [])
        };
        assert_eq!(
            push_with(&server, json!({})).await,
            Answer::Refused(expected)
        );
        // The upload is begun beside these two, and brings nothing either.
        let (begun, requests): (Vec<_>, Vec<_>) = server
            .received_requests()
            .await
            .unwrap()
            .into_iter()
            .partition(|one| one.method.as_str() == "POST");
        assert_eq!(brought(&requests), [false, false]);
        assert!(begun.len() <= 1 && !brought(&begun).contains(&true));

        let server = stub::bearer().await;
        answer(&server, "GET", "/token", 1, token("t0ken")).await;
        Mock::given(method("POST"))
            .and(path(UPLOADS))
            .and(header("Authorization", "Bearer t0ken"))
            .respond_with(refused.clone())
            .expect(1)
            .mount(&server)
            .await;
        let expected = Refusal {
            anonymous: true,
            ..Refusal::new(Stage::Upload, 401, "log in", [])
        };
        assert_eq!(
            push_with(&server, json!({})).await,
            Answer::Refused(expected.clone())
        );

        let server = MockServer::start().await;
        challenge(&server, r#"Basic realm="stub""#).await;
        answer(&server, "POST", UPLOADS, 1, refused).await;
        assert_eq!(
            push_with(&server, json!({})).await,
            Answer::Refused(expected)
        );
    }

    #[tokio::test]
    async fn a_token_endpoint_s_refusal_keeps_its_words() {
        for status in [400, 401, 403, 404] {
            let body = r#"{"code":"DENIED","message":"denied"}"#;
            let server = stub::bearer().await;
            let response = ResponseTemplate::new(status).set_body_string(body);
            answer(&server, "GET", "/token", 1, response).await;
            let expected = Refusal::new(Stage::Token, status, body, []);
            assert_eq!(stub::push(&server).await, Answer::Refused(expected));
        }
    }

    #[tokio::test]
    async fn a_realm_inside_is_not_asked() {
        for realm in [
            "http://169.254.169.254/token",
            "https://169.254.169.254/token",
            "https://10.0.0.1/token",
            "http://ghcr.io/token",
            "file:///etc/passwd",
            "nonsense",
        ] {
            let server = MockServer::start().await;
            challenge(&server, &format!(r#"Bearer realm="{realm}""#)).await;
            let why = unknown(stub::push(&server).await);
            assert!(why.contains(realm) && why.contains("is not asked"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed_with_a_login() {
        let other = MockServer::start().await;
        answer(&other, "GET", "/steal", 0, ResponseTemplate::new(200)).await;
        let server = stub::bearer().await;
        let away = format!("{}/steal", other.uri());
        let response = ResponseTemplate::new(307).insert_header("Location", away);
        answer(&server, "GET", "/token", 1, response).await;
        let why = unknown(stub::push(&server).await);
        assert!(why.contains("307"), "{why}");
    }

    #[tokio::test]
    async fn a_hostile_answer_for_a_token_is_unknown() {
        let huge = format!(r#"{{"x":"{}","token":"t0ken"}}"#, "x".repeat(2 * WORDS));
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"token":"hunter22\r\nX-Evil: 1"}"#,
            &huge,
        ] {
            let server = stub::bearer().await;
            let response = ResponseTemplate::new(200).set_body_string(body);
            answer(&server, "GET", "/token", 1, response).await;
            let why = unknown(stub::push(&server).await);
            assert!(
                why.contains("token endpoint") && !why.contains("hunter22"),
                "{why}"
            );
        }
    }

    #[tokio::test]
    async fn a_realm_on_another_https_host_is_asked() {
        let realm = Tls::start(|head| {
            let status = if head.contains(ME) {
                "200 OK"
            } else {
                "401 No"
            };
            let body = r#"{"token":"t0ken"}"#;
            format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
        });
        let server = MockServer::start().await;
        let (_, port) = realm.at.split_once(':').unwrap();
        let line = format!(r#"Bearer realm="https://localhost:{port}/token""#);
        challenge(&server, &line).await;
        allow(&server, "Bearer t0ken").await;
        let at = stub::at(&server);
        let client = stub::client(&at, stub::login(), &realm.authorities);
        let answer = client
            .check(&stub::image(&at), RequestedAccess::Push, LONG)
            .await;
        assert_eq!(answer, Answer::Allowed);
    }
}
