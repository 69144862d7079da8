//! The builder of the run and its emulators, made before the build.
//!
//! buildx's notes of a builder that the run makes are in the run's folder, so
//! that what is there is what the run made.

use std::path::Path;

use tracing::info;

use crate::execute::builder::boot::{self, StopRequest};
use crate::execute::builder::failure::not_made;
use crate::execute::builder::node_set::Nodes;
use crate::execute::buildx::command::{PATIENCE, base};
use crate::execute::buildx::{inspect, last_words};
use crate::execute::cleanup_record::containers::Boot;
use crate::execute::engine::binfmt;
use crate::execute::error::Error;
use crate::execute::outcome::BuilderState;
use crate::execute::scope::Scope;
use crate::execute::workdir::{authorities, docker_context};
use crate::host::{Command, CommandResult, Host, Progress};
use crate::image::Platform;
use crate::input::builder::{Cleanup, Driver};
use crate::plan::{
    BuilderChoice, CONTEXT, EmulationStep, Handlers, NewBuilder, Plan, cannot_run, tls_file,
};
use crate::registry::Credentials;

/// The configuration that buildx looks for in its own folder.
const DEFAULT_CONFIG: &str = "buildx/buildkitd.default.toml";

/// Makes the builder, as the plan says; gives what became of it. It is on record
/// before it is there, so this may be dropped at any time.
pub async fn set_up(
    scope: &Scope<'_>,
    buildx: &Path,
    progress: &mut Progress<'_>,
    stops: StopRequest<'_>,
) -> Result<BuilderState, Error> {
    let Some(made) = scope.plan.builder.made() else {
        return Ok(BuilderState::default());
    };
    write_files(scope)?;
    let base = base(scope, buildx);
    if made.nodes.len() > 1 {
        let nodes = Nodes { scope, made, base };
        return nodes.make(progress.reborrow(), stops).await;
    }
    let inspected = make(scope, made, &base, progress, stops).await?;
    Ok(BuilderState {
        inspected,
        ..BuilderState::default()
    })
}

/// Installs emulators, as the plan says and where the builder, in what it `inspect_builder`
/// of itself or is asked for, has none.
pub async fn emulate(
    scope: &Scope<'_>,
    buildx: &Path,
    credentials: &Credentials,
    mut inspected: Option<String>,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let plan = scope.plan;
    let handlers = match &plan.emulation.step {
        EmulationStep::Install(handlers) => Some(handlers.clone()),
        EmulationStep::Ask(handlers) => {
            if inspected.is_none() && plan.builder.made().is_none() {
                let base = base(scope, buildx);
                inspected = inspect(&base, plan.builder.name(), scope.host).await?;
            }
            missing_handlers(plan, handlers.as_ref(), inspected.as_deref(), warnings)
        }
        EmulationStep::NotNeeded
        | EmulationStep::Present
        | EmulationStep::Refused
        | EmulationStep::NotLookedAt => None,
    };
    match handlers {
        Some(handlers) => install(scope, credentials, handlers, warnings).await,
        None => Ok(()),
    }
}

async fn install(
    scope: &Scope<'_>,
    credentials: &Credentials,
    handlers: Handlers,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let done = binfmt::install(&handlers, scope.facts, credentials, scope.host).await?;
    if !scope.plan.emulation.is_forced && !done.there.is_empty() {
        warnings.push(unusable_handlers(&done.there, &handlers.image));
    }
    if scope.plan.cleanup == Cleanup::All && !done.new.is_empty() {
        scope.record.add_handlers(Handlers {
            image: done.image,
            architectures: done.new,
        })?;
    }
    Ok(())
}

/// Handlers that are in the way: they were looked for, and did not count.
fn unusable_handlers(architectures: &[String], image: &str) -> String {
    let names = architectures.join(",");
    format!(
        "the kernel has handlers for {names} that containers cannot use, since they lack the flag \
         F or are disabled; `docker run --rm --privileged {image} --uninstall {names}` takes them \
         away, and the next run installs others"
    )
}

/// Runs the commands that make a builder; what the last of them said.
async fn make(
    scope: &Scope<'_>,
    made: &NewBuilder,
    base: &Command,
    progress: &mut Progress<'_>,
    stops: StopRequest<'_>,
) -> Result<Option<String>, Error> {
    let mut inspected = None;
    for (place, one) in made.commands.iter().enumerate() {
        let command = base.clone().args(one.arguments(&scope.folder.files()));
        let starts = place + 1 == made.commands.len() && made.driver != Driver::Remote;
        let finished = run(scope, made, command, starts, progress.reborrow(), stops).await?;
        if !finished.success {
            let printed = finished.tail.as_deref().unwrap_or_default();
            return Err(not_made(made, last_words::failure_text(&finished), printed));
        }
        inspected = finished.tail;
    }
    log_nodes(inspected.as_deref().unwrap_or_default());
    Ok(inspected)
}

