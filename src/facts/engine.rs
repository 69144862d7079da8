//! The Docker engine: is it there, which image store has it, and what its
//! kernel runs.
//!
//! Asks `GET /info` of the engine's API once. With the containerd image store
//! the engine's own BuildKit builds several platforms and pushes them.

use std::error::Error;
use std::io;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};

use crate::error::sanitize::{LAST_WORDS, clean};
use crate::facts::docker::Endpoint;
use crate::facts::machine::Machine;

/// How long the engine may take to answer, in seconds.
const TIMEOUT: u64 = 20;
/// The driver that `GET /info` names when images are kept by containerd.
const CONTAINERD_STORE: &str = "io.containerd.snapshotter.v1";

/// What is known of the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// It answered.
    Running {
        /// The engine's version.
        version: String,
        /// True with the containerd image store.
        containerd_store: bool,
    },
    /// It did not, for this reason.
    Absent(String),
    /// It is there, and this user may not use it.
    Forbidden(String),
    /// Nobody asked: a dry run, a builder elsewhere, or an address over SSH.
    Unasked,
}

/// Asks the engine at this endpoint. Of the machine, nothing is known where the
/// engine did not answer.
pub async fn ask(endpoint: &Endpoint) -> (Engine, Option<Machine>) {
    let address = endpoint.address();
    if address.starts_with("ssh://") {
        return (Engine::Unasked, None);
    }
    let asked = async { endpoint.connect()?.info().await };
    let mut machine = None;
    let engine = match tokio::time::timeout(Duration::from_secs(TIMEOUT), asked).await {
        Err(_) => Engine::Absent(format!("{address} did not answer in {TIMEOUT} s")),
        Ok(Err(error)) => {
            let why = format!("{address}: {}", error_chain(&error));
            if is_forbidden(&error) {
                Engine::Forbidden(why)
            } else {
                Engine::Absent(why)
            }
        }
        Ok(Ok(info)) => {
            let kernel = info.kernel_version.as_deref().unwrap_or_default();
            machine = Machine::inspect(address, info.architecture.as_deref(), kernel);
            Engine::Running {
                version: info.server_version.unwrap_or_default(),
                containerd_store: info
                    .driver_status
                    .unwrap_or_default()
                    .iter()
                    .any(|pair| pair.iter().any(|word| word == CONTAINERD_STORE)),
            }
        }
    };
    (engine, machine)
}

impl Endpoint {
    /// A client of the engine's API.
    ///
    /// # Errors
    /// When the address or the certificates cannot be used.
    pub fn connect(&self) -> Result<Docker, bollard::errors::Error> {
        let Some(folder) = self.certificates.as_deref() else {
            return Docker::connect_with_host(self.address());
        };
        Docker::connect_with_ssl(
            self.address(),
            &folder.join("key.pem"),
            &folder.join("cert.pem"),
            &folder.join("ca.pem"),
            TIMEOUT,
            API_DEFAULT_VERSION,
        )
    }
}

fn is_forbidden(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied)
    })
}

/// The error with its causes, harmless: the outermost alone often says nothing.
pub fn error_chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    // What the client says of the way, and nothing of the engine.
    let text = text.strip_prefix("Docker stream error: ").unwrap_or(&text);
    clean(text, LAST_WORDS)
}
