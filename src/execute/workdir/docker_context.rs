//! A Docker context for an engine that only the environment tells of.
//!
//! buildx makes no builder with certificates that come from the environment
//! (`DOCKER_TLS_VERIFY`); it takes them from a context. The run's own Docker
//! folder gets one, beside those of the user.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::json;

use crate::execute::workdir::run_dir::RunFolder;
use crate::facts::Endpoint;
use crate::host::file;
use crate::image::Digest;

/// Where contexts are, in the run's folder.
const CONTEXTS: &str = "docker/contexts";
/// The files that a context keeps, by the same names as `DOCKER_CERT_PATH`.
const FILES: [&str; 3] = ["ca.pem", "cert.pem", "key.pem"];

/// Writes the context `name` for this endpoint.
pub fn write(folder: &RunFolder, name: &str, endpoint: &Endpoint) -> io::Result<()> {
    let Some(certificates) = &endpoint.certificates else {
        return Ok(());
    };
    own_folder(folder)?;
    let id = Digest::of(name.as_bytes());
    let id = id.as_str().trim_start_matches("sha256:");
    let meta = json!({
        "Name": name,
        "Metadata": {},
        "Endpoints": {"docker": {"Host": endpoint.address(), "SkipTLSVerify": false}},
    });
    let path = format!("{CONTEXTS}/meta/{id}/meta.json");
    folder.write(&path, meta.to_string().as_bytes())?;
    for name in FILES {
        let content = file::read(&certificates.join(name), file::SETTINGS)?;
        folder.write(&format!("{CONTEXTS}/tls/{id}/docker/{name}"), &content)?;
    }
    Ok(())
}

/// In place of a link to the user's contexts, a folder of links to each.
fn own_folder(folder: &RunFolder) -> io::Result<()> {
    let contexts = folder.path().join(CONTEXTS);
    let Ok(target) = fs::read_link(&contexts) else {
        return Ok(());
    };
    fs::remove_file(&contexts)?;
    for part in ["meta", "tls"] {
        fs::create_dir_all(contexts.join(part))?;
        for entry in entries(&target.join(part)) {
            folder.link(&entry.path(), &relative(part, &entry))?;
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> impl Iterator<Item = fs::DirEntry> {
    fs::read_dir(folder).into_iter().flatten().flatten()
}

fn relative(part: &str, entry: &fs::DirEntry) -> String {
    format!("{CONTEXTS}/{part}/{}", entry.file_name().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env_vars;
    use crate::facts::DockerSettings;
    use crate::host::Host;

    #[test]
    fn docker_reads_the_new_context_and_the_users_own() {
        let user = tempfile::tempdir().unwrap();
        for file in FILES {
            fs::write(user.path().join(file), file).unwrap();
        }
        let theirs = Digest::of(b"theirs").as_str()[7..].to_owned();
        let meta = user.path().join("contexts/meta").join(theirs);
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"theirs","Endpoints":{"docker":{"Host":"tcp://theirs:1"}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();

        let temp = tempfile::tempdir().unwrap();
        let environment = [(env_vars::RUNNER_TEMP, temp.path().to_str().unwrap())];
        let host = Host::with(&environment, temp.path(), jiff::Timestamp::UNIX_EPOCH);
        let folder = RunFolder::make(&host).unwrap();
        folder.write("docker/config.json", b"{}").unwrap();
        folder
            .link(&user.path().join("contexts"), CONTEXTS)
            .unwrap();
        let endpoint = Endpoint {
            host: Some("tcp://far:2376".to_owned()),
            certificates: Some(user.path().to_owned()),
            context: None,
        };
        write(&folder, "new", &endpoint).unwrap();

        let docker = folder.path().join("docker");
        for (name, address, has_certificates) in [
            ("new", "tcp://far:2376", true),
            ("theirs", "tcp://theirs:1", false),
        ] {
            let environment = [
                (env_vars::DOCKER_CONFIG, docker.to_str().unwrap()),
                (env_vars::DOCKER_CONTEXT, name),
            ];
            let host = Host::with(&environment, temp.path(), jiff::Timestamp::UNIX_EPOCH);
            let found = DockerSettings::read(&host).endpoint;
            assert_eq!(found.address(), address);
            assert_eq!(found.certificates.is_some(), has_certificates);
        }
        let kept = fs::read_dir(user.path().join("contexts/meta")).unwrap();
        assert_eq!(kept.count(), 1, "the user's folder is as it was");
    }
}
