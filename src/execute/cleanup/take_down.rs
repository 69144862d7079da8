//! What a run made, taken away after it: at its end, or by the post step when it
//! was killed.
//!
//! What goes is never read from the run's folder, into which somebody else may
//! have written by then: while the run lasts it is in memory, and for the post
//! step in the runner's state, which only the run itself can write. The folder
//! has what buildx needs to reach the builder, and is used only when it is ours.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::query_parameters::RemoveImageOptions;
use tracing::info;

use crate::error::sanitize::{WORDS, clean};
use crate::execute::buildx::command::{PATIENCE, with_settings};
use crate::execute::cleanup::unfinished_containers::remove_unfinished;
use crate::execute::cleanup_record::record::CleanupRecord;
use crate::execute::engine::binfmt;
use crate::execute::scope::Scope;
use crate::execute::workdir::run_dir::{NOTES, left_over};
use crate::facts::{DockerSettings, error_chain, find_buildx};
use crate::host::Host;

/// How long the engine may take for one thing that is taken away.
const ENGINE: Duration = Duration::from_secs(20);

/// Takes away what the run made, as far as `cleanup` says. What could not be
/// removed is a warning.
pub async fn take_down(scope: &Scope<'_>) -> Vec<String> {
    let all = scope.record.take_down.borrow().clone();
    let settings = &scope.facts.docker;
    let mut warnings = Vec::new();
    if let (Some(builder), Some(buildx)) = (&all.builder, &scope.facts.buildx) {
        let folder = scope.folder.path();
        warnings = remove_builder(scope.host, settings, buildx, folder, builder, &all).await;
    }
    warnings.extend(clear_engine(settings, &all, &all.images, began(scope.folder.path())).await);
    warnings
}

/// How long ago a run began, by the age of its folder.
fn began(folder: &Path) -> Duration {
    let found = fs::metadata(folder);
    let made = found.and_then(|found| found.created().or_else(|_| found.modified()));
    let age = made.ok().and_then(|made| made.elapsed().ok());
    age.unwrap_or_default()
}

/// The post step: takes away what the job's images are, and all else that a run
/// left which was killed. `state` is what its record kept.
pub async fn post(host: &Host, state: &str) -> Vec<String> {
    let all: CleanupRecord = match serde_json::from_str(state) {
        Ok(all) => all,
        Err(error) => return vec![format!("the state of the step is not readable: {error}")],
    };
    let settings = DockerSettings::read(host);
    let mut warnings = Vec::new();
    let folder = all
        .folder
        .as_deref()
        .map_or(Ok(None), |named| left_over(host, named))
        .unwrap_or_else(|why| {
            warnings.push(why);
            None
        });
    let buildx = find_buildx(host, &settings);
    if let (Some(folder), Some(buildx), Some(builder)) = (&folder, buildx, &all.builder) {
        let removed = remove_builder(host, &settings, &buildx, folder, builder, &all);
        warnings.extend(removed.await);
    }
    let images = [all.images.as_slice(), &all.images_of_job].concat();
    let began = folder.as_deref().map(began).unwrap_or_default();
    warnings.extend(clear_engine(&settings, &all, &images, began).await);
    if let Some(folder) = folder {
        let path = folder.display();
        match fs::remove_dir_all(&folder) {
            Ok(()) => info!("removed {path}, which the step left behind when it was ended"),
            Err(error) => warnings.push(format!("{path} is still there: {error}")),
        }
    }
    warnings
}

/// Removes the run's builder with buildx's notes of it in the run's folder.
async fn remove_builder(
    host: &Host,
    settings: &DockerSettings,
    buildx: &Path,
    folder: &Path,
    name: &str,
    all: &CleanupRecord,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let notes = NOTES.map(|notes| folder.join(notes));
    for notes in notes.into_iter().filter(|notes| has_builder(notes, name)) {
        let keep = all.keep_state.then_some("--keep-state");
        let command = with_settings(buildx, settings, folder, notes)
            .args(["rm"])
            .args(keep)
            .args([name]);
        let removed = tokio::time::timeout(PATIENCE, command.read(host)).await;
        if let Some(why) = failure(removed) {
            warnings.push(format!(
                "the builder {name} is still there ({why}): remove what it runs in, the container \
                 buildx_buildkit_{name}0 and the volume buildx_buildkit_{name}0_state in Docker, or \
                 its deployment in Kubernetes"
            ));
        }
    }
    warnings
}

/// Takes away what was being made when the run ended, handlers and images, where
/// there are any.
async fn clear_engine(
    settings: &DockerSettings,
    all: &CleanupRecord,
    images: &[String],
    began: Duration,
) -> Vec<String> {
    let CleanupRecord { handlers, boot, .. } = all;
    if handlers.is_none() && boot.is_none() && images.is_empty() {
        return Vec::new();
    }
    let docker = match settings.endpoint.connect() {
        Ok(docker) => docker.with_timeout(ENGINE),
        Err(error) => {
            let why = error_chain(&error);
            return vec![format!("the engine was not reached for clean-up: {why}")];
        }
    };
    let mut warnings = Vec::new();
    if let Some(boot) = boot
        && let Err(error) = remove_unfinished(&docker, boot, began, all.keep_state).await
    {
        warnings.push(format!(
            "a container of the builder may be left in the engine ({}): `docker ps --all` shows it",
            error_chain(&error)
        ));
    }
    if let Some(handlers) = handlers
        && let Err(why) = binfmt::uninstall(handlers, &docker).await
    {
        let names = handlers.architectures.join(",");
        warnings.push(format!(
            "the emulators for {names} are still there ({why}): \
             `docker run --rm --privileged {} --uninstall {names}` removes them",
            handlers.image
        ));
    }
    warnings.extend(remove_images(&docker, images).await);
    warnings
}

fn failure(
    removed: Result<std::io::Result<String>, tokio::time::error::Elapsed>,
) -> Option<String> {
    match removed {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(clean(&error.to_string(), WORDS)),
        Err(_) => Some(format!("buildx took longer than {} s", PATIENCE.as_secs())),
    }
}

/// Whether there is a builder of this name in a folder of buildx's.
fn has_builder(notes: &Path, builder: &str) -> bool {
    notes.join("instances").join(builder).is_file()
}

/// Removes the names of images from the engine, and the images with their last
/// name. What is not there is no error.
async fn remove_images(docker: &Docker, images: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    for image in images {
        let removed = docker.remove_image(image, None::<RemoveImageOptions>, None);
        match removed.await {
            Ok(_)
            | Err(ApiError::DockerResponseServerError {
                status_code: 404, ..
            }) => {}
            Err(error) => warnings.push(format!(
                "{image} is still in the engine: {}",
                error_chain(&error)
            )),
        }
    }
    warnings
}
