//! A registry on this machine for the tests of this module, in plain HTTP
//! (wiremock) and over TLS.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::host::Host;
use crate::http::{self, Authorities};
use crate::image::ImageName;
use crate::registry::check::{Answer, RequestedAccess};
use crate::registry::client::Client;
use crate::registry::credentials::Credentials;

/// The upload that a push begins with.
pub const UPLOADS: &str = "/v2/acme/app/blobs/uploads/";
/// The login `me` with the password `pw`, as the Basic scheme has it.
pub const ME: &str = "Basic bWU6cHc=";
/// Longer than any test takes.
pub const LONG: Duration = Duration::from_secs(10);

/// The image `acme/app` of the registry at `HOST:PORT`.
pub fn image(at: &str) -> ImageName {
    ImageName::parse(&format!("{at}/acme/app")).unwrap()
}

/// A client with an entry of `auths` for `HOST:PORT`.
pub fn client(at: &str, auth: Value, authorities: &Authorities) -> Client {
    let Value::Object(config) = json!({"auths": {at: auth}}) else {
        unreachable!()
    };
    let host = Host::with(&[], Path::new("/"), jiff::Timestamp::UNIX_EPOCH);
    Client::new(Credentials::new(config), authorities.clone(), &host)
}

/// The login `me` with the password `pw`.
pub fn login() -> Value {
    json!({"auth": "bWU6cHc="})
}

pub fn at(server: &MockServer) -> String {
    server.address().to_string()
}

/// Checks a push to `acme/app` with the login `me`.
pub async fn push(server: &MockServer) -> Answer {
    push_with(server, login()).await
}

/// Checks a push to `acme/app` with this entry of `auths`.
pub async fn push_with(server: &MockServer, auth: Value) -> Answer {
    let at = at(server);
    let client = client(&at, auth, &Authorities::default());
    let answer = client.check(&image(&at), RequestedAccess::Push, LONG).await;
    client.settle().await;
    answer
}

/// The reason of an answer that must be [`Answer::Unknown`].
pub fn unknown(answer: Answer) -> String {
    match answer {
        Answer::Unknown(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Lets a server answer one path, that often.
pub async fn answer(
    server: &MockServer,
    verb: &str,
    route: &str,
    times: u64,
    response: ResponseTemplate,
) {
    let mock = Mock::given(method(verb)).and(path(route));
    mock.respond_with(response)
        .expect(times)
        .mount(server)
        .await;
}

/// A registry that lets everybody in.
pub async fn open() -> MockServer {
    let server = MockServer::start().await;
    answer(&server, "GET", "/v2/", 1, ResponseTemplate::new(200)).await;
    server
}

/// A registry that asks for a token, of its own realm.
pub async fn bearer() -> MockServer {
    let server = MockServer::start().await;
    let realm = format!("{}/token", server.uri());
    challenge(
        &server,
        &format!(r#"Bearer realm="{realm}",service="stub""#),
    )
    .await;
    server
}

/// Lets a server answer `/v2/` with a challenge.
pub async fn challenge(server: &MockServer, line: &str) {
    let response = ResponseTemplate::new(401).insert_header("WWW-Authenticate", line);
    answer(server, "GET", "/v2/", 1, response).await;
}

/// Lets uploads start that bring this, and no other.
pub async fn allow(server: &MockServer, proof: &str) {
    Mock::given(method("POST"))
        .and(path(UPLOADS))
        .and(header("Authorization", proof))
        .respond_with(ResponseTemplate::new(202))
        .expect(1)
        .mount(server)
        .await;
}

/// The answer of a token endpoint.
pub fn token(value: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"token": value}))
}

/// A certificate for these names, to be signed by itself.
pub fn certificate(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    CertificateParams::new(names).unwrap()
}

/// A server with a certificate of its own.
pub struct Tls {
    /// `127.0.0.1:PORT`
    pub at: String,
    /// What has to be trusted.
    pub authorities: Authorities,
    connections: Arc<AtomicUsize>,
}

impl Tls {
    /// Answers each request, given as its first line and headers.
    pub fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::with(certificate(&["127.0.0.1", "localhost"]), answer)
    }

    /// The same with this certificate.
    pub fn with(
        certificate: CertificateParams,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        http::install_tls();
        let signing_key = KeyPair::generate().unwrap();
        let cert = certificate.self_signed(&signing_key).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key);
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, answer) = (Arc::clone(&connections), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                count.fetch_add(1, Ordering::SeqCst);
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let stream = StreamOwned::new(connection, stream.unwrap());
                let answer = Arc::clone(&answer);
                std::thread::spawn(move || serve(stream, &*answer));
            }
        });
        Self {
            at,
            authorities: Authorities::parse(cert.pem().as_bytes()).unwrap(),
            connections,
        }
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn serve(stream: StreamOwned<ServerConnection, TcpStream>, answer: &impl Fn(&str) -> String) {
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while stream.read_line(&mut head).is_ok_and(|read| read > 0) {
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        let response = answer(&head);
        if stream.get_mut().write_all(response.as_bytes()).is_err() {
            return;
        }
        head.clear();
    }
}
