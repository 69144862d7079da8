//! What it means that a request got no answer.

use std::error::Error;
use std::io::{self, ErrorKind};

use rustls::CertificateError;

use crate::http;

/// What webpki says of a certificate without extensions.
const OLD_FORM: &str = "UnsupportedCertVersion";

/// The causes of an error, it first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An `io::Error` hides the error that it wraps from `source`.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => error.source(),
        }
    })
}

fn of_tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// True when the server speaks TLS, though not with us.
pub fn speaks_tls(error: &reqwest::Error) -> bool {
    // Plain HTTP answers a TLS hello with bytes that are no TLS message.
    of_tls(error).is_some_and(|error| !matches!(error, rustls::Error::InvalidMessage(_)))
}

/// True when the same request may get an answer a moment later: the connection
/// broke. One that cannot be made at all stays so for longer than we wait.
pub fn can_pass(error: &reqwest::Error) -> bool {
    let broke = |cause: &(dyn Error + 'static)| {
        let kind = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(
            kind,
            Some(
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::UnexpectedEof
            )
        )
    };
    of_tls(error).is_none()
        && !error.is_builder()
        && (!error.is_connect() || causes(error).any(broke))
}

/// Why, for a person.
pub fn explain(error: &reqwest::Error) -> String {
    use rustls::Error as Tls;
    match of_tls(error) {
        // A signature is bad when an authority was made anew under its old name.
        Some(Tls::InvalidCertificate(
            why @ (CertificateError::UnknownIssuer | CertificateError::BadSignature),
        )) => format!(
            "its certificate is not trusted from here ({why}); \
             give its authority as `ca-certificates`"
        ),
        Some(why) if http::is_authority(why) => {
            "its certificate is not trusted from here, since it is marked as that of an \
             authority; give this very certificate as `ca-certificates`"
                .to_owned()
        }
        Some(Tls::InvalidCertificate(CertificateError::Other(why)))
            if why.0.to_string() == OLD_FORM =>
        {
            "its certificate is not trusted from here: it is of version 1, which names no host; \
             make one with a subjectAltName"
                .to_owned()
        }
        Some(Tls::InvalidCertificate(why)) => {
            format!("its certificate is not trusted from here: {why}")
        }
        Some(why) => format!("no TLS with it from here: {why}"),
        None => http::innermost(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener};

    use super::*;

    /// What comes of a request to a server that answers with these bytes.
    async fn failure(scheme: &str, bytes: &'static [u8]) -> reqwest::Error {
        http::install_tls();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(bytes).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{scheme}://{at}/")).send().await;
        answer.unwrap_err()
    }

    #[tokio::test]
    async fn plain_http_is_no_tls_but_an_alert_is() {
        for (bytes, tls) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
                false,
            ),
            (b"Client sent an HTTP request to an HTTPS server.\n", false),
            (b"", false),
            // A fatal alert: handshake failure.
            (b"\x15\x03\x03\x00\x02\x02\x28", true),
        ] {
            let error = failure("https", bytes).await;
            assert_eq!(speaks_tls(&error), tls, "{}", explain(&error));
        }
    }

    #[tokio::test]
    async fn a_broken_connection_can_pass() {
        let plain: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        for (scheme, bytes, passes) in [
            ("http", &b""[..], true),
            ("https", b"", true),
            ("https", plain, false),
            ("https", b"\x15\x03\x03\x00\x02\x02\x28", false),
        ] {
            let error = failure(scheme, bytes).await;
            assert_eq!(can_pass(&error), passes, "{scheme}: {}", explain(&error));
        }
    }
}
