//! Carries the plan out: preflight, login, builder, build, push, verification,
//! in this order.
//!
//! Owns the run's folder (everything that must not outlive the run is in it)
//! and [`Outcome`]. Decides nothing: what to do is in the plan.

mod boot;
mod build;
mod builder;
mod cache;
mod cache_service;
mod context;
mod copy;
mod docker_config;
mod emulation;
mod engine_login;
mod error;
mod folder;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod images;
mod imports;
mod inspected;
mod lines;
mod local_cache;
mod nodes;
mod not_made;
mod preflight;
mod privileged;
mod progress;
mod publishing;
mod pushes;
mod refusals;
mod stall;
mod steps;
mod store;
mod sweep;
mod take_down;
mod together;
mod trust;
mod uncached;
mod unreached;
mod verify;
mod visibility;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

use boot::Stops;
pub use build::BuildResult;
pub use error::{Denial, Difference, Error, FailedPush};
pub use folder::RunFolder;
use futures_util::FutureExt as _;
use images::Images;
use local_cache::LocalCaches;
use nodes::Standing;
use progress::Export;
pub use pushes::{Push, Pushes};
use secrecy::zeroize::Zeroize as _;
use serde::Serialize;
use serde_json::{Map, Value};
pub use steps::Count;
use steps::Steps;
pub use take_down::{Record, post};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;
pub use unreached::LostNode;
pub use verify::Verified;

use crate::event::RunContext;
use crate::facts::{Engine, Facts};
use crate::host::{Host, Progress};
use crate::image::ImageName;
use crate::input::address::GitLogin;
use crate::input::{Preflight, SecretValues};
use crate::plan::{Build, Credential, Omit, Plan, RunFiles};
use crate::registry::{Client, Credentials};
use crate::secret::Secret;

/// How long work may go on after a signal. A program that we run ends before: what
/// is left then is a question to somebody who does not answer.
const AFTER_SIGNAL: Duration = Duration::from_secs(5);
/// How long clean-up may take after a signal. The runner kills all of us 10 s after
/// its first one.
const CLEAN_UP: Duration = Duration::from_secs(3);

/// What has come out of a run, also of one that failed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What has come of each image, in the plan's order.
    pub builds: Vec<Built>,
    /// What the registries said before the build.
    pub known: Known,
    /// What is worth knowing of what was published.
    pub notices: Vec<String>,
    /// What went wrong without stopping anything.
    pub warnings: Vec<String>,
    /// True when clean-up was given up: the engine did not answer in time.
    pub is_unclean: bool,
}

/// What registries said before the build, and what became of the builder.
#[derive(Debug, Default)]
pub struct Known {
    /// The images that their registries said they would take.
    pub(crate) allowed: Vec<ImageName>,
    /// The entries of caches that are left out.
    pub(crate) without_caches: Vec<String>,
    /// Why nothing is pushed after all, though the plan wanted it.
    pub withheld: Option<String>,
    /// What became of the builder. Who takes a node out of it is alone.
    standing: Mutex<Standing>,
}

impl Known {
    /// Whether an image is pushed, as far as is known by now.
    pub(super) fn pushes(&self, build: &Build) -> bool {
        build.publication.sends() && self.withheld.is_none()
    }

    /// What a build leaves out, beside references that are settled.
    pub(super) async fn omit(&self, settled: Vec<String>) -> Omit {
        let standing = self.standing.lock().await;
        let without = self.without_caches.iter().chain(&standing.without_caches);
        Omit {
            references: settled,
            sending: self.withheld.is_some(),
            caches: without.cloned().collect(),
        }
    }
}

/// What has come of one image.
#[derive(Debug, Default)]
pub struct Built {
    /// What buildx told of the result.
    pub result: BuildResult,
    /// How far each reference has come; none when nothing is pushed.
    pub pushes: Pushes,
    /// What became of the steps of the build.
    pub steps: Steps,
    /// What the registries told after the push.
    pub verified: Verified,
    /// How it ended.
    pub ending: Ending,
    /// What is worth knowing of what was published.
    pub(super) notices: Vec<String>,
    /// What went wrong without stopping anything.
    pub(super) warnings: Vec<String>,
}

