//! The builder of the run and its emulators: made before the build, taken away
//! after it.
//!
//! buildx's notes of a builder that the run makes are in the run's folder, so
//! that what is there is what the run made: whoever finds the folder, the end of
//! the run or the post step, removes those builders and no others.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::query_parameters::RemoveImageOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tracing::info;

use super::{Error, Job, RunFolder, build, context, emulation};
use crate::facts::{DockerSettings, Facts, find_buildx, words};
use crate::host::{Command, Host, Progress, Signals};
use crate::image::Platform;
use crate::input::builder::{Cleanup, DaemonConfig};
use crate::plan::{
    Builder, BuilderChoice, CONTAINERD_DOCS, CONTEXT, Created, EmulationStep, Handlers, Plan,
    RunFiles, cannot_run, config_file, tls_file,
};
use crate::secret::Secret;

/// How long buildx may take to tell what a builder runs, or to remove one.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is to be taken away, in the run's folder.
const RECORD: &str = "take-down.json";
/// The configuration that buildx looks for in its own folder.
const DEFAULT_CONFIG: &str = "buildx/buildkitd.default.toml";

/// What outlives the run's folder unless it is taken away, beside builders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TakeDown {
    /// True when the build cache of builders is kept.
    keep_state: bool,
    /// Handlers that the run has installed.
    handlers: Option<Handlers>,
    /// Images in the engine.
    images: Vec<String>,
}

/// buildx with the run's own configuration. A builder that stays after the run,
/// or was there before, is noted where the user's steps look for it.
pub(super) fn command(
    buildx: &Path,
    builder: &Builder,
    facts: &Facts,
    host: &Host,
    files: &RunFiles,
) -> Command {
    let folder = match &builder.choice {
        BuilderChoice::Named(_) => facts.docker.buildx_folder(host),
        BuilderChoice::Created(made) if made.stays => facts.docker.buildx_folder(host),
        BuilderChoice::Engine | BuilderChoice::Created(_) => files.folder.join("buildx"),
    };
    with_settings(buildx, &facts.docker, &files.folder, folder)
}

fn with_settings(buildx: &Path, settings: &DockerSettings, run: &Path, notes: PathBuf) -> Command {
    use crate::vars;
    let mut command = Command::new(buildx)
        .env(vars::DOCKER_CONFIG, run.join("docker"))
        .env(vars::BUILDX_CONFIG, notes)
        // Arguments say which builder is meant; without, it is the engine's own.
        .env(vars::BUILDX_BUILDER, "");
    for (name, value) in settings.endpoint_environment() {
        command = command.env(name, value);
    }
    command
}

/// Makes the builder and installs emulators, as the plan says. What is to be
/// taken away is recorded before it is there.
pub(super) async fn set_up(
    job: &Job<'_>,
    buildx: &Path,
    config: &Map<String, Value>,
    progress: &mut Progress<'_>,
    signals: &mut Signals,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let plan = job.plan;
    let mut record = TakeDown::of(job);
    record.write(job.folder)?;
    let base = command(
        buildx,
        &plan.builder,
        job.facts,
        job.host,
        &job.folder.files(),
    );
    let mut said = None;
    if let Some(made) = plan.builder.made() {
        write_files(job)?;
        said = make(job, made, &base, progress, signals).await?;
    }
    let handlers = match &plan.emulation.step {
        EmulationStep::Install(handlers) => Some(handlers.clone()),
        EmulationStep::Ask(handlers) => {
            if said.is_none() && plan.builder.made().is_none() {
                said = ask(&base, plan.builder.name(), job.host, signals).await?;
            }
            lacking(plan, handlers.as_ref(), said.as_deref(), warnings)
        }
        EmulationStep::NotNeeded | EmulationStep::Present | EmulationStep::Refused => None,
    };
    if let Some(handlers) = handlers {
        let done = emulation::install(&handlers, job.facts, config, job.host, signals).await?;
        if job.inputs.own_builder.cleanup == Cleanup::All && !done.architectures.is_empty() {
            record.handlers = Some(done);
            record.write(job.folder)?;
        }
    }
    Ok(())
}

/// Runs the commands that make a builder; what the last of them said.
async fn make(
    job: &Job<'_>,
    made: &Created,
    base: &Command,
    progress: &mut Progress<'_>,
    signals: &mut Signals,
) -> Result<Option<String>, Error> {
    let mut said = None;
    for one in &made.commands {
        let command = base.clone().args(one.arguments(&job.folder.files()));
        let finished = command.run(job.host, progress.again(), signals).await;
        let finished = finished.map_err(|source| Error::Start {
            program: command.program.display().to_string(),
            source,
        })?;
        if let Some(signal) = finished.interrupted {
            return Err(Error::Cancelled(signal));
        }
        if !finished.success {
            let tail = finished.tail.as_deref();
            return Err(Error::Builder {
                name: made.name.clone(),
                driver: made.driver.to_string(),
                message: tail.map_or_else(|| "its words are above".to_owned(), build::last_words),
                advice: advice(made),
            });
        }
        said = finished.tail;
    }
    Ok(said)
}

