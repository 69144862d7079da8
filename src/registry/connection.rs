//! One registry, asked the way it wants: its scheme, challenge and login are
//! found once. No redirect is followed.

use std::future::ready;
use std::pin::pin;

use futures_util::future::{Either, select};
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::host::Host;
use crate::http::{self, Authorities};
use crate::image::{Digest, Registry, Tag};
use crate::registry::auth::{Authenticator, Authorization};
use crate::registry::challenge::Challenge;
use crate::registry::credentials::Credentials;
use crate::registry::origin::Origin;
use crate::registry::realm::Resolver;
use crate::registry::refusal::Stage;
use crate::registry::request::{self, OpenResponse, RequestError, Response, WORDS};
use crate::registry::token::Scope;
use crate::registry::transport_error;

/// What a tag may point to.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
    application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, \
    application/vnd.docker.distribution.manifest.v2+json";
/// What a blob is sent as.
const BYTES: &str = "application/octet-stream";
/// What a registry has to accept at least as the size of a manifest, in bytes.
const MANIFEST: usize = 4 * 1024 * 1024;

/// Something to ask of a repository.
pub struct RegistryRequest {
    pub scope: Scope,
    pub stage: Stage,
    pub method: Method,
    pub url: Url,
    /// The media types that are wanted, if any is.
    pub accept: Option<&'static str>,
    /// The media type and the bytes of what is sent, if anything is.
    pub body: Option<(String, Vec<u8>)>,
    /// How much of the answer is read, in bytes.
    pub most: usize,
}

/// A registry that is ready to be asked.
pub struct Connection {
    client: Client,
    origin: Origin,
    challenge: OnceCell<Challenge>,
    /// The one of a registry that lets everybody in at `/v2/`, and asks for more
    /// further on.
    late: OnceCell<Challenge>,
    prover: Authenticator,
}

impl Connection {
    /// Everything that blocks runs beside the rest of the program.
    ///
    /// # Errors
    /// When there is no HTTPS from here, the registry's certificate is not
    /// trusted, or a credential helper fails.
    pub async fn open(
        registry: &Registry,
        credentials: &Credentials,
        authorities: &Authorities,
        host: &Host,
    ) -> Result<Self, String> {
        let resolver = Resolver::default();
        let secure = Origin::new(registry, false)?;
        let found = find(&secure, authorities, &resolver);
        let (found, login) = tokio::try_join!(found, credentials.find(registry, host))?;
        let (client, plain) = found;
        let origin = if plain {
            Origin::new(registry, true)?
        } else {
            secure
        };
        let proxied = http::is_proxied(host);
        Ok(Self {
            prover: Authenticator::new(client.clone(), origin.clone(), resolver, login, proxied),
            client,
            origin,
            challenge: OnceCell::new(),
            late: OnceCell::new(),
        })
    }

    /// True when there is no login for the registry.
    pub fn is_anonymous(&self) -> bool {
        self.prover.is_anonymous()
    }

    /// The address of a path of the registry.
    pub fn url(&self, path: &str) -> Url {
        self.origin.url(path)
    }

    /// The request for what a tag or digest points to.
    ///
    /// # Errors
    /// When it is neither.
    pub fn manifest(&self, repository: &str, reference: &str) -> Result<RegistryRequest, String> {
        if Tag::parse(reference).is_err() && Digest::parse(reference).is_err() {
            return Err(format!("{reference:?} is neither a tag nor a digest"));
        }
        Ok(RegistryRequest {
            scope: Scope::pull(repository),
            stage: Stage::Pull,
            method: Method::GET,
            url: self.url(&format!("/v2/{repository}/manifests/{reference}")),
            accept: Some(MANIFESTS),
            body: None,
            most: MANIFEST,
        })
    }

    /// The request for a blob that is no larger than a manifest.
    pub fn blob(&self, repository: &str, digest: &Digest) -> RegistryRequest {
        RegistryRequest {
            scope: Scope::pull(repository),
            stage: Stage::Pull,
            method: Method::GET,
            url: self.url(&format!("/v2/{repository}/blobs/{digest}")),
            accept: None,
            body: None,
            most: MANIFEST,
        }
    }

    /// The request that starts an upload.
    pub fn start_of_upload(&self, repository: &str) -> RegistryRequest {
        RegistryRequest {
            scope: Scope::push(repository),
            stage: Stage::Upload,
            method: Method::POST,
            url: self.url(&format!("/v2/{repository}/blobs/uploads/")),
            accept: None,
            body: None,
            most: WORDS,
        }
    }

    /// What is at the address that an answer leads to, asked without a login. It may be
    /// at no address that a token endpoint may not be at.
    pub async fn follow(&self, reply: &Response, until: Instant) -> Result<Response, RequestError> {
        let url = self.redirect_target(&reply.url, reply.headers.get(LOCATION));
        let request = self.client.get(url.await?);
        request::send(&request, Stage::Pull, MANIFEST, until).await
    }

