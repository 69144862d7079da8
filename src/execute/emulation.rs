//! Handlers in the engine's kernel, installed by a privileged container.
//!
//! The image is tonistiigi/binfmt or one with its command line: `--install` and
//! `--uninstall` with architectures. It ends well also when a handler could not
//! be registered, and says so in a line for each.

use bollard::Docker;
use serde_json::{Map, Value};
use tracing::info;

use super::{Error, privileged};
use crate::facts::Facts;
use crate::host::{Host, Signals};
use crate::plan::Handlers;
use crate::registry::Credentials;

/// What begins the line of an architecture, in what the image prints.
const LINE: &str = "installing: ";

/// Installs handlers; the result is those that were not there before.
pub(super) async fn install(
    handlers: &Handlers,
    facts: &Facts,
    config: &Map<String, Value>,
    host: &Host,
    signals: &mut Signals,
) -> Result<Handlers, Error> {
    let names = handlers.architectures.join(",");
    let failed = |why: String| Error::Emulator {
        architectures: names.clone(),
        image: handlers.image.clone(),
        why,
    };
    let docker = connect(facts).map_err(failed)?;
    let credentials = Credentials::new(config.clone());
    info!("installing emulators for {names} with {}", handlers.image);
    tokio::select! {
        pulled = privileged::pull(&docker, &handlers.image, &credentials, host) => pulled.map_err(failed)?,
        signal = signals.next() => return Err(Error::Cancelled(signal)),
    }
    let arguments = ["--install", &names];
    let printed = privileged::run(&docker, &handlers.image, &arguments).await;
    let architectures = installed(&printed.map_err(failed)?).map_err(failed)?;
    Ok(Handlers {
        image: handlers.image.clone(),
        architectures,
    })
}

/// Takes handlers away again. The image is there, since it has installed them.
pub(super) async fn uninstall(handlers: &Handlers, docker: &Docker) -> Result<(), String> {
    let names = handlers.architectures.join(",");
    let arguments = ["--uninstall", &names];
    let printed = privileged::run(docker, &handlers.image, &arguments).await;
    printed.map(drop)
}

/// A client of the engine that the user means.
pub(super) fn connect(facts: &Facts) -> Result<Docker, String> {
    let endpoint = &facts.docker.endpoint;
    if endpoint.address().starts_with("ssh://") {
        return Err(format!(
            "{} is reached over SSH only, where no container can be started from here",
            endpoint.address()
        ));
    }
    endpoint
        .connect()
        .map_err(|error| format!("{}: {error}", endpoint.address()))
}

/// The architectures that were installed; an error with the lines of those that
/// were not.
fn installed(printed: &str) -> Result<Vec<String>, String> {
    let lines = printed.lines().filter_map(|line| line.strip_prefix(LINE));
    let mut done = Vec::new();
    let mut wrong = Vec::new();
    for line in lines {
        match line.split_once(' ') {
            Some((architecture, "OK")) => done.push(architecture.to_owned()),
            Some((_, rest)) if rest.ends_with("already registered") => {}
            _ => wrong.push(line),
        }
    }
    match wrong.is_empty() {
        true => Ok(done),
        false => Err(wrong.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::installed;

    #[test]
    fn what_was_there_before_is_not_ours_and_no_error() {
        let printed = "installing: arm64 OK\ninstalling: s390x qemu-s390x already registered\n{\n";
        assert_eq!(installed(printed), Ok(vec!["arm64".to_owned()]));
    }

    #[test]
    fn an_architecture_that_failed_is_an_error() {
        let printed = "installing: arm64 OK\ninstalling: x unsupported architecture: x\n";
        let error = installed(printed).unwrap_err();
        assert_eq!(error, "x unsupported architecture: x");
    }
}
