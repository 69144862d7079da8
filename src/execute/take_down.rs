//! What a run made, taken away after it: also by the post step, from the run's
//! folder alone.
//!
//! Removes the builders that are noted in that folder and no others, and what
//! the record in it names.

use std::fs;
use std::path::Path;

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::query_parameters::RemoveImageOptions;
use serde::{Deserialize, Serialize};

use super::builder::{PATIENCE, with_settings};
use super::nodes::RETIRED;
use super::{Error, Job, RunFolder, emulation};
use crate::facts::{DockerSettings, find_buildx, words};
use crate::host::{Host, file};
use crate::input::builder::Cleanup;
use crate::plan::{Build, BuilderChoice, Handlers, Plan};

/// What is to be taken away, in the run's folder.
const RECORD: &str = "take-down.json";

/// What outlives the run's folder unless it is taken away, beside builders.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TakeDown {
    /// True when the build cache of builders is kept.
    keep_state: bool,
    /// Handlers that the run has installed.
    pub(super) handlers: Option<Handlers>,
    /// Images in the engine.
    images: Vec<String>,
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
    let all = ["buildx", RETIRED].map(|notes| folder.join(notes));
    let builders = all.iter().flat_map(|notes| {
        let names = builders_in(notes).into_iter();
        names.map(move |name| (notes, name))
    });
    for (notes, name) in builders {
        let keep = record.keep_state.then_some("--keep-state");
        let command = with_settings(buildx, settings, folder, notes.clone())
            .args(["rm"])
            .args(keep)
            .args([&name]);
        let removed = tokio::time::timeout(PATIENCE, command.read(host)).await;
        if let Some(why) = failure(removed) {
            warnings.push(format!(
                "the builder {name} is still there ({why}): remove what it runs in, the container \
                 buildx_buildkit_{name}0 in Docker, or its deployment in Kubernetes"
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
                let names = handlers.architectures.join(",");
                warnings.push(format!(
                    "the emulators for {names} are still there ({why}): \
                     `docker run --rm --privileged {} --uninstall {names}` removes them",
                    handlers.image
                ));
            }
            warnings.extend(remove_images(&docker, &record.images).await);
        }
        Err(error) => warnings.push(unreached(&error)),
    }
    warnings
}

fn unreached(error: &ApiError) -> String {
    format!("the engine was not reached for clean-up: {}", words(error))
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
async fn remove_images(docker: &Docker, images: &[String]) -> Vec<String> {
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
pub fn images_for_post(plan: &Plan, cleanup: Cleanup) -> Vec<String> {
    match cleanup {
        Cleanup::All => tags(plan, |build| build.publication.load),
        Cleanup::Builder | Cleanup::Nothing => Vec::new(),
    }
}

/// The references of some images of a plan.
fn tags(plan: &Plan, which: impl Fn(&&Build) -> bool) -> Vec<String> {
    let builds = plan.builds.iter().filter(which);
    let all = builds.flat_map(|build| build.tags.iter().chain(&build.apart));
    all.cloned().collect()
}

/// Removes images from the engine that the user means, in the post step.
pub async fn remove_images_of_job(host: &Host, images: &[String]) -> Vec<String> {
    match DockerSettings::read(host).endpoint.connect() {
        Ok(docker) => remove_images(&docker, images).await,
        Err(error) => vec![unreached(&error)],
    }
}

impl TakeDown {
    pub(super) fn of(job: &Job<'_>) -> Self {
        let plan = job.plan;
        let all = job.inputs.own_builder.cleanup == Cleanup::All;
        // The engine's own builder leaves in the engine what it pushes, too.
        let leaves = plan.builder.choice == BuilderChoice::Engine;
        Self {
            keep_state: plan.builder.made().is_some_and(|made| made.keeps_state),
            handlers: None,
            images: match all && leaves {
                true => tags(plan, |build| !build.publication.load),
                false => Vec::new(),
            },
        }
    }

    pub(super) fn write(&self, folder: &RunFolder) -> Result<(), Error> {
        let text = serde_json::to_string(self).map_err(std::io::Error::from);
        let written = text.and_then(|text| fs::write(folder.path().join(RECORD), text));
        written.map_err(Error::files(RECORD))
    }

    fn read(folder: &Path) -> Option<Self> {
        let text = file::read_text(&folder.join(RECORD), file::SETTINGS).ok()?;
        serde_json::from_str(&text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