    /// The address that an answer leads to.
    async fn redirect_target(
        &self,
        asked: &Url,
        location: Option<&HeaderValue>,
    ) -> Result<Url, String> {
        let location = location.and_then(|location| location.to_str().ok());
        let url = asked.join(location.unwrap_or_default());
        let url = url.map_err(|error| error.to_string())?;
        self.prover.admit(url.as_str()).await
    }

    /// The address that a `Location` in an answer means, when it is the registry's own.
    pub fn location(&self, reply: &Response) -> Option<Url> {
        let location = reply.headers.get(LOCATION)?;
        self.origin.location(&reply.url, location.to_str().ok()?)
    }

    /// True when the registry has told how it wants to be asked.
    pub fn has_answered(&self) -> bool {
        self.challenge.initialized()
    }

    /// How the registry wants to be asked: `GET /v2/`.
    pub async fn challenge(&self, until: Instant) -> Result<&Challenge, RequestError> {
        let ask = async {
            let request = self.client.get(self.url("/v2/"));
            let reply = request::send(&request, Stage::Challenge, WORDS, until).await?;
            match reply.status {
                status if status.is_success() => Ok(Challenge::Open),
                StatusCode::UNAUTHORIZED => {
                    let challenge = Challenge::of(&reply.headers);
                    challenge.ok_or_else(|| reply.stop(Stage::Challenge))
                }
                _ => Err(reply.stop(Stage::Challenge)),
            }
        };
        self.challenge.get_or_try_init(|| ask).await
    }

    /// True when anything comes back.
    pub async fn answers(&self) -> bool {
        self.client.get(self.url("/v2/")).send().await.is_ok()
    }

    /// Asks, with a proof where the registry wants one. Every status but those
    /// that can pass is an answer.
    pub async fn ask(
        &self,
        question: &RegistryRequest,
        until: Instant,
    ) -> Result<Response, RequestError> {
        let (proof, reply) = self.first_reply(question, until).await?;
        let (status, headers) = (reply.status, &reply.headers);
        let late = self.late_proof(&proof, status, headers, &question.scope, until);
        match late.await? {
            Some(proof) => self.send(question, &proof, until).await,
            None => Ok(reply),
        }
    }

    /// Asks, and returns the proof that was sent. A push without a login mostly goes to an
    /// open registry, so it does not wait to be told so: the answer counts where no proof
    /// was wanted.
    async fn first_reply(
        &self,
        question: &RegistryRequest,
        until: Instant,
    ) -> Result<(Authorization, Response), RequestError> {
        let proof = pin!(self.proof(&question.scope, until));
        let may_be_open = self.is_anonymous() && question.scope.push && !self.has_answered();
        let proof = if may_be_open {
            let unproven = pin!(self.send(question, &Authorization::Nothing, until));
            let (proof, reply) = match select(proof, unproven).await {
                Either::Left((proof, reply)) => (proof?, Either::Left(reply)),
                Either::Right((reply, proof)) => (proof.await?, Either::Right(ready(reply))),
            };
            if matches!(proof, Authorization::Nothing) {
                return Ok((proof, reply.await?));
            }
            proof
        } else {
            proof.await?
        };
        let reply = self.send(question, &proof, until).await?;
        Ok((proof, reply))
    }

    /// The proof that the registry wants, as far as that is known.
    async fn proof(&self, scope: &Scope, until: Instant) -> Result<Authorization, RequestError> {
        let challenge = match self.late.get() {
            Some(late) => late,
            None => self.challenge(until).await?,
        };
        self.prover.prove(challenge, scope, until).await
    }

    /// The proof that an answer asks for, where none was sent.
    async fn late_proof(
        &self,
        sent: &Authorization,
        status: StatusCode,
        headers: &HeaderMap,
        scope: &Scope,
        until: Instant,
    ) -> Result<Option<Authorization>, RequestError> {
        let challenge = match (status, sent) {
            (StatusCode::UNAUTHORIZED, Authorization::Nothing) => Challenge::of(headers),
            _ => None,
        };
        let Some(challenge) = challenge else {
            return Ok(None);
        };
        let challenge = self.late.get_or_init(async || challenge).await;
        match self.prover.prove(challenge, scope, until).await? {
            Authorization::Nothing => Ok(None),
            proof => Ok(Some(proof)),
        }
    }

    async fn send(
        &self,
        question: &RegistryRequest,
        proof: &Authorization,
        until: Instant,
    ) -> Result<Response, RequestError> {
        let request = self.request(question, proof);
        request::send(&request, question.stage, question.most, until).await
    }

