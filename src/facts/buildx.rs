//! buildx: where the program is, and which builder is meant.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use semver::Version;
use serde_json::Value;

use crate::env_vars;
use crate::facts::docker::DockerSettings;
use crate::host::{Command, Host, file};

/// The names under which buildx is installed: as a plugin, and by itself.
const PROGRAMS: [&str; 2] = ["docker-buildx", "buildx"];
/// How long buildx may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where the Docker CLI looks for plugins of all users.
const PLUGIN_FOLDERS: [&str; 6] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
    "/opt/homebrew/lib/docker/cli-plugins",
    "/Applications/Docker.app/Contents/Resources/cli-plugins",
];

/// The builder that the user's environment has chosen, before any input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenBuilder {
    /// Its name.
    pub name: String,
    /// What chose it, for the log.
    pub by: String,
}

/// Finds the program: beside us, on `PATH`, among the CLI's plugins. It is run
/// directly, since our own Docker configuration folder holds no plugins.
pub fn find(host: &Host, settings: &DockerSettings) -> Option<PathBuf> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(Path::to_owned));
    let extra = settings
        .config
        .get("cliPluginsExtraDirs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|folder| folder.as_str().map(PathBuf::from));
    let home = host.path(host.var(env_vars::HOME).unwrap_or("/"));
    beside
        .into_iter()
        .chain(host.search_path())
        .chain([settings.folder.join("cli-plugins")])
        .chain(extra)
        .chain([home.join(".docker/cli-plugins")])
        .chain(PLUGIN_FOLDERS.map(PathBuf::from))
        .flat_map(|folder| PROGRAMS.map(|program| folder.join(program)))
        .find(|path| is_program(path))
}

/// The program's version, as `buildx version` tells it. `None` for one that
/// has none, such as a build of a commit: it is taken for the newest.
pub async fn version(host: &Host, program: Option<&Path>) -> Option<Version> {
    let command = Command::new(program?).args(["version"]);
    let told = tokio::time::timeout(PATIENCE, command.read(host)).await;
    parse_version(&told.ok()?.ok()?)
}

/// Reads `github.com/docker/buildx v0.29.1 COMMIT`, also as distributions spell
/// it (`0.29.1+ds1`). Packages that are built without a version tell 0.0.0.
pub fn parse_version(told: &str) -> Option<Version> {
    let word = told.split_whitespace().nth(1)?;
    let word = word.strip_prefix('v').unwrap_or(word);
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.');
    let mut numbers = word.get(..end.unwrap_or(word.len()))?.split('.');
    let mut number = || numbers.next()?.parse::<u64>().ok();
    let version = Version::new(number()?, number()?, number()?);
    (version != Version::new(0, 0, 0)).then_some(version)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The builder that `BUILDX_BUILDER` or an earlier `docker buildx use` chose.
/// `None` means the engine's own.
pub fn chosen(host: &Host, settings: &DockerSettings) -> Option<ChosenBuilder> {
    if let Some(name) = host.var(env_vars::BUILDX_BUILDER) {
        return Some(ChosenBuilder {
            name: name.to_owned(),
            by: format!("{} is set", env_vars::BUILDX_BUILDER),
        });
    }
    let current = settings.buildx_folder(host).join("current");
    let current = file::read_text(&current, file::SETTINGS).ok()?;
    let current: Value = serde_json::from_str(&current).ok()?;
    let name = current.get("Name")?.as_str()?;
    // A choice holds for the engine that it was made for.
    let global = current.get("Global").and_then(Value::as_bool) == Some(true);
    if !global && current.get("Key")?.as_str()? != settings.endpoint.key() {
        return None;
    }
    let instances = settings.buildx_folder(host).join("instances");
    (!name.is_empty() && instances.join(name).is_file()).then(|| ChosenBuilder {
        name: name.to_owned(),
        by: "an earlier step made it the current builder".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_they_are_told() {
        for (told, version) in [
            (
                "github.com/docker/buildx v0.29.1 1a1ec9a\n",
                Some((0, 29, 1)),
            ),
            (
                "github.com/docker/buildx 0.29.1+ds1 0.29.1+ds1-4",
                Some((0, 29, 1)),
            ),
            ("github.com/docker/buildx v0.11.0-rc2 abc", Some((0, 11, 0))),
            ("github.com/docker/buildx 0.0.0+unknown", None),
            ("github.com/docker/buildx 1a1ec9a", None),
            ("", None),
        ] {
            let version = version.map(|(a, b, c)| Version::new(a, b, c));
            assert_eq!(parse_version(told), version, "{told}");
        }
    }

    #[test]
    fn the_current_builder_counts_only_while_it_exists() {
        let folder = tempfile::tempdir().unwrap();
        let environment = [(env_vars::DOCKER_CONFIG, folder.path().to_str().unwrap())];
        let host = Host::with(&environment, folder.path(), jiff::Timestamp::UNIX_EPOCH);
        let settings = DockerSettings::read(&host);
        assert_eq!(chosen(&host, &settings), None);

        let buildx = folder.path().join("buildx");
        fs::create_dir_all(buildx.join("instances")).unwrap();
        fs::write(
            buildx.join("current"),
            r#"{"Key":"unix:///var/run/docker.sock","Name":"b1","Global":false}"#,
        )
        .unwrap();
        assert_eq!(chosen(&host, &settings), None);

        fs::write(buildx.join("instances/b1"), "{}").unwrap();
        assert_eq!(chosen(&host, &settings).unwrap().name, "b1");

        let elsewhere = [environment[0], (env_vars::DOCKER_HOST, "tcp://far:2375")];
        let host = Host::with(&elsewhere, folder.path(), jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(chosen(&host, &DockerSettings::read(&host)), None);
    }
}
