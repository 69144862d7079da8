//! buildx, with the run's own configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::env_vars;
use crate::execute::scope::Scope;
use crate::execute::workdir::authorities;
use crate::facts::{DockerSettings, Facts};
use crate::host::{Command, Host};
use crate::input::BuildChecks;
use crate::plan::{Builder, BuilderChoice, BuildxVariable, RunFiles, Source};

/// buildx with the run's own configuration. A builder that stays after the run,
/// or was there before, is noted where the user's steps look for it.
pub fn command(
    buildx: &Path,
    builder: &Builder,
    facts: &Facts,
    host: &Host,
    files: &RunFiles,
) -> Command {
    let folder = notes(builder, facts, host, &files.folder);
    let command = with_settings(buildx, &facts.docker, &files.folder, folder);
    if facts.cache.is_untold_version_2 {
        command.env(env_vars::ACTIONS_CACHE_SERVICE_V2, "true")
    } else {
        command
    }
}

/// Where buildx notes the builder down.
pub fn notes(builder: &Builder, facts: &Facts, host: &Host, run: &Path) -> PathBuf {
    match &builder.choice {
        BuilderChoice::Named(_) => facts.docker.buildx_folder(host),
        BuilderChoice::Created(made) if made.stays => facts.docker.buildx_folder(host),
        BuilderChoice::Engine | BuilderChoice::Created(_) => run.join("buildx"),
    }
}

/// buildx with the Docker configuration of a run, and builders of this folder.
pub fn with_settings(
    buildx: &Path,
    settings: &DockerSettings,
    run: &Path,
    notes: PathBuf,
) -> Command {
    let mut command = Command::new(buildx)
        .env(env_vars::DOCKER_CONFIG, run.join("docker"))
        .env(env_vars::BUILDX_CONFIG, notes)
        // Arguments say which builder is meant; without, it is the engine's own.
        .env(env_vars::BUILDX_BUILDER, "");
    for (name, value) in settings.endpoint_environment() {
        command = command.env(name, value);
    }
    authorities::trusting(command, run)
}

pub fn base(scope: &Scope<'_>, buildx: &Path) -> Command {
    let files = scope.folder.files();
    command(buildx, &scope.plan.builder, scope.facts, scope.host, &files)
}

/// The buildx that builds: with what is only for it, as the plan says.
pub fn building(scope: &Scope<'_>, buildx: &Path) -> Command {
    let mut command = base(scope, buildx);
    // What tells its progress as JSON has them there.
    if scope.plan.checks != BuildChecks::Off && !scope.plan.display.is_typed {
        command = command.env(env_vars::BUILDX_METADATA_WARNINGS, "true");
    }
    for BuildxVariable { variable, from } in &scope.plan.variables {
        let value = match from {
            Source::Runner => scope.host.var(variable).map(str::to_owned),
            Source::Cache { kind, attribute } => scope.secrets.cache_attribute(kind, attribute),
        };
        if let Some(value) = value {
            command = command.env(variable, value);
        }
    }
    command
}

/// How long buildx may take to tell what a builder runs, or to remove one.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing;

    #[test]
    fn buildx_is_told_the_version_of_the_cache_service_where_nothing_else_says_it() {
        let host = Host::with(&[], Path::new("/nowhere"), jiff::Timestamp::UNIX_EPOCH);
        let inputs = testing::inputs(&[]);
        let mut facts = testing::facts(&inputs, "FROM scratch\n");
        let builder = Builder {
            choice: BuilderChoice::Engine,
            reason: String::new(),
        };
        let files = RunFiles {
            folder: "/run".into(),
        };
        for is_untold in [true, false] {
            facts.cache.is_untold_version_2 = is_untold;
            let command = command(Path::new("buildx"), &builder, &facts, &host, &files);
            let variable = (env_vars::ACTIONS_CACHE_SERVICE_V2.to_owned(), "true".into());
            assert_eq!(command.environment.contains(&variable), is_untold);
        }
    }
}
