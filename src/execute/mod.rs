//! Carries the plan out: login, builder, build, push, verification, in this
//! order.
//!
//! Owns the run's folder (everything that must not outlive the run is in it)
//! and [`Outcome`]. Decides nothing: what to do is in the plan.

mod build;
mod builder;
mod context;
mod docker_config;
mod emulation;
mod folder;
mod privileged;
mod take_down;
mod verify;

use std::io;
use std::path::Path;

pub use build::BuildResult;
pub use folder::{RunFolder, left_over};
use secrecy::zeroize::Zeroize as _;
use serde_json::{Map, Value};
pub use take_down::{images_for_post, remove_images_of_job, take_down_left_over};
pub use verify::{PublishedPlatform, Verified};

use crate::facts::{Engine, Facts};
use crate::host::{Host, Progress, Signal, Signals};
use crate::input::Inputs;
use crate::plan::{ContextKind, Credential, Plan, RunFiles};
use crate::registry::{Client, Credentials};
use crate::secret::Secret;

/// Where to read how Docker is installed.
const INSTALL_DOCS: &str = "https://docs.docker.com/engine/install/";
/// Where to read how buildx is installed.
const BUILDX_DOCS: &str = "https://github.com/docker/buildx#installing";

/// What has come out of a run, also of one that failed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What buildx told of the result.
    pub build: BuildResult,
    /// What the registries told after the push.
    pub verified: Verified,
    /// What went wrong without stopping anything.
    pub warnings: Vec<String>,
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no engine to build with.
    #[error(
        "there is no Docker engine: {reason}. Start one, or install it: {INSTALL_DOCS}; \
         or name a `builder` that is elsewhere"
    )]
    NoEngine {
        /// What was tried.
        reason: String,
    },
    /// There is no buildx.
    #[error(
        "there is no buildx beside this program, on PATH or among the plugins of the Docker CLI. \
         Install it: {BUILDX_DOCS}"
    )]
    NoBuildx,
    /// The run's own files could not be written.
    #[error("{what}: {source}")]
    Files {
        /// Which file.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A builder could not be made.
    #[error("the builder {name} could not be made with the driver {driver}: {message}. {advice}")]
    Builder {
        /// Its name.
        name: String,
        /// Its driver.
        driver: String,
        /// buildx's last words.
        message: String,
        /// What to look at.
        advice: String,
    },
    /// An emulator could not be installed.
    #[error(
        "the emulators for {architectures} could not be installed with {image}: {why}. \
         Either build with `driver: docker-container`, which brings its own, or install them on \
         the machine beforehand and set `emulation: none`"
    )]
    Emulator {
        /// Which.
        architectures: String,
        /// The image that was to do it.
        image: String,
        /// What failed.
        why: String,
    },
    /// buildx did not start.
    #[error("{program} did not start: {source}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// buildx ended with an error.
    #[error("buildx failed{}: {message}", code.map_or_else(String::new, |code| format!(" with exit code {code}")))]
    Build {
        /// Its exit code, when it was not ended by a signal.
        code: Option<i32>,
        /// Its last words.
        message: String,
    },
    /// The run was cancelled.
    #[error("cancelled; nothing more is built or pushed")]
    Cancelled(Signal),
    /// The registry does not hold what was pushed.
    #[error(
        "{reference} was pushed, but its registry answers MANIFEST_UNKNOWN: \
         something deletes it, or the name leads elsewhere from here than from the engine"
    )]
    NotThere {
        /// The tag.
        reference: String,
    },
    /// The registry holds something else than what was pushed.
    #[error(
        "{reference} is {found} in the registry, but {expected} was pushed. \
         Something else has pushed this tag meanwhile: let runs of this workflow wait for each \
         other with a `concurrency` group"
    )]
    DigestDiffers {
        /// The tag.
        reference: String,
        /// What buildx pushed.
        expected: String,
        /// What the registry has.
        found: String,
    },
}

/// A plan, and what it takes to carry it out.
pub struct Job<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The values of the credentials that the plan names.
    pub inputs: &'a Inputs,
    /// Where engine, buildx and the user's Docker are.
    pub facts: &'a Facts,
    /// The machine.
    pub host: &'a Host,
    /// Where the run keeps its files.
    pub folder: &'a RunFolder,
}