/// The one thing to look at when a builder could not be made.
fn advice(made: &Created) -> String {
    use crate::input::builder::Driver;
    match made.driver {
        Driver::Docker | Driver::DockerContainer => format!(
            "It needs an engine that can pull and start the image moby/buildkit; with the \
             containerd image store the engine can do without ({CONTAINERD_DOCS})"
        ),
        Driver::Kubernetes => "Look at what KUBECONFIG names, and whether its user may create \
                               deployments in the namespace of `driver-opts`"
            .to_owned(),
        Driver::Remote => "Look whether BuildKit listens at `endpoint`, and which certificates it \
                           asks for (BUILDER_NODE_0_AUTH_TLS_CACERT, …_CERT, …_KEY)"
            .to_owned(),
    }
}

/// The files that the commands name, and the user's defaults for buildkitd.
fn write_files(job: &Job<'_>) -> Result<(), Error> {
    let own = &job.inputs.own_builder;
    if let Some(DaemonConfig::Text(text)) = &own.config {
        super::write(job.folder, config_file(), &mut text.clone())?;
    }
    for (index, node) in own.nodes().enumerate() {
        for (what, secret) in [
            ("cacert", &node.tls.authority),
            ("cert", &node.tls.certificate),
            ("key", &node.tls.key),
        ] {
            if let Some(text) = secret.as_ref().map(Secret::expose) {
                super::write(job.folder, &tls_file(index, what), &mut text.to_owned())?;
            }
        }
    }
    if job
        .plan
        .builder
        .made()
        .is_some_and(|made| made.needs_context)
    {
        let written = context::write(job.folder, CONTEXT, &job.facts.docker.endpoint);
        written.map_err(|source| Error::Files {
            what: "docker/contexts".to_owned(),
            source,
        })?;
    }
    match &job.facts.builder.default_config {
        Some(file) => job
            .folder
            .link(file, DEFAULT_CONFIG)
            .map_err(|source| Error::Files {
                what: DEFAULT_CONFIG.to_owned(),
                source,
            }),
        None => Ok(()),
    }
}

/// What a builder says of itself; `None` when it does not, which the build will
/// tell better.
async fn ask(
    base: &Command,
    name: Option<&str>,
    host: &Host,
    signals: &mut Signals,
) -> Result<Option<String>, Error> {
    let command = base.clone().args(["inspect"]).args(name);
    tokio::select! {
        said = tokio::time::timeout(PATIENCE, command.read(host)) => Ok(said.ok().and_then(Result::ok)),
        signal = signals.next() => Err(Error::Cancelled(signal)),
    }
}

/// The handlers that are lacking by what the builder said of itself.
fn lacking(
    plan: &Plan,
    handlers: Option<&Handlers>,
    said: Option<&str>,
    warnings: &mut Vec<String>,
) -> Option<Handlers> {
    let emulation = &plan.emulation;
    let runs = said.map(platforms_of).filter(|runs| !runs.is_empty())?;
    let lacking = emulation.platforms.iter().filter(|one| !runs.contains(one));
    let lacking: Vec<&Platform> = lacking.collect();
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
fn platforms_of(said: &str) -> Vec<Platform> {
    let lines = said
        .lines()
        .filter_map(|line| line.strip_prefix("Platforms:"));
    let names = lines.flat_map(|line| line.split(','));
    let plain = names.map(|name| name.trim().trim_end_matches('*'));
    plain.filter_map(|name| name.parse().ok()).collect()
}

/// Takes away what the run made, as far as `cleanup` says. What could not be
/// removed is a warning.
pub(super) async fn take_down(job: &Job<'_>) -> Vec<String> {
    let Some(buildx) = &job.facts.buildx else {
        return Vec::new();
    };
    by_record(job.host, &job.facts.docker, buildx, job.folder.path()).await
}

/// The same for a run that was killed: by its folder alone.
pub async fn take_down_left_over(host: &Host, folder: &Path) -> Vec<String> {
    let settings = DockerSettings::read(host);
    match find_buildx(host, &settings) {
        Some(buildx) => by_record(host, &settings, &buildx, folder).await,
        None => Vec::new(),
    }
}

async fn by_record(
    host: &Host,
    settings: &DockerSettings,
    buildx: &Path,
    folder: &Path,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let Some(record) = TakeDown::read(folder) else {
        return warnings;
    };
    let notes = folder.join("buildx");
    for name in builders_in(&notes) {
        let keep = record.keep_state.then_some("--keep-state");
        let command = with_settings(buildx, settings, folder, notes.clone())
            .args(["rm"])
            .args(keep)
            .args([&name]);
        let removed = tokio::time::timeout(PATIENCE, command.read(host)).await;
        if let Some(why) = failure(removed) {
            warnings.push(format!(
                "the builder {name} is still there ({why}): `docker rm --force buildx_buildkit_{name}0` \
                 removes its container"
            ));
        }
    }
    if record.handlers.is_none() && record.images.is_empty() {
        return warnings;
    }
    match settings.endpoint.connect() {
        Ok(docker) => {
            if let Some(handlers) = &record.handlers
                && let Err(why) = emulation::uninstall(handlers, &docker).await
            {
                let names = handlers.architectures.join(", ");
                warnings.push(format!("the emulators for {names} are still there: {why}"));
            }
            warnings.extend(remove_images(&docker, &record.images).await);
        }
        Err(error) => warnings.push(format!("the engine was not reached for clean-up: {error}")),
    }
    warnings
}

fn failure(
    removed: Result<std::io::Result<String>, tokio::time::error::Elapsed>,
) -> Option<String> {
    match removed {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("buildx took longer than {} s", PATIENCE.as_secs())),
    }
}

