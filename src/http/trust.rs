//! Whose certificates are trusted.
//!
//! Docker's guide makes the certificate of a registry with `openssl req -x509`,
//! which marks it as one of an authority. The engine takes it for the server that
//! shows it, once it is trusted itself; webpki takes no authority for a server. So
//! it is taken here when it is, byte for byte, among the given certificates:
//! whoever gave it meant this server.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::http::authorities::Authorities;

/// What webpki calls the refusal.
const IS_AUTHORITY: &str = "CaUsedAsEndEntity";

/// Trusts the machine's authorities and the given ones.
#[derive(Debug)]
struct Trust {
    authorities: Verifier,
    given: Vec<CertificateDer<'static>>,
}

/// The TLS of a client that trusts given certificates beside the machine's.
///
/// # Errors
/// When one of them cannot be used, or TLS has no version in common with itself.
pub fn config(given: &Authorities) -> Result<ClientConfig, Error> {
    let given = given
        .pem()
        .map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()))
        .collect::<Result<Vec<_>, _>>();
    let given = given.map_err(|error| Error::General(error.to_string()))?;
    let provider = Arc::new(ring::default_provider());
    let trust = Trust {
        authorities: Verifier::new_with_extra_roots(given.iter().cloned(), provider.clone())?,
        given,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    Ok(config.with_no_client_auth())
}

/// True when a server was refused since its certificate is an authority's.
pub fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(why)) = error else {
        return false;
    };
    why.0.to_string() == IS_AUTHORITY
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // Its dates are looked at before what it may be used for.
            Err(error) if is_authority(&error) && self.given.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls12_signature(message, cert, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities
            .verify_tls13_signature(message, cert, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
