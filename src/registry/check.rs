//! Whether a push or a pull will work, found out before it is needed.
//!
//! A push begins with the start of an upload, so one is started and given up:
//! it makes no blob, tag or version. A pull begins with a manifest. Follows the
//! OCI distribution specification 1.1, "Pushing a blob in chunks".

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::image::ImageName;
use crate::registry::client::Client;
use crate::registry::connection::{Connection, RegistryRequest};
use crate::registry::refusal::{Refusal, Stage};
use crate::registry::request::{RequestError, WORDS};

/// How long giving an upload up may take.
const CANCEL: Duration = Duration::from_secs(1);

/// What is wanted of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedAccess {
    /// To push it.
    Push,
    /// To read what a tag or digest of it points to.
    Pull {
        /// The tag or digest.
        reference: String,
    },
}

/// What a registry says to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It will work. A pull also when there is nothing yet.
    Allowed,
    /// The registry answered with a 4xx that does not pass by itself. Whether
    /// it denies is another question.
    Refused(Refusal),
    /// The registry could not be asked, or its answer tells nothing; says why,
    /// the registry's words (hostile) included.
    Unknown(String),
}

impl Client {
    /// Asks whether an image may be pushed. What can pass is tried again `within` this
    /// time; then the answer is [`Answer::Unknown`].
    pub async fn check_push(&self, target: &ImageName, within: Duration) -> Answer {
        self.check(target, RequestedAccess::Push, within).await
    }

    /// Asks whether what a tag or digest points to may be read, likewise.
    pub async fn check_pull(
        &self,
        target: &ImageName,
        reference: &str,
        within: Duration,
    ) -> Answer {
        let reference = reference.to_owned();
        self.check(target, RequestedAccess::Pull { reference }, within)
            .await
    }

    pub async fn check(
        &self,
        target: &ImageName,
        access: RequestedAccess,
        within: Duration,
    ) -> Answer {
        let until = Instant::now() + within;
        let asked = async {
            let connection = self.connect(&target.registry).await?;
            let answer = match access {
                RequestedAccess::Push => push(&connection, target, until).await,
                RequestedAccess::Pull { reference } => {
                    let pulled = pull(&connection, target, &reference, until).await;
                    pulled.map(|()| None)
                }
            };
            let session = answer.map_err(|stop| stop.with_login(connection.is_anonymous()))?;
            Ok((connection, session))
        };
        let why = match timeout_at(until, asked).await {
            Ok(Ok((connection, session))) => {
                if let Some(session) = session {
                    self.do_beside(give_up(connection, session, until)).await;
                }
                return Answer::Allowed;
            }
            Ok(Err(RequestError::Refused(refusal))) => return Answer::Refused(refusal),
            Ok(Err(RequestError::Unknown(why))) => why,
            Err(_) => format!("did not answer in {} s", within.as_secs_f64()),
        };
        Answer::Unknown(format!("{}: {why}", target.registry))
    }
}

/// Starts an upload. Returns how to give it up, where that is of use: GitHub's
/// registries answer 405, and let it expire.
async fn push(
    connection: &Connection,
    target: &ImageName,
    until: Instant,
) -> Result<Option<RegistryRequest>, RequestError> {
    let question = connection.start_of_upload(&target.repository);
    let reply = connection.ask(&question, until).await?;
    if !reply.starts_upload() {
        return Err(reply.stop(Stage::Upload));
    }
    let session = connection
        .location(&reply)
        .filter(|_| !target.registry.is_github());
    Ok(session.map(|url| RegistryRequest {
        method: Method::DELETE,
        url,
        ..question
    }))
}

/// Gives an upload up. The registry would drop it by itself, so nothing is
/// made of a failure, and it is not tried again.
async fn give_up(connection: Arc<Connection>, session: RegistryRequest, until: Instant) {
    let now = Instant::now();
    let soon = until.min(now + CANCEL);
    let _ = timeout_at(soon, connection.ask(&session, now)).await;
}

