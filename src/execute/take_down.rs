//! What a run made, taken away after it: at its end, or by the post step when it
//! was killed.
//!
//! What goes is never read from the run's folder, into which somebody else may
//! have written by then: while the run lasts it is in memory, and for the post
//! step in the runner's state, which only the run itself can write. The folder
//! has what buildx needs to reach the builder, and is used only when it is ours.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error as ApiError;
use bollard::query_parameters::RemoveImageOptions;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::builder::{PATIENCE, with_settings};
use super::folder::{NOTES, left_over};
use super::sweep::{Boot, sweep};
use super::{Error, Job, RunFolder, emulation};
use crate::env_vars;
use crate::error::sanitize::{WORDS, clean};
use crate::facts::{DockerSettings, find_buildx, words};
use crate::host::Host;
use crate::input::builder::Cleanup;
use crate::plan::{Build, BuilderChoice, Handlers, Plan};

/// How long the engine may take for one thing that is taken away.
const ENGINE: Duration = Duration::from_secs(20);

/// What is to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TakeDown {
    /// The run's folder.
    folder: Option<PathBuf>,
    /// The builder that the run makes.
    builder: Option<String>,
    /// True when the build cache of the builder is kept.
    keep_state: bool,
    /// Handlers that the run has installed.
    handlers: Option<Handlers>,
    /// Images that the build leaves in the engine.
    images: Vec<String>,
    /// Images in the engine that a later step may use, and that go with the job.
    images_of_job: Vec<String>,
    /// Containers that are being made.
    boot: Option<Boot>,
}

/// Keeps the state for the post step.
type Keep<'a> = dyn Fn(&str) -> io::Result<()> + 'a;

/// What a run has to take away, told to the post step before it is there.
pub struct Record<'a> {
    take_down: RefCell<TakeDown>,
    keep: &'a Keep<'a>,
}

impl<'a> Record<'a> {
    /// Begins the record with all that the plan knows.
    ///
    /// # Errors
    /// When `keep`, which keeps it for the post step, fails.
    pub fn begin(plan: &Plan, folder: &RunFolder, keep: &'a Keep<'a>) -> io::Result<Self> {
        let made = plan.builder.made().filter(|made| !made.stays);
        let all = plan.cleanup == Cleanup::All;
        // The engine's own builder leaves in the engine what it pushes, too.
        let leaves = all && plan.builder.choice == BuilderChoice::Engine;
        let images = |are_kept: bool, which: fn(&Build) -> bool| {
            if are_kept {
                tags(plan, which)
            } else {
                Vec::new()
            }
        };
        let take_down = TakeDown {
            folder: Some(folder.path().to_owned()),
            // As buildx spells it.
            builder: made.map(|made| made.name.to_ascii_lowercase()),
            keep_state: made.is_some_and(|made| made.keeps_state),
            handlers: None,
            images: images(leaves, |build| !build.publication.load),
            images_of_job: images(all, |build| build.publication.load),
            boot: None,
        };
        let record = Self {
            take_down: RefCell::new(take_down),
            keep,
        };
        record.keep()?;
        Ok(record)
    }

    /// Adds handlers that the run has installed.
    pub(super) fn add_handlers(&self, handlers: Handlers) -> Result<(), Error> {
        self.take_down.borrow_mut().handlers = Some(handlers);
        self.keep().map_err(Error::files(env_vars::GITHUB_STATE))
    }

    /// Adds containers that are about to be made.
    pub(super) fn add_boot(&self, boot: Boot) -> Result<(), Error> {
        self.take_down.borrow_mut().boot = Some(boot);
        self.keep().map_err(Error::files(env_vars::GITHUB_STATE))
    }

    /// The containers were made, or could not be: nobody works on them any more.
    pub(super) fn end_boot(&self) -> Result<(), Error> {
        if self.take_down.borrow_mut().boot.take().is_none() {
            return Ok(());
        }
        self.keep().map_err(Error::files(env_vars::GITHUB_STATE))
    }

    /// Leaves to the post step only what goes with the job, since the run has
    /// taken the rest away.
    ///
    /// # Errors
    /// As [`Record::begin`].
    pub fn end(self) -> io::Result<()> {
        let left = TakeDown {
            images_of_job: self.take_down.take().images_of_job,
            ..TakeDown::default()
        };
        self.take_down.replace(left);
        self.keep()
    }

    fn keep(&self) -> io::Result<()> {
        (self.keep)(&serde_json::to_string(&*self.take_down.borrow())?)
    }
}

/// The references of some images of a plan.
fn tags(plan: &Plan, which: fn(&Build) -> bool) -> Vec<String> {
    let builds = plan.builds.iter().filter(|build| which(build));
    let all = builds.flat_map(|build| build.tags.iter().chain(&build.apart));
    all.cloned().collect()
}

/// Takes away what the run made, as far as `cleanup` says. What could not be
/// removed is a warning.
pub(super) async fn take_down(job: &Job<'_>) -> Vec<String> {
    let all = job.record.take_down.borrow().clone();
    let settings = &job.facts.docker;
    let mut warnings = Vec::new();
    if let (Some(builder), Some(buildx)) = (&all.builder, &job.facts.buildx) {
        let folder = job.folder.path();
        warnings = remove_builder(job.host, settings, buildx, folder, builder, &all).await;
    }
    warnings.extend(clear_engine(settings, &all, &all.images, began(job.folder.path())).await);
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
    let all: TakeDown = match serde_json::from_str(state) {
        Ok(all) => all,
        Err(error) => return vec![format!("the state of the step is not readable: {error}")],
    };
    let settings = DockerSettings::read(host);
    let mut warnings = Vec::new();
    let folder = all.folder.as_deref();
    let folder = folder.map_or(Ok(None), |named| left_over(host, named));
    let folder = folder.unwrap_or_else(|why| {
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
    all: &TakeDown,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let notes = NOTES.map(|notes| folder.join(notes));
    for notes in notes.into_iter().filter(|notes| knows(notes, name)) {
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
    all: &TakeDown,
    images: &[String],
    began: Duration,
) -> Vec<String> {
    let TakeDown { handlers, boot, .. } = all;
    if handlers.is_none() && boot.is_none() && images.is_empty() {
        return Vec::new();
    }
    let docker = match settings.endpoint.connect() {
        Ok(docker) => docker.with_timeout(ENGINE),
        Err(error) => {
            let why = words(&error);
            return vec![format!("the engine was not reached for clean-up: {why}")];
        }
    };
    let mut warnings = Vec::new();
    if let Some(boot) = boot
        && let Err(error) = sweep(&docker, boot, began, all.keep_state).await
    {
        warnings.push(format!(
            "a container of the builder may be left in the engine ({}): `docker ps --all` shows it",
            words(&error)
        ));
    }
    if let Some(handlers) = handlers
        && let Err(why) = emulation::uninstall(handlers, &docker).await
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
fn knows(notes: &Path, builder: &str) -> bool {
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
            Err(error) => {
                warnings.push(format!("{image} is still in the engine: {}", words(&error)))
            }
        }
    }
    warnings
}
