//! A step that is an image: `uses: docker://IMAGE`.
//!
//! Owns the arguments of `docker run`: mounts, rewritten paths, network,
//! entrypoint and arguments. Specification: the runner's ContainerActionHandler
//! and DockerCommandManager. Other than the runner: where the engine's socket is
//! not the default one (`DOCKER_HOST`), that one is mounted.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::environment::{Variables, host, text};
use crate::folders::Folders;

/// What `docker run` needs to know.
pub(crate) struct Container<'a> {
    pub(crate) image: &'a str,
    pub(crate) name: &'a str,
    pub(crate) entrypoint: Option<&'a str>,
    pub(crate) args: Option<&'a str>,
    pub(crate) network: Option<&'a str>,
    pub(crate) folders: &'a Folders,
    /// What the container gets, host paths not yet rewritten.
    pub(crate) variables: Variables,
}

/// Names that the docker program itself reads: their values go by argument.
const OWN: [&str; 3] = ["HOME", "PATH", "TMPDIR"];

/// `docker run` as the runner calls it.
pub(crate) fn command(container: Container<'_>) -> Result<Command, Error> {
    let folders = container.folders;
    let socket = socket(std::env::var("DOCKER_HOST").ok())?;
    let mut command = Command::new("docker");
    command
        .env_clear()
        .envs(host())
        .current_dir(&folders.workspace);
    command.args(["run", "--name", container.name, "--label", "lab-runner"]);
    command.args(["--workdir", "/github/workspace", "--rm"]);
    let mut variables = container.variables;
    variables.insert("HOME".into(), text(&folders.home()));
    variables
        .entry("CI".into())
        .or_insert_with(|| "true".into());
    for (name, value) in variables {
        let value = rewritten(&value, folders);
        if OWN.contains(&name.as_str()) || name.starts_with("DOCKER_") {
            command.arg("-e").arg(format!("{name}={value}"));
        } else {
            // Only the name: what others can see of the process holds no secret.
            command.arg("-e").arg(&name).env(&name, value);
        }
    }
    if let Some(entrypoint) = container
        .entrypoint
        .filter(|entrypoint| !entrypoint.is_empty())
    {
        command.args(["--entrypoint", entrypoint]);
    }
    if let Some(network) = container.network {
        command.args(["--network", network]);
    }
    command
        .arg("-v")
        .arg(format!("{}:/var/run/docker.sock", text(&socket)));
    for (source, target) in mounts(folders).iter().rev() {
        command.arg("-v").arg(format!("{}:{target}", text(source)));
    }
    command
        .arg(container.image)
        .args(split(container.args.unwrap_or_default()));
    Ok(command)
}

/// Host folders and their places in the container; the first that fits a path wins.
fn mounts(folders: &Folders) -> [(PathBuf, &'static str); 5] {
    [
        (folders.workspace.clone(), "/github/workspace"),
        (folders.file_commands(), "/github/file_commands"),
        (folders.workflow(), "/github/workflow"),
        (folders.home(), "/github/home"),
        (folders.temp(), "/github/runner_temp"),
    ]
}

/// A value that starts with a mounted path gets the container's; one with a
/// path in the middle stays.
fn rewritten(value: &str, folders: &Folders) -> String {
    let translate = |(source, target): &(PathBuf, &str)| {
        let rest = value.strip_prefix(text(source).as_str())?;
        (rest.is_empty() || rest.starts_with('/')).then(|| format!("{target}{rest}"))
    };
    mounts(folders)
        .iter()
        .find_map(translate)
        .unwrap_or_else(|| value.to_owned())
}

fn socket(docker_host: Option<String>) -> Result<PathBuf, Error> {
    match docker_host.filter(|host| !host.is_empty()) {
        None => Ok(PathBuf::from("/var/run/docker.sock")),
        Some(host) => match host.strip_prefix("unix://") {
            Some(path) => Ok(Path::new(path).to_path_buf()),
            None => Err(Error::Unsupported(format!(
                "docker:// steps with DOCKER_HOST={host}"
            ))),
        },
    }
}

/// Arguments between spaces; double quotes keep spaces, a backslash keeps a quote.
fn split(args: &str) -> Vec<String> {
    let (mut found, mut current, mut quoted) = (Vec::new(), None::<String>, false);
    let mut characters = args.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                quoted = !quoted;
                current.get_or_insert_default();
            }
            '\\' if characters.peek() == Some(&'"') => {
                current.get_or_insert_default().extend(characters.next());
            }
            space if space.is_whitespace() && !quoted => found.extend(current.take()),
            other => current.get_or_insert_default().push(other),
        }
    }
    found.extend(current);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_rewritten_at_the_start_only() {
        let folders = Folders::create(None, Some(&std::env::temp_dir())).unwrap();
        let (work, temp) = (text(&folders.workspace), text(&folders.temp()));
        for (value, wanted) in [
            (format!("{work}/app"), "/github/workspace/app".to_owned()),
            (work.clone(), "/github/workspace".into()),
            (format!("{temp}/x"), "/github/runner_temp/x".into()),
            (
                text(&folders.event_file()),
                "/github/workflow/event.json".into(),
            ),
            (format!("{work}-2/app"), format!("{work}-2/app")),
            (
                format!("type=local,dest={work}/out"),
                format!("type=local,dest={work}/out"),
            ),
        ] {
            assert_eq!(rewritten(&value, &folders), wanted);
        }
    }

    #[test]
    fn arguments_between_spaces() {
        assert_eq!(
            split(r#" publish  --with "a b" "" \"x "#),
            ["publish", "--with", "a b", "", "\"x"]
        );
    }

    #[test]
    fn only_sockets_can_be_mounted() {
        assert_eq!(
            socket(Some("unix:///run/lab.sock".into())).unwrap(),
            Path::new("/run/lab.sock")
        );
        assert!(socket(Some("tcp://1.2.3.4:2375".into())).is_err());
    }
}