/// Asks whether a manifest is there, which is not counted as a pull.
async fn pull(
    connection: &Connection,
    target: &ImageName,
    reference: &str,
    until: Instant,
) -> Result<(), RequestError> {
    let readable = |status| [StatusCode::OK, StatusCode::NOT_FOUND].contains(&status);
    let mut question = connection.manifest(&target.repository, reference)?;
    question.method = Method::HEAD;
    question.most = WORDS;
    let mut reply = connection.ask(&question, until).await?;
    if reply.status.is_client_error() && !readable(reply.status) {
        // The answer to a HEAD has no words.
        question.method = Method::GET;
        reply = connection.ask(&question, until).await?;
    }
    if readable(reply.status) {
        Ok(())
    } else {
        Err(reply.stop(Stage::Pull))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use futures_util::future::join_all;
    use serde_json::json;
    use wiremock::matchers::{body_string, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::http::Authorities;
    use crate::registry::stub;
    use crate::registry::stub::LONG;
    use crate::registry::stub::UPLOADS;
    use crate::registry::stub::answer;
    use crate::registry::stub::unknown;

    fn started(server: &MockServer) -> ResponseTemplate {
        let session = format!("{}{UPLOADS}session?_state=x", server.uri());
        ResponseTemplate::new(202).insert_header("Location", session)
    }

    async fn check(server: &MockServer, access: RequestedAccess, within: Duration) -> Answer {
        let at = stub::at(server);
        let client = stub::client(&at, json!({}), &Authorities::default());
        client.check(&stub::image(&at), access, within).await
    }

    fn cached() -> RequestedAccess {
        RequestedAccess::Pull {
            reference: "cache".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_push_starts_an_upload_and_gives_it_up() {
        let server = stub::open().await;
        Mock::given(method("POST"))
            .and(path(UPLOADS))
            .and(header("Content-Length", "0"))
            .and(body_string(""))
            .respond_with(started(&server))
            .expect(1)
            .mount(&server)
            .await;
        let session = format!("{UPLOADS}session");
        answer(&server, "DELETE", &session, 1, ResponseTemplate::new(204)).await;
        assert_eq!(stub::push(&server).await, Answer::Allowed);
    }

    #[tokio::test]
    async fn an_upload_that_cannot_be_given_up_is_allowed() {
        let slow = ResponseTemplate::new(204).set_delay(LONG);
        for response in [ResponseTemplate::new(405), ResponseTemplate::new(503), slow] {
            let server = stub::open().await;
            answer(&server, "POST", UPLOADS, 1, started(&server)).await;
            let session = format!("{UPLOADS}session");
            answer(&server, "DELETE", &session, 1, response).await;
            assert_eq!(stub::push(&server).await, Answer::Allowed);
        }
        for location in ["http://evil.example.com/x", "http://", ""] {
            let server = stub::open().await;
            let response = ResponseTemplate::new(202).insert_header("Location", location);
            answer(&server, "POST", UPLOADS, 1, response).await;
            assert_eq!(stub::push(&server).await, Answer::Allowed);
        }
    }

    #[tokio::test]
    async fn github_lets_an_upload_expire() {
        let server = stub::open().await;
        answer(&server, "POST", UPLOADS, 1, started(&server)).await;
        let at = stub::at(&server);
        let client = stub::client(&at, json!({}), &Authorities::default());
        let connection = client.connect(&stub::image(&at).registry).await.unwrap();
        let until = Instant::now() + LONG;
        let session = push(&connection, &stub::image("ghcr.io"), until).await;
        assert!(session.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_refusal_keeps_its_status_and_words() {
        let body = r#"{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}"#;
        for status in [400, 401, 403, 404, 405, 413, 451] {
            let server = stub::open().await;
            let response = ResponseTemplate::new(status).set_body_string(body);
            answer(&server, "POST", UPLOADS, 1, response).await;
            let expected = Refusal::new(Stage::Upload, status, body, []);
            assert_eq!(stub::push(&server).await, Answer::Refused(expected));
        }
    }

    #[tokio::test]
    async fn a_refusal_at_the_door_says_so() {
        for status in [400, 401, 403, 404] {
            let server = MockServer::start().await;
            let response = ResponseTemplate::new(status).set_body_string("no");
            answer(&server, "GET", "/v2/", 1, response).await;
            let expected = Refusal::new(Stage::Challenge, status, "no", []);
            assert_eq!(stub::push(&server).await, Answer::Refused(expected));
        }
    }

    #[tokio::test]
    async fn other_answers_tell_nothing() {
        for status in [200, 204, 301, 307, 308] {
            let server = stub::open().await;
            let response = ResponseTemplate::new(status)
                .insert_header("Location", format!("{}/elsewhere", server.uri()));
            answer(&server, "POST", UPLOADS, 1, response).await;
            let why = unknown(stub::push(&server).await);
            assert!(why.contains(&status.to_string()), "{why}");
            let asked = server.received_requests().await.unwrap();
            assert!(asked.iter().all(|one| one.url.path() != "/elsewhere"));
        }
    }

    #[tokio::test]
    async fn what_passes_is_asked_again() {
        let server = stub::open().await;
        for response in [
            ResponseTemplate::new(429).insert_header("Retry-After", "1.02ms"),
            ResponseTemplate::new(503),
            ResponseTemplate::new(408),
        ] {
            let once = Mock::given(method("POST")).respond_with(response);
            once.up_to_n_times(1).expect(1).mount(&server).await;
        }
        answer(&server, "POST", UPLOADS, 1, ResponseTemplate::new(202)).await;
        let start = Instant::now();
        assert_eq!(stub::push(&server).await, Answer::Allowed);
        assert!(start.elapsed() > Duration::from_secs(1));
    }

    /// A registry that breaks the first two connections, one way and another.
    fn broken(listener: &TcpListener) {
        let mut requests = 0;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut first = [0];
            stream.peek(&mut first).unwrap();
            // A TLS hello is answered as any server without TLS does.
            if first != [0x16] {
                requests += 1;
            }
            if requests == 1 {
                // What is not read makes this a reset.
                continue;
            }
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap();
            let status = match (requests, head[..read].starts_with(b"POST")) {
                (0, _) => "400 Bad Request",
                (2, _) => continue,
                (_, false) => "200 OK",
                (_, true) => "202 Accepted",
            };
            let response =
                format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(response.as_bytes()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_made_again() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || broken(&listener));
        let client = stub::client(&at, json!({}), &Authorities::default());
        let answer = client
            .check(&stub::image(&at), RequestedAccess::Push, LONG)
            .await;
        assert_eq!(answer, Answer::Allowed);
    }

    #[tokio::test]
    async fn what_does_not_pass_in_time_is_unknown() {
        let within = Duration::from_secs(2);
        let never = u64::MAX.to_string();
        let cases = [
            (ResponseTemplate::new(503).set_body_string("busy"), "503"),
            (ResponseTemplate::new(429), "429"),
            (
                ResponseTemplate::new(429).insert_header("Retry-After", never),
                "429",
            ),
            (
                ResponseTemplate::new(202).set_delay(LONG),
                "did not answer in 2 s",
            ),
        ];
        let checked = cases.into_iter().map(async |(response, expected)| {
            let server = stub::open().await;
            let mock = Mock::given(method("POST")).respond_with(response);
            mock.mount(&server).await;
            let start = Instant::now();
            let why = unknown(check(&server, RequestedAccess::Push, within).await);
            assert!(why.starts_with(&stub::at(&server)), "{why}");
            assert!(why.contains(expected), "{why}");
            assert!(start.elapsed() < LONG / 2, "{why}");
        });
        join_all(checked).await;
    }

    #[tokio::test]
    async fn a_registry_that_is_not_there_is_unknown_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        drop(listener);
        let client = stub::client(&at, json!({}), &Authorities::default());
        let start = Instant::now();
        let answer = client
            .check(&stub::image(&at), RequestedAccess::Push, LONG)
            .await;
        let why = unknown(answer);
        assert!(why.contains("refused"), "{why}");
        assert!(start.elapsed() < LONG / 2);
    }

    #[tokio::test]
    async fn a_registry_that_says_nothing_is_unknown_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let client = stub::client(&at, json!({}), &Authorities::default());
        let within = Duration::from_millis(300);
        let answer = client
            .check(&stub::image(&at), RequestedAccess::Push, within)
            .await;
        assert_eq!(unknown(answer), format!("{at}: did not answer in 0.3 s"));
    }

    #[tokio::test]
    async fn only_words_of_a_huge_answer_are_kept() {
        let server = stub::open().await;
        let body = "x".repeat(8 * WORDS);
        let response = ResponseTemplate::new(403).set_body_string(body);
        answer(&server, "POST", UPLOADS, 1, response).await;
        match stub::push(&server).await {
            Answer::Refused(refusal) => assert!(refusal.words.len() < WORDS),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_pull_may_find_nothing_yet() {
        for status in [200, 404] {
            let server = stub::open().await;
            let manifest = "/v2/acme/app/manifests/cache";
            answer(&server, "HEAD", manifest, 1, ResponseTemplate::new(status)).await;
            assert_eq!(check(&server, cached(), LONG).await, Answer::Allowed);
        }
    }

    #[tokio::test]
    async fn a_pull_that_is_refused_tells_the_words() {
        for status in [400, 401, 403] {
            let server = stub::open().await;
            let manifest = "/v2/acme/app/manifests/cache";
            answer(&server, "HEAD", manifest, 1, ResponseTemplate::new(status)).await;
            let response = ResponseTemplate::new(status).set_body_string("denied");
            answer(&server, "GET", manifest, 1, response).await;
            let expected = Refusal {
                anonymous: true,
                ..Refusal::new(Stage::Pull, status, "denied", [])
            };
            let found = check(&server, cached(), LONG).await;
            assert_eq!(found, Answer::Refused(expected));
        }
    }

    #[tokio::test]
    async fn a_reference_that_is_none_is_not_asked_for() {
        let server = MockServer::start().await;
        for reference in ["", "../../x", "a?b", "a b"] {
            let reference = reference.to_owned();
            let why = unknown(check(&server, RequestedAccess::Pull { reference }, LONG).await);
            assert!(why.contains("neither a tag nor a digest"), "{why}");
        }
    }
}