impl Built {
    /// Takes in what exporters have pushed under names of their own. What is told of
    /// the image is told of the first.
    fn take_apart(&mut self, apart: &[String], export: &Export, success: bool) {
        let Self { result, pushes, .. } = self;
        pushes.take_apart(apart, export, result.digest.as_ref(), success);
        let first = pushes.done().next();
        let Some(first) = first.and_then(|push| push.digest.clone()) else {
            return;
        };
        if result.image_id == result.digest {
            result.image_id = Some(first.clone());
        }
        result.digest = Some(first);
    }
}

/// How the work on an image ended, in GitHub's words for steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It was not begun.
    #[default]
    Skipped,
    /// All of it was done.
    Success,
    /// Something of it was not done.
    Failure,
    /// The run was cancelled meanwhile.
    Cancelled,
}

impl Outcome {
    /// Every push that is done.
    pub fn done(&self) -> impl Iterator<Item = &Push> {
        self.builds.iter().flat_map(|built| built.pushes.done())
    }
}

/// A plan, and what it takes to carry it out.
pub struct Job<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The values of the credentials that the plan names.
    pub secrets: SecretValues<'a>,
    /// The event, as GitHub tells it.
    pub context: &'a RunContext,
    /// Where engine, buildx and the user's Docker are.
    pub facts: &'a Facts,
    /// The machine.
    pub host: &'a Host,
    /// Where the run keeps its files.
    pub folder: &'a RunFolder,
    /// What is to be taken away after it.
    pub record: &'a Record<'a>,
}

