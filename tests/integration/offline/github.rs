//! GitHub's API: asked for what the event lacks, with the token, through the
//! proxy and trusting the authorities that the user has; never in the way.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::recorder::{outputs, recorder, step};
use crate::support::{Place, event, run};

const ROUTE: &str = "/repos/Acme/Hit-Counter";

/// An event as some webhooks send it: no description, no licence.
fn poor_event() -> Value {
    let mut event = event("push-tag");
    let repository = event["repository"].as_object_mut().unwrap();
    repository.remove("description");
    repository.remove("license");
    event
}

fn answer() -> Value {
    json!({
        "name": "hit-counter",
        "full_name": "acme/hit-counter",
        "html_url": "https://github.com/acme/hit-counter",
        "description": "From the API",
        "license": {"spdx_id": "Apache-2.0"},
        "default_branch": "main",
        "private": false,
    })
}

fn poor_step(place: &Place) -> Command {
    recorder(place);
    let command = step(place, &[]);
    place.write("event.json", &poor_event().to_string());
    command
}

async fn server(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(ROUTE))
        .and(header("authorization", "Bearer ghs_hunter1"))
        .respond_with(template)
        .mount(&server)
        .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_event_lacks_is_asked_once() {
    let server = server(ResponseTemplate::new(200).set_body_json(answer())).await;
    let place = Place::new();
    let printed = run(poor_step(&place).env("GITHUB_API_URL", server.uri()));
    assert!(printed.success, "{}", printed.out);
    let labels = outputs(&place)["labels"].clone();
    assert!(
        labels.contains("image.description=From the API"),
        "{labels}"
    );
    assert!(labels.contains("image.licenses=Apache-2.0"), "{labels}");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_event_asks_nothing() {
    let server = MockServer::start().await;
    let place = Place::new();
    recorder(&place);
    let printed = run(step(&place, &[]).env("GITHUB_API_URL", server.uri()));
    assert!(printed.success, "{}", printed.out);
    assert_eq!(server.received_requests().await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_or_nonsense_is_a_warning_and_empty_labels() {
    let mut large = answer();
    large["topics"] = json!("x".repeat(9 * 1024 * 1024));
    for template in [
        ResponseTemplate::new(200).set_body_json(large),
        ResponseTemplate::new(403).set_body_json(json!({"message": "rate limit"})),
        ResponseTemplate::new(404).set_body_json(json!({"message": "Not Found"})),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(500),
    ] {
        let server = server(template).await;
        let place = Place::new();
        let printed = run(poor_step(&place).env("GITHUB_API_URL", server.uri()));
        assert!(printed.success, "{}", printed.out);
        assert!(
            printed.out.contains("::warning title=Facts::GitHub's API"),
            "{}",
            printed.out
        );
        assert!(outputs(&place)["labels"].contains("image.licenses=\n"));
    }
}

#[test]
fn an_api_that_is_not_there_is_a_warning() {
    let place = Place::new();
    let printed = run(poor_step(&place).env("GITHUB_API_URL", "http://127.0.0.1:1"));
    assert!(printed.success, "{}", printed.out);
    assert!(
        printed.out.contains("http://127.0.0.1:1 did not tell"),
        "{}",
        printed.out
    );
}

#[test]
fn a_proxy_is_used_unless_it_is_ruled_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        stream.write_all(b"HTTP/1.1 502 No\r\n\r\n").unwrap();
        line
    });
    let place = Place::new();
    let mut command = poor_step(&place);
    command
        .env("HTTPS_PROXY", &proxy)
        .env("GITHUB_API_URL", "https://api.example.invalid");
    assert!(run(&mut command).success);
    assert_eq!(
        asked.join().unwrap(),
        "CONNECT api.example.invalid:443 HTTP/1.1\r\n"
    );

    // Nobody listens there now: a request through it would say so.
    let place = Place::new();
    let mut command = poor_step(&place);
    command
        .env("HTTPS_PROXY", &proxy)
        .env("NO_PROXY", "127.0.0.1")
        .env("GITHUB_API_URL", "https://127.0.0.1:1");
    let printed = run(&mut command);
    assert!(
        printed.out.contains("https://127.0.0.1:1 did not tell"),
        "{}",
        printed.out
    );
}

/// `openssl s_server`, with a certificate of an authority of its own.
struct TlsServer(Child);

impl TlsServer {
    fn start(place: &Place, port: u16) -> Self {
        let openssl = |arguments: &[&str]| {
            let mut command = Command::new("openssl");
            let printed = run(command.args(arguments).current_dir(place.path("tls")));
            assert!(printed.success, "{}", printed.err);
        };
        let body = answer().to_string();
        let length = body.len();
        place.write(
            &format!("tls{ROUTE}"),
            &format!("HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"),
        );
        let subject = "subjectAltName=IP:127.0.0.1";
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "ca.pem",
            "-days",
            "2",
            "-subj",
            "/CN=lab",
            "-addext",
            subject,
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        let mut child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                &port.to_string(),
                "-key",
                "key.pem",
                "-cert",
                "ca.pem",
                "-HTTP",
            ])
            .current_dir(place.path("tls"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        assert!(out.lines().any(|line| line.unwrap().starts_with("ACCEPT")));
        Self(child)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_private_authority_is_trusted_only_when_it_is_given() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let tls = Place::new();
    tls.write("tls/.keep", "");
    let _server = TlsServer::start(&tls, port);
    let url = format!("https://127.0.0.1:{port}");
    let authority = tls.path("tls/ca.pem").display().to_string();
    for (variable, value, trusted) in [
        ("INPUT_CA-CERTIFICATES", authority.clone(), true),
        ("INPUT_CA-CERTIFICATES", tls.text("tls/ca.pem"), true),
        ("SSL_CERT_FILE", authority, true),
        ("UNUSED", String::new(), false),
    ] {
        let place = Place::new();
        let mut command = poor_step(&place);
        let printed = run(command.env("GITHUB_API_URL", &url).env(variable, value));
        assert!(printed.success, "{}", printed.out);
        let labels = outputs(&place)["labels"].clone();
        assert_eq!(
            labels.contains("From the API"),
            trusted,
            "{variable}: {}",
            printed.out
        );
    }
}