impl Job<'_> {
    /// Carries the plan out. The outcome holds what exists, also after an error.
    pub async fn execute(
        &self,
        progress: Progress<'_>,
        signals: &mut Signals,
    ) -> (Outcome, Result<(), Error>) {
        let mut outcome = Outcome::default();
        let result = self.steps(progress, signals, &mut outcome).await;
        outcome.warnings.extend(take_down::take_down(self).await);
        (outcome, result)
    }

    async fn steps(
        &self,
        mut progress: Progress<'_>,
        signals: &mut Signals,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let plan = self.plan;
        let buildx = self.buildx()?;
        let config = docker_config::make(
            plan,
            self.inputs,
            self.facts,
            self.host,
            &mut outcome.warnings,
        );
        self.write_files(&config)?;
        builder::set_up(
            self,
            buildx,
            &config,
            &mut progress,
            signals,
            &mut outcome.warnings,
        )
        .await?;
        let files = self.folder.files();
        let command = build::command(buildx, plan, self.facts, self.host, &files);
        let authorities = self.inputs.authorities.clone();
        let client = Client::new(Credentials::new(config), authorities, self.host);
        // What the client does not get ready in this time, it does afterwards.
        let prepare = async {
            if plan.publication.push {
                client.prepare(&plan.images).await;
            }
            std::future::pending::<()>().await;
        };
        let result = &mut outcome.build;
        tokio::select! {
            built = build::run(&command, self.host, &files, progress, signals, result) => built?,
            () = prepare => {}
        }
        if plan.publication.push {
            tokio::select! {
                verified = verify::verify(plan, &client, outcome) => verified?,
                signal = signals.next() => return Err(Error::Cancelled(signal)),
            }
        }
        Ok(())
    }

    /// The program, where there is something that it can build with.
    fn buildx(&self) -> Result<&Path, Error> {
        let buildx = self.facts.buildx.as_deref().ok_or(Error::NoBuildx)?;
        match &self.facts.engine {
            Engine::Absent(reason) if self.plan.builder.needs_engine() => Err(Error::NoEngine {
                reason: reason.clone(),
            }),
            _ => Ok(buildx),
        }
    }

    /// What buildx reads: Docker's configuration and contexts, the Git token.
    fn write_files(&self, config: &Map<String, Value>) -> Result<(), Error> {
        let folder = self.folder;
        let text = &mut docker_config::text(config);
        write(folder, "docker/config.json", text)?;
        write(
            folder,
            "buildx/.buildNodeID",
            &mut build::NODE_ID.to_owned(),
        )?;
        if let Some(token) = git_token(self.plan, self.inputs) {
            write(folder, "git-token", &mut token.expose().to_owned())?;
        }
        let contexts = self.facts.docker.folder.join("contexts");
        if !contexts.is_dir() {
            return Ok(());
        }
        // Builders may be made of contexts.
        let linked = folder.link(&contexts, "docker/contexts");
        linked.map_err(|source| Error::Files {
            what: "docker/contexts".to_owned(),
            source,
        })
    }
}

/// Writes a file that holds secrets, and wipes the text afterwards.
fn write(folder: &RunFolder, name: &str, text: &mut String) -> Result<(), Error> {
    let written = folder.write(name, text.as_bytes());
    text.zeroize();
    written.map_err(|source| Error::Files {
        what: name.to_owned(),
        source,
    })
}

fn git_token<'a>(plan: &Plan, inputs: &'a Inputs) -> Option<&'a Secret> {
    match plan.context.kind {
        ContextKind::Repository { .. } => inputs.github_token.as_ref(),
        ContextKind::Local | ContextKind::Remote => None,
    }
}

/// The value of a credential that the plan names.
fn credential(inputs: &Inputs, name: Credential) -> Option<&Secret> {
    match name {
        Credential::Password => inputs.password.as_ref(),
        Credential::GithubToken => inputs.github_token.as_ref(),
        Credential::RegistryAuth(index) => inputs.registry_auth.get(index)?.password.as_ref(),
    }
}

impl RunFolder {
    fn files(&self) -> RunFiles {
        RunFiles {
            folder: self.path().to_owned(),
        }
    }
}
