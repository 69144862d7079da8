//! The authorities of `ca-certificates`: for buildx, which fetches the tokens of
//! registries, and for the builder that the run makes.

use std::path::{Path, PathBuf};

use crate::env_vars;
use crate::execute::error::Error;
use crate::execute::workdir::run_dir::RunFolder;
use crate::execute::workdir::secret_file::write;
use crate::host::{Command, Host, file};
use crate::http::Authorities;
use crate::input::builder::DaemonConfig;
use crate::plan::{NewBuilder, config_file, with_authorities};

/// The authorities that were given. buildx keeps the last part of the name, beside
/// the user's own files.
const GIVEN: &str = "stevedore-ca-certificates.pem";
/// The same, after the machine's own.
const ALL: &str = "all-ca-certificates.pem";
/// Where systems keep their authorities; the places that Go programs look at.
const SYSTEM: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Writes the authorities down, where some were given.
pub fn write_authorities(
    folder: &RunFolder,
    authorities: &Authorities,
    host: &Host,
) -> Result<(), Error> {
    if authorities.is_empty() {
        return Ok(());
    }
    let given: Vec<&str> = authorities.pem().collect();
    let given = given.join("\n") + "\n";
    let own = host
        .var(env_vars::SSL_CERT_FILE)
        .map(|file| host.path(file));
    let mut system = own.into_iter().chain(SYSTEM.map(PathBuf::from));
    let system = system.find_map(|path| file::read_text(&path, file::DATA).ok());
    let all = system.unwrap_or_default() + "\n" + &given;
    for (name, text) in [(GIVEN, &given), (ALL, &all)] {
        let written = folder.write(name, text.as_bytes());
        written.map_err(Error::files(name))?;
    }
    Ok(())
}

/// Lets a program trust the authorities that are written down in a run's folder.
pub fn trusting(command: Command, run: &Path) -> Command {
    let all = run.join(ALL);
    if all.is_file() {
        command.env(env_vars::SSL_CERT_FILE, all)
    } else {
        command
    }
}

/// Writes the configurations that the commands of a builder name.
pub fn write_configurations(
    folder: &RunFolder,
    given: Option<&DaemonConfig>,
    default_config: Option<&Path>,
    made: &NewBuilder,
) -> Result<(), Error> {
    if made.trusts.is_empty() {
        return match given {
            Some(DaemonConfig::Text(text)) => write(folder, config_file(0), &mut text.clone()),
            Some(DaemonConfig::File(_)) | None => Ok(()),
        };
    }
    let authorities = folder.path().join(GIVEN);
    for node in 0..made.nodes.len().min(2) {
        let own = match (node, given) {
            (0, Some(DaemonConfig::Text(text))) => text.clone(),
            (0, Some(DaemonConfig::File(file))) => read(file)?,
            _ => match default_config {
                Some(file) => read(file)?,
                None => String::new(),
            },
        };
        // What is no TOML is for buildx to refuse.
        let mut text = with_authorities(&own, &made.trusts, &authorities).unwrap_or(own);
        write(folder, config_file(node), &mut text)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, Error> {
    let text = file::read_text(path, file::SETTINGS);
    text.map_err(Error::files(&path.display().to_string()))
}