    fn request(&self, question: &RegistryRequest, proof: &Authorization) -> RequestBuilder {
        let (method, url) = (question.method.clone(), question.url.clone());
        let mut request = self.client.request(method, url).headers(headers(question));
        if let Some((media_type, bytes)) = &question.body {
            request = request.header(CONTENT_TYPE, media_type).body(bytes.clone());
        }
        proof.bring(request)
    }

    /// A blob of any size, whose bytes are still to come. `until` is for the beginning.
    pub async fn open_blob(
        &self,
        repository: &str,
        digest: &Digest,
        until: Instant,
    ) -> Result<OpenResponse, RequestError> {
        let question = self.blob(repository, digest);
        let scope = &question.scope;
        let proof = self.proof(scope, until).await?;
        let mut reply = OpenResponse::to(self.request(&question, &proof)).await?;
        let (status, headers) = (reply.response.status(), reply.response.headers());
        let late = self.late_proof(&proof, status, headers, scope, until);
        if let Some(proof) = late.await? {
            reply = OpenResponse::to(self.request(&question, &proof)).await?;
        }
        if reply.response.status().is_redirection() {
            let location = reply.response.headers().get(LOCATION);
            let url = self.redirect_target(reply.response.url(), location).await?;
            reply = OpenResponse::to(self.client.get(url)).await?;
        }
        if reply.response.status() == StatusCode::OK {
            return Ok(reply);
        }
        Err(reply.rest(WORDS).await?.stop(Stage::Pull))
    }

    /// Sends the bytes of a blob to the address of an upload, which they complete. Not
    /// tried again: they come once.
    pub async fn upload(
        &self,
        repository: &str,
        session: Url,
        blob: OpenResponse,
        until: Instant,
    ) -> Result<Response, RequestError> {
        let proof = self.proof(&Scope::push(repository), until).await?;
        let mut request = self.client.put(session).header(CONTENT_TYPE, BYTES);
        if let Some(length) = blob.response.content_length() {
            request = request.header(CONTENT_LENGTH, length);
        }
        let request = proof.bring(request.body(blob.response));
        Ok(OpenResponse::to(request).await?.rest(WORDS).await?)
    }
}

fn headers(question: &RegistryRequest) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(types) = question.accept {
        headers.insert(ACCEPT, HeaderValue::from_static(types));
    }
    if question.method == Method::POST {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    headers
}