/// Runs one of the commands that make a builder. One that `starts` nodes is not
/// broken off halfway; what it may leave is recorded.
pub async fn run(
    scope: &Scope<'_>,
    made: &NewBuilder,
    command: Command,
    starts: bool,
    progress: Progress<'_>,
    stops: StopRequest<'_>,
) -> Result<CommandResult, Error> {
    // What buildx tells of a builder is many lines.
    let command = command.keeping_output();
    if !starts {
        return boot::run(&command, progress, stops).await;
    }
    if made.needs_engine {
        scope.record.add_boot(Boot::of(made))?;
    }
    let (finished, is_whole) = boot::run_patiently(&command, progress, stops).await;
    if is_whole {
        scope.record.end_boot()?;
    }
    finished
}

/// What the nodes of a builder run, a line for each.
pub fn log_nodes(inspected: &str) {
    for node in inspect::nodes(inspected).iter().filter(|node| node.is_up()) {
        info!("{node}");
    }
}

/// The files that the commands name, and the user's defaults for buildkitd.
fn write_files(scope: &Scope<'_>) -> Result<(), Error> {
    for (index, what, secret) in scope.secrets.node_certificates() {
        let text = &mut secret.expose().to_owned();
        crate::execute::workdir::secret_file::write(scope.folder, &tls_file(index, what), text)?;
    }
    if let Some(made) = scope.plan.builder.made() {
        let given = scope.secrets.buildkitd_config();
        let default_config = scope.facts.builder.default_config.as_deref();
        authorities::write_configurations(scope.folder, given, default_config, made)?;
    }
    let made = scope.plan.builder.made();
    if made.is_some_and(|made| made.needs_context) {
        let written = docker_context::write(scope.folder, CONTEXT, &scope.facts.docker.endpoint);
        written.map_err(Error::files("docker/contexts"))?;
    }
    match &scope.facts.builder.default_config {
        Some(file) => {
            let linked = scope.folder.link(file, DEFAULT_CONFIG);
            linked.map_err(Error::files(DEFAULT_CONFIG))
        }
        None => Ok(()),
    }
}

/// Stops a builder that is stuck, where its driver lets us: the next build starts
/// it again, with the cache that it has.
///
/// # Errors
/// When a signal ends the run.
pub async fn restart_builder(scope: &Scope<'_>, base: &Command) -> Result<(), Error> {
    let (name, driver) = match &scope.plan.builder.choice {
        BuilderChoice::Created(made) => (made.name.as_str(), Some(made.driver.as_str())),
        BuilderChoice::Named(name) => (name.as_str(), scope.facts.builder.driver_of(name)),
        BuilderChoice::Engine => return Ok(()),
    };
    if driver != Some(Driver::DockerContainer.as_str()) {
        return Ok(());
    }
    info!("restarting the builder {name}, which waits for a cache");
    let command = base.clone().args(["stop", name]);
    // Where it does not stop, the build says so.
    let stop = tokio::time::timeout(PATIENCE, command.read(scope.host));
    let _ = scope.host.unless_cancelled(stop).await?;
    Ok(())
}

/// What a builder says of itself; `None` when it does not, which the build will
/// tell better.
async fn inspect(base: &Command, name: Option<&str>, host: &Host) -> Result<Option<String>, Error> {
    let command = base.clone().args(["inspect"]).args(name);
    let inspect = tokio::time::timeout(PATIENCE, command.read(host));
    let inspected = host.unless_cancelled(inspect).await?;
    Ok(inspected.ok().and_then(Result::ok))
}

/// The handlers that are lacking by what the builder said of itself.
fn missing_handlers(
    plan: &Plan,
    handlers: Option<&Handlers>,
    inspected: Option<&str>,
    warnings: &mut Vec<String>,
) -> Option<Handlers> {
    let emulation = &plan.emulation;
    let runs = inspected
        .map(platforms_of)
        .filter(|runs| !runs.is_empty())?;
    let lacking: Vec<&Platform> = emulation
        .platforms
        .iter()
        .filter(|one| !runs.contains(one))
        .collect();
    if lacking.is_empty() {
        info!("the builder says that it runs {}", emulation.names());
        return None;
    }
    if let Some(handlers) = handlers {
        return Some(Handlers::of(&handlers.image, lacking));
    }
    let names: Vec<String> = lacking.iter().map(ToString::to_string).collect();
    warnings.push(cannot_run(
        &names.join(", "),
        "no node of the builder runs it",
    ));
    None
}

/// The platforms of all nodes, in what `buildx inspect` prints.
fn platforms_of(inspected: &str) -> Vec<Platform> {
    let lines = inspected
        .lines()
        .filter_map(|line| line.strip_prefix("Platforms:"));
    lines.flat_map(inspect::platforms).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_of_all_nodes_are_read() {
        let inspected = "Name:  b\nDriver: remote\n\nNodes:\nName: b0\nPlatforms:        linux/amd64*, linux/386\n\nName: b1\nPlatforms: linux/arm64, linux/arm/v7\nLabels:\n x: y\n";
        let names: Vec<String> = platforms_of(inspected)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            names,
            ["linux/amd64", "linux/386", "linux/arm64", "linux/arm/v7"]
        );
    }
}