/// The builders that are noted in a folder of buildx's.
fn builders_in(notes: &Path) -> Vec<String> {
    let entries = fs::read_dir(notes.join("instances"));
    let entries = entries.into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Removes the names of images from the engine, and the images with their last
/// name. What is not there is no error.
pub(super) async fn remove_images(docker: &Docker, images: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    for image in images {
        let removed = docker.remove_image(image, None::<RemoveImageOptions>, None);
        match removed.await {
            Ok(_)
            | Err(ApiError::DockerResponseServerError {
                status_code: 404, ..
            }) => {}
            Err(error) => {
                warnings.push(format!("{image} is still in the engine: {}", words(&error)))
            }
        }
    }
    warnings
}

/// The images that a later step may use, and that go with the job.
pub fn images_for_post(plan: &Plan, cleanup: Cleanup) -> &[String] {
    match cleanup {
        Cleanup::All if plan.publication.load => &plan.tags,
        Cleanup::All | Cleanup::Builder | Cleanup::Nothing => &[],
    }
}

/// Removes images from the engine that the user means, in the post step.
pub async fn remove_images_of_job(host: &Host, images: &[String]) -> Vec<String> {
    match DockerSettings::read(host).endpoint.connect() {
        Ok(docker) => remove_images(&docker, images).await,
        Err(error) => vec![format!("the engine was not reached for clean-up: {error}")],
    }
}

impl TakeDown {
    fn of(job: &Job<'_>) -> Self {
        let plan = job.plan;
        let all = job.inputs.own_builder.cleanup == Cleanup::All;
        // The engine's own builder leaves in the engine what it pushes, too.
        let leaves = plan.builder.choice == BuilderChoice::Engine && !plan.publication.load;
        Self {
            keep_state: plan.builder.made().is_some_and(|made| made.keeps_state),
            handlers: None,
            images: match all && leaves {
                true => plan.tags.clone(),
                false => Vec::new(),
            },
        }
    }

    fn write(&self, folder: &RunFolder) -> Result<(), Error> {
        let text = serde_json::to_string(self).map_err(std::io::Error::from);
        let written = text.and_then(|text| fs::write(folder.path().join(RECORD), text));
        written.map_err(|source| Error::Files {
            what: RECORD.to_owned(),
            source,
        })
    }

    fn read(folder: &Path) -> Option<Self> {
        let text = fs::read_to_string(folder.join(RECORD)).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_of_all_nodes_are_read() {
        let said = "Name:  b\nDriver: remote\n\nNodes:\nName: b0\nPlatforms:        linux/amd64*, linux/386\n\nName: b1\nPlatforms: linux/arm64, linux/arm/v7\nLabels:\n x: y\n";
        let names: Vec<String> = platforms_of(said).iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["linux/amd64", "linux/386", "linux/arm64", "linux/arm/v7"]
        );
    }

    #[test]
    fn only_builders_of_the_runs_own_folder_are_found() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(builders_in(folder.path()), Vec::<String>::new());
        fs::create_dir_all(folder.path().join("instances")).unwrap();
        fs::write(folder.path().join("instances/b"), "{}").unwrap();
        fs::write(folder.path().join("current"), "{}").unwrap();
        assert_eq!(builders_in(folder.path()), ["b"]);
    }
}