/// The client for a registry, and whether the registry is asked in plain HTTP:
/// like the engine, we let one on this machine do so, and no other.
async fn find(
    origin: &Origin,
    authorities: &Authorities,
    resolver: &Resolver,
) -> Result<(Client, bool), String> {
    let (authorities, resolver) = (authorities.clone(), resolver.clone());
    let loopback = origin.is_loopback();
    let build = move || {
        let client = http::builder(&authorities)
            .redirect(Policy::none())
            .dns_resolver(resolver);
        // As in the engine, no proxy stands between us and this machine.
        let client = if loopback { client.no_proxy() } else { client };
        let built = client.build();
        built.map_err(|error| format!("no HTTPS from here: {}", http::innermost(&error)))
    };
    let client = tokio::task::spawn_blocking(build)
        .await
        .unwrap_or_else(|error| Err(error.to_string()))?;
    if !loopback {
        return Ok((client, false));
    }
    match client.get(origin.url("/v2/")).send().await {
        Ok(_) => Ok((client, false)),
        Err(error) if transport_error::speaks_tls(&error) => Err(transport_error::explain(&error)),
        Err(_) => Ok((client, true)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, mpsc};

    use rcgen::{BasicConstraints, CertificateParams, IsCa};
    use serde_json::json;
    use wiremock::ResponseTemplate;

    use super::*;
    use crate::registry::check::Answer;
    use crate::registry::check::RequestedAccess;
    use crate::registry::stub;
    use crate::registry::stub::LONG;
    use crate::registry::stub::ME;
    use crate::registry::stub::Tls;
    use crate::registry::stub::UPLOADS;
    use crate::registry::stub::allow;
    use crate::registry::stub::answer;
    use crate::registry::stub::token;
    use crate::registry::stub::unknown;

    const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

    /// A registry of which `GET /v2/` waits for the upload.
    #[tokio::test]
    async fn a_push_without_a_login_is_not_asked_for_after_the_challenge() {
        let (began, begins) = mpsc::channel();
        let (began, begins) = (Mutex::new(began), Mutex::new(begins));
        let asked = AtomicUsize::new(0);
        let server = Tls::start(move |head| {
            let is_upload = head.starts_with("POST ");
            if is_upload {
                began.lock().unwrap().send(()).unwrap();
            } else if asked.fetch_add(1, Ordering::SeqCst) > 0 {
                // The first one was to find out that it speaks TLS.
                begins.lock().unwrap().recv_timeout(LONG).unwrap();
            }
            ACCEPTED.to_owned()
        });
        let client = stub::client(&server.at, json!({}), &server.authorities);
        let image = stub::image(&server.at);
        let answer = client.check(&image, RequestedAccess::Push, 2 * LONG).await;
        assert_eq!(answer, Answer::Allowed);
    }

    #[tokio::test]
    async fn a_challenge_may_come_late() {
        let server = stub::open().await;
        allow(&server, ME).await;
        let late = ResponseTemplate::new(401).insert_header("WWW-Authenticate", "Basic");
        answer(&server, "POST", UPLOADS, 1, late).await;
        assert_eq!(stub::push(&server).await, Answer::Allowed);
    }

    #[tokio::test]
    async fn one_challenge_a_registry_and_one_token_an_image() {
        let server = stub::bearer().await;
        answer(&server, "GET", "/token", 1, token("t0ken")).await;
        answer(&server, "POST", UPLOADS, 1, ResponseTemplate::new(202)).await;
        let manifest = ResponseTemplate::new(200).set_body_json(json!({"manifests": []}));
        answer(&server, "GET", "/v2/acme/app/manifests/1", 3, manifest).await;
        let at = stub::at(&server);
        let client = stub::client(&at, stub::login(), &Authorities::default());
        let image = stub::image(&at);
        client.prepare(std::slice::from_ref(&image)).await;
        client.check(&image, RequestedAccess::Push, LONG).await;
        let asked = (0..3).map(|_| client.manifest(&image, "1"));
        for answer in futures_util::future::join_all(asked).await {
            answer.unwrap();
        }
    }

    #[tokio::test]
    async fn an_untrusted_certificate_is_told_and_plain_http_is_not_tried() {
        let server = Tls::start(|_| ACCEPTED.to_owned());
        let client = stub::client(&server.at, stub::login(), &Authorities::default());
        let image = stub::image(&server.at);
        let why = unknown(client.check(&image, RequestedAccess::Push, LONG).await);
        assert!(
            why.contains("its certificate is not trusted from here"),
            "{why}"
        );
        assert!(why.contains("`ca-certificates`"), "{why}");
        assert_eq!(server.connections(), 1);
    }

    /// As `openssl req -x509` makes it, which Docker's guide uses.
    fn self_signed(names: &[&str]) -> CertificateParams {
        let mut certificate = stub::certificate(names);
        certificate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        certificate
    }

    #[tokio::test]
    async fn a_given_certificate_is_trusted_though_it_is_marked_as_an_authority_s() {
        let server = Tls::with(self_signed(&["127.0.0.1"]), |_| ACCEPTED.to_owned());
        let (at, image) = (&server.at, stub::image(&server.at));
        let client = stub::client(at, stub::login(), &server.authorities);
        let answer = client.check(&image, RequestedAccess::Push, LONG).await;
        assert_eq!(answer, Answer::Allowed);
        let other = Tls::with(self_signed(&["127.0.0.1"]), |_| ACCEPTED.to_owned());
        for authorities in [&Authorities::default(), &other.authorities] {
            let client = stub::client(at, stub::login(), authorities);
            let why = unknown(client.check(&image, RequestedAccess::Push, LONG).await);
            assert!(why.contains("give this very certificate"), "{why}");
        }
    }

    #[tokio::test]
    async fn a_given_certificate_is_for_its_names_and_its_time_alone() {
        let mut expired = self_signed(&["127.0.0.1"]);
        expired.not_after = rcgen::date_time_ymd(2020, 1, 1);
        for (certificate, expected) in [
            (self_signed(&["r.example"]), "not valid for name"),
            (expired, "expired"),
        ] {
            let server = Tls::with(certificate, |_| ACCEPTED.to_owned());
            let client = stub::client(&server.at, stub::login(), &server.authorities);
            let image = stub::image(&server.at);
            let why = unknown(client.check(&image, RequestedAccess::Push, LONG).await);
            assert!(why.contains(expected), "{why}");
        }
    }

    #[tokio::test]
    async fn three_round_trips_share_a_connection() {
        let server = Tls::start(|head| {
            let host = head
                .split("ost: ")
                .nth(1)
                .unwrap()
                .split("\r\n")
                .next()
                .unwrap();
            let body = r#"{"token":"t0ken"}"#;
            match head.split(' ').nth(1).unwrap() {
                "/v2/" => format!(
                    "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\
                     WWW-Authenticate: Bearer realm=\"https://{host}/token\"\r\n\r\n"
                ),
                UPLOADS => ACCEPTED.to_owned(),
                _ => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ),
            }
        });
        let client = stub::client(&server.at, stub::login(), &server.authorities);
        let image = stub::image(&server.at);
        let answer = client.check(&image, RequestedAccess::Push, LONG).await;
        assert_eq!(answer, Answer::Allowed);
        assert_eq!(server.connections(), 1);
    }
}
