//! A BuildKit that listens elsewhere, by TLS with certificates for both sides.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, UnixStream};
use tokio_rustls::TlsAcceptor;

use crate::support::Place;
use crate::support::bridge::Bridge;

/// The BuildKit of one of the lab's engines, behind TLS, as long as this lives.
pub(super) struct Node {
    address: SocketAddr,
    /// The authority of both sides, and the client's certificate and key, PEM.
    pub(super) authority: String,
    pub(super) certificate: String,
    pub(super) key: String,
    _bridge: Bridge,
    _runtime: tokio::runtime::Runtime,
}

impl Node {
    pub(super) fn new(place: &Place, name: &str, engine: &str) -> Self {
        stevedore::testing::install_tls();
        let bridge = Bridge::to(place, name, engine);
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = parameters.self_signed(&key).unwrap();
        let issuer = Issuer::new(parameters, key);
        let signed = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let key = KeyPair::generate().unwrap();
            let parameters = CertificateParams::new(names).unwrap();
            (parameters.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = signed(&["127.0.0.1"]);
        let (client, client_key) = signed(&[]);
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
        let server_key = PrivatePkcs8KeyDer::from(server_key.serialize_der());
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![server.der().clone()], PrivateKeyDer::from(server_key))
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let socket = bridge.endpoint().trim_start_matches("unix://").to_owned();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(lead(listener, TlsAcceptor::from(Arc::new(config)), socket));
        Self {
            address,
            authority: authority.pem(),
            certificate: client.pem(),
            key: client_key.serialize_pem(),
            _bridge: bridge,
            _runtime: runtime,
        }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("tcp://{}", self.address)
    }
}

/// Who shows a certificate of the authority's reaches the socket.
async fn lead(listener: TcpListener, acceptor: TlsAcceptor, socket: String) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, socket) = (acceptor.clone(), socket.clone());
        tokio::spawn(async move {
            let mut inside = acceptor.accept(stream).await.ok()?;
            let mut socket = UnixStream::connect(socket).await.ok()?;
            let copied = tokio::io::copy_bidirectional(&mut inside, &mut socket).await;
            copied.ok()
        });
    }
}
