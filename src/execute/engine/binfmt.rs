//! Handlers in the engine's kernel, installed by a privileged container.
//!
//! The image is tonistiigi/binfmt or one with its command line: `--install` and
//! `--uninstall` with architectures. It ends well also when it could register
//! nothing; its words tell.

use bollard::Docker;
use tracing::info;

use crate::error::sanitize::{WORDS, clean};
use crate::execute::engine::container;
use crate::execute::error::Error;
use crate::facts::Facts;
use crate::host::Host;
use crate::plan::Handlers;
use crate::registry::Credentials;

/// What begins the line of an architecture, in what the image prints.
const LINE: &str = "installing: ";
/// What begins the line of an error that concerns all of them.
const ERROR: &str = "error: ";

/// What came of an installation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Installed {
    /// The image that was run, by its digest.
    pub image: String,
    /// The architectures that have a handler now, and had none.
    pub new: Vec<String>,
    /// Those for which there was a handler of that name.
    pub there: Vec<String>,
}

/// Installs handlers.
pub async fn install(
    handlers: &Handlers,
    facts: &Facts,
    credentials: &Credentials,
    host: &Host,
) -> Result<Installed, Error> {
    let names = handlers.architectures.join(",");
    let failed = |why: String| Error::Emulator {
        architectures: names.clone(),
        image: handlers.image.clone(),
        why,
    };
    let docker = connect(facts).map_err(failed)?;
    info!("installing emulators for {names} with {}", handlers.image);
    let pull = container::pull(&docker, &handlers.image, credentials, host);
    let image = host.unless_cancelled(pull).await?.map_err(failed)?;
    info!("running {image} privileged");
    let arguments = ["--install", &names];
    let printed = container::run(&docker, &image, &arguments).await;
    let installed = parse_installed(&printed.map_err(failed)?).map_err(failed)?;
    Ok(Installed { image, ..installed })
}

/// Takes handlers away again. The image is there, since it has installed them.
pub async fn uninstall(handlers: &Handlers, docker: &Docker) -> Result<(), String> {
    let names = handlers.architectures.join(",");
    let arguments = ["--uninstall", &names];
    let printed = container::run(docker, &handlers.image, &arguments).await;
    printed.map(drop)
}

/// A client of the engine that the user means.
pub fn connect(facts: &Facts) -> Result<Docker, String> {
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

/// Reads what the image printed; an error has the lines of what went wrong.
fn parse_installed(printed: &str) -> Result<Installed, String> {
    let mut result = Installed::default();
    let mut wrong = Vec::new();
    for line in printed.lines() {
        if let Some(error) = line.strip_prefix(ERROR) {
            wrong.push(error);
            continue;
        }
        let Some(line) = line.strip_prefix(LINE) else {
            continue;
        };
        match line.split_once(' ') {
            Some((architecture, "OK")) => result.new.push(architecture.to_owned()),
            Some((architecture, rest)) if rest.ends_with("already registered") => {
                result.there.push(architecture.to_owned());
            }
            _ => wrong.push(line),
        }
    }
    if wrong.is_empty() {
        Ok(result)
    } else {
        Err(clean(&wrong.join("; "), WORDS))
    }
}

#[cfg(test)]
mod tests {
    use super::parse_installed;

    #[test]
    fn what_was_there_before_is_told_apart() {
        let printed = "installing: arm64 OK\ninstalling: s390x qemu-s390x already registered\n{\n";
        let installed = parse_installed(printed).unwrap();
        assert_eq!(installed.new, ["arm64"]);
        assert_eq!(installed.there, ["s390x"]);
    }

    #[test]
    fn what_failed_is_an_error_though_the_image_ends_well() {
        for (printed, expected) in [
            (
                "installing: arm64 OK\ninstalling: x unsupported architecture: x\n",
                "x unsupported architecture: x",
            ),
            (
                "error: cannot mount binfmt_misc: operation not permitted\n",
                "cannot mount binfmt_misc: operation not permitted",
            ),
        ] {
            assert_eq!(parse_installed(printed).unwrap_err(), expected);
        }
    }
}