impl Job<'_> {
    /// Carries the plan out. The outcome holds what exists, also after an error.
    pub async fn execute(&self, progress: Progress<'_>) -> (Outcome, Result<(), Error>) {
        let mut outcome = Outcome {
            builds: self.plan.builds.iter().map(|_| Built::default()).collect(),
            ..Outcome::default()
        };
        let steps = self.steps(progress, &mut outcome);
        // A panic is taken for an error: what the run made goes as after one.
        let steps = AssertUnwindSafe(steps).catch_unwind();
        let result = tokio::select! {
            result = steps => result.unwrap_or(Err(Error::Bug)),
            cancelled = overdue(self.host) => Err(cancelled),
        };
        let of_nodes = &mut outcome.known.standing.get_mut().warnings;
        outcome.warnings.append(of_nodes);
        let take_down = take_down::take_down(self);
        let warnings = match &result {
            Err(Error::Cancelled(_)) => timeout(CLEAN_UP, take_down).await,
            _ => Ok(take_down.await),
        };
        outcome.is_unclean = warnings.is_err();
        outcome.warnings.extend(warnings.unwrap_or_default());
        (outcome, result)
    }

    async fn steps(&self, mut progress: Progress<'_>, outcome: &mut Outcome) -> Result<(), Error> {
        let config = docker_config::make(
            self.plan,
            self.secrets,
            self.facts,
            self.host,
            &mut outcome.warnings,
        );
        let credentials = Credentials::new(config.clone());
        let authorities = self.secrets.authorities().clone();
        let client = Client::new(credentials.clone(), authorities, self.host);
        if self.plan.preflight.mode == Preflight::Only {
            return self.checked(&client, outcome).await;
        }
        let buildx = self.buildx()?;
        self.write_files(&config)?;
        self.get_ready(buildx, &credentials, &client, &mut progress, outcome)
            .await?;
        let _caches = self.local_caches(outcome).await;
        let images = Images {
            job: self,
            buildx,
            client: &client,
            credentials: &credentials,
        };
        images.publish(progress, outcome).await
    }

    /// The caches in folders, for as long as they are used. Where they cannot be,
    /// they are left out.
    async fn local_caches(&self, outcome: &mut Outcome) -> Option<LocalCaches> {
        let opened = LocalCaches::open(self.plan).await;
        opened.unwrap_or_else(|error| {
            outcome.warnings.push(format!(
                "the build cache in a folder is left out, and the image is not at fault: {error}"
            ));
            let builds = self.plan.builds.iter();
            let local = builds.filter(|build| build.cache.local.is_some());
            let entries = local.flat_map(|build| build.cache.entries().map(str::to_owned));
            outcome.known.without_caches.extend(entries);
            None
        })
    }

    /// Asks the registries, and meanwhile makes the builder; then installs
    /// emulators, which is not to be stopped half-way.
    async fn get_ready(
        &self,
        buildx: &Path,
        credentials: &Credentials,
        client: &Client,
        progress: &mut Progress<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let refused = Notify::new();
        let stops = Stops {
            host: self.host,
            refused: Some(&refused),
        };
        let checked = self.checked(client, outcome);
        let mut standing = {
            let set_up = builder::set_up(self, buildx, progress, stops);
            tokio::pin!(set_up, checked);
            tokio::select! {
                standing = &mut set_up => {
                    let standing = standing?;
                    checked.await?;
                    standing
                }
                checked = &mut checked => {
                    if let Err(refusal) = checked {
                        // The builder is not left half made.
                        refused.notify_one();
                        let _ = set_up.await;
                        return Err(refusal);
                    }
                    set_up.await?
                }
            }
        };
        let said = standing.said.take();
        outcome.known.standing = Mutex::new(standing);
        let warnings = &mut outcome.warnings;
        builder::emulate(self, buildx, credentials, said, warnings).await
    }

    /// The preflight, unless a signal ends it.
    async fn checked(&self, client: &Client, outcome: &mut Outcome) -> Result<(), Error> {
        let preflight = self.preflight(client, outcome);
        self.host.unless_cancelled(preflight).await?
    }

    /// The program, where there is something that it can build with.
    fn buildx(&self) -> Result<&Path, Error> {
        let buildx = self.facts.buildx.as_deref().ok_or(Error::NoBuildx)?;
        match &self.facts.engine {
            Engine::Absent(reason) if self.plan.builder.needs_engine() => Err(Error::NoEngine {
                reason: reason.clone(),
            }),
            Engine::Forbidden(reason) if self.plan.builder.needs_engine() => {
                Err(Error::EngineForbidden {
                    reason: reason.clone(),
                })
            }
            _ => Ok(buildx),
        }
    }

    /// What buildx reads: Docker's configuration and contexts, the Git token, the
    /// build's secrets.
    fn write_files(&self, config: &Map<String, Value>) -> Result<(), Error> {
        let folder = self.folder;
        let text = &mut docker_config::text(config);
        write(folder, "docker/config.json", text)?;
        trust::write_authorities(folder, self.secrets.authorities(), self.host)?;
        write(
            folder,
            "buildx/.buildNodeID",
            &mut build::NODE_ID.to_owned(),
        )?;
        if self.plan.git_token
            && let Some(token) = self.secrets.github_token()
        {
            write(folder, "git-token", &mut token.expose().to_owned())?;
        }
        // With bake files those of the inputs are none.
        let of_bake = self.facts.bake.git_logins.iter();
        let headers = self.secrets.git_headers();
        let headers = headers.chain(of_bake.map(GitLogin::header));
        for (index, header) in headers.enumerate() {
            let name = format!("git-logins/{index}");
            write(folder, &name, &mut header.expose().to_owned())?;
        }
        for (index, secret) in self.secrets.build_secrets().enumerate() {
            let name = format!("secrets/{index}");
            write(folder, &name, &mut secret.expose().to_owned())?;
        }
        let contexts = self.facts.docker.folder.join("contexts");
        if !contexts.is_dir() {
            return Ok(());
        }
        // Builders may be made of contexts.
        let linked = folder.link(&contexts, "docker/contexts");
        linked.map_err(Error::files("docker/contexts"))
    }
}

/// Returns when a signal has come and work should have ended since.
async fn overdue(host: &Host) -> Error {
    let signal = host.cancellation().requested().await;
    tokio::time::sleep(AFTER_SIGNAL).await;
    Error::Cancelled(signal)
}

/// Writes a file that holds secrets, and wipes the text afterwards.
fn write(folder: &RunFolder, name: &str, text: &mut String) -> Result<(), Error> {
    let written = folder.write(name, text.as_bytes());
    text.zeroize();
    written.map_err(Error::files(name))
}

/// The value of a credential that the plan names.
fn credential(secrets: SecretValues<'_>, name: Credential) -> Option<&Secret> {
    match name {
        Credential::Password => secrets.password(),
        Credential::GithubToken => secrets.github_token(),
        Credential::RegistryAuth(index) => secrets.registry_auth(index),
    }
}

impl RunFolder {
    fn files(&self) -> RunFiles {
        RunFiles {
            folder: self.path().to_owned(),
        }
    }
}
