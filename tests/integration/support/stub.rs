//! A stand-in for ghcr.io: what cannot be had is its refusals. The program
//! asks https://ghcr.io as always; a proxy of the test's leads it to a mock that
//! speaks TLS with a certificate which only the test trusts.

use std::process::Command;
use std::sync::Arc;

use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Place, Printed, run};

/// ghcr.io as far as the program sees it.
pub(crate) struct Ghcr {
    pub(crate) mock: MockServer,
    proxy: String,
}

impl Ghcr {
    /// A registry that gives everyone a token, and answers uploads so.
    pub(crate) async fn start(place: &Place, upload: ResponseTemplate) -> Self {
        let token = ResponseTemplate::new(200).set_body_string(r#"{"token": "t0k3n"}"#);
        Self::with_token(place, token, upload).await
    }

    /// The same with another answer of the token endpoint.
    pub(crate) async fn with_token(
        place: &Place,
        token: ResponseTemplate,
        upload: ResponseTemplate,
    ) -> Self {
        let mock = MockServer::start().await;
        let challenge = r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#;
        let denied = ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge);
        let routes = [
            Mock::given(method("GET"))
                .and(path("/v2/"))
                .respond_with(denied),
            Mock::given(method("GET"))
                .and(path("/token"))
                .respond_with(token),
            Mock::given(method("POST"))
                .and(path_regex("^/v2/.*/blobs/uploads/$"))
                .respond_with(upload),
        ];
        for route in routes {
            route.mount(&mock).await;
        }
        let certificate = rcgen::generate_simple_self_signed(vec!["ghcr.io".to_owned()]).unwrap();
        place.write("ghcr.pem", &certificate.cert.pem());
        let proxy = proxy(&certificate, mock.address().to_string()).await;
        Self { mock, proxy }
    }

    /// Leads a program there.
    pub(crate) fn lead(&self, command: &mut Command, place: &Place) {
        command
            .env("HTTPS_PROXY", &self.proxy)
            .env("SSL_CERT_FILE", place.path("ghcr.pem"));
    }

    /// What was asked, as `METHOD PATH?QUERY`.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let requests = self.mock.received_requests().await.unwrap();
        let shown = requests.iter().map(|request| {
            let query = request.url.query().map(|query| format!("?{query}"));
            format!(
                "{} {}{}",
                request.method,
                request.url.path(),
                query.unwrap_or_default()
            )
        });
        shown.collect()
    }
}

/// A refusal in the words of the distribution specification.
pub(crate) fn denied(status: u16, code: &str, message: &str) -> ResponseTemplate {
    let body = json!({"errors": [{"code": code, "message": message}]});
    ResponseTemplate::new(status).set_body_json(body)
}

/// Runs a program while the stand-ins go on answering.
pub(crate) async fn run_beside(mut command: Command) -> Printed {
    tokio::task::spawn_blocking(move || run(&mut command))
        .await
        .unwrap()
}

/// Takes `CONNECT ghcr.io:443`, and is that server: TLS ends here, and what
/// was in it goes to `target`. Nothing else is let through.
async fn proxy(made: &CertifiedKey<KeyPair>, target: String) -> String {
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    stevedore::testing::install_tls();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], PrivateKeyDer::from(key))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            tokio::spawn(async move {
                let _ = tunnel(stream, acceptor, &target).await;
            });
        }
    });
    address
}

async fn tunnel(stream: TcpStream, acceptor: TlsAcceptor, target: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).await?;
    let mut line = first.clone();
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).await?;
    }
    if !first.starts_with("CONNECT ghcr.io:443 ") {
        return reader.write_all(b"HTTP/1.1 502 no such host\r\n\r\n").await;
    }
    reader.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut inside = acceptor.accept(reader).await?;
    let mut target = TcpStream::connect(target).await?;
    tokio::io::copy_bidirectional(&mut inside, &mut target).await?;
    Ok(())
}
