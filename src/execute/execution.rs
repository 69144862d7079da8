//! Carries the plan out: preflight, login, builder, build, push, verification,
//! in this order.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Notify};
use tokio::time::timeout;

use crate::execute::builder::boot::StopRequest;
use crate::execute::builder::set_up;
use crate::execute::buildx::run;
use crate::execute::cleanup::take_down;
use crate::execute::error::Error;
use crate::execute::outcome::{ImageOutcome, Outcome};
use crate::execute::publish::all::AllImages;
use crate::execute::publish::gate::Gate;
use crate::execute::scope::Scope;
use crate::execute::workdir::cache_dir::LocalCaches;
use crate::execute::workdir::secret_file::write;
use crate::execute::workdir::{authorities, docker_config};
use crate::facts::Engine;
use crate::host::{Host, Progress};
use crate::input::Preflight;
use crate::input::address::GitLogin;
use crate::registry::{Client, Credentials};

/// How long work may go on after a signal. A program that we run ends before: what
/// is left then is a question to somebody who does not answer.
const AFTER_SIGNAL: Duration = Duration::from_secs(5);
/// How long clean-up may take after a signal. The runner kills all of us 10 s after
/// its first one.
const CLEAN_UP: Duration = Duration::from_secs(3);

impl Scope<'_> {
    /// Carries the plan out. The outcome holds what exists, also after an error.
    pub async fn execute(&self, progress: Progress<'_>) -> (Outcome, Result<(), Error>) {
        let mut outcome = Outcome {
            builds: self
                .plan
                .builds
                .iter()
                .map(|_| ImageOutcome::default())
                .collect(),
            ..Outcome::default()
        };
        let steps = self.steps(progress, &mut outcome);
        // A panic is taken for an error: what the run made goes as after one.
        let steps = AssertUnwindSafe(steps).catch_unwind();
        let result = tokio::select! {
            result = steps => result.unwrap_or(Err(Error::Bug)),
            cancelled = wait_past_signal(self.host) => Err(cancelled),
        };
        let of_nodes = &mut outcome.run_state.builder_state.get_mut().warnings;
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

    async fn steps(&self, progress: Progress<'_>, outcome: &mut Outcome) -> Result<(), Error> {
        let config = docker_config::make(
            self.plan,
            self.secrets,
            self.facts,
            self.host,
            &mut outcome.warnings,
        );
        let credentials = Credentials::new(config.clone());
        let client = self.client(&config, &credentials).await;
        let done = if self.plan.preflight.mode == Preflight::Only {
            self.run_preflight(&client, outcome).await
        } else {
            self.write_files(&config)?;
            self.publish(&client, &credentials, progress, outcome).await
        };
        if let Some(early_checks) = &self.early_checks {
            early_checks.cancel().await;
        }
        client.settle().await;
        done
    }

    /// The client for all registries: the one that asks already, where it has the plan's
    /// logins.
    async fn client(&self, config: &Map<String, Value>, credentials: &Credentials) -> Arc<Client> {
        if let Some(early_checks) = &self.early_checks {
            if let Some(client) = early_checks.client(config) {
                return client;
            }
            early_checks.cancel().await;
        }
        let authorities = self.secrets.authorities().clone();
        Arc::new(Client::new(credentials.clone(), authorities, self.host))
    }

    /// All steps after the client and the files are there.
    async fn publish(
        &self,
        client: &Client,
        credentials: &Credentials,
        mut progress: Progress<'_>,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let buildx = if self.plan.joins() {
            self.run_preflight(client, outcome).await?;
            // Nothing is built.
            Path::new("docker-buildx")
        } else {
            let buildx = self.buildx()?;
            self.get_ready(buildx, credentials, client, &mut progress, outcome)
                .await?;
            buildx
        };
        let _caches = self.local_caches(outcome).await;
        let images = AllImages {
            scope: self,
            buildx,
            client,
            credentials,
            gate: self
                .plan
                .all_or_none
                .then(|| Gate::of(self.plan.builds.len())),
        };
        let published = images.publish(progress, outcome).await;
        if !matches!(published, Err(Error::Cancelled(_))) {
            self.keep_record(buildx, published.is_err(), outcome).await;
            for (build, built) in self.plan.builds.iter().zip(&mut outcome.builds) {
                self.keep_sboms(buildx, build, built).await;
            }
        }
        published
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
            let entries = local.flat_map(|build| build.cache.entries().cloned());
            outcome.run_state.without_caches.extend(entries);
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
        let stops = StopRequest {
            host: self.host,
            refused: Some(&refused),
        };
        let checked = self.run_preflight(client, outcome);
        let mut builder_state = {
            let set_up = set_up::set_up(self, buildx, progress, stops);
            tokio::pin!(set_up, checked);
            tokio::select! {
                builder_state = &mut set_up => {
                    let builder_state = builder_state?;
                    checked.await?;
                    builder_state
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
        let inspected = builder_state.inspected.take();
        outcome.run_state.builder_state = Mutex::new(builder_state);
        let warnings = &mut outcome.warnings;
        set_up::emulate(self, buildx, credentials, inspected, warnings).await
    }

    /// The preflight, unless a signal ends it.
    async fn run_preflight(&self, client: &Client, outcome: &mut Outcome) -> Result<(), Error> {
        let asked = async {
            self.preflight(client, outcome).await?;
            self.look_at_versions(client, outcome).await
        };
        self.host.unless_cancelled(asked).await?
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
        authorities::write_authorities(folder, self.secrets.authorities(), self.host)?;
        write(folder, "buildx/.buildNodeID", &mut run::NODE_ID.to_owned())?;
        if self.plan.git_token
            && let Some(token) = self.secrets.github_token()
        {
            write(folder, "git-token", &mut token.expose().to_owned())?;
        }
        // With bake files those of the inputs are none.
        let of_bake = self.facts.bake.git_logins.iter();
        let headers = self
            .secrets
            .git_headers()
            .chain(of_bake.map(GitLogin::header));
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
async fn wait_past_signal(host: &Host) -> Error {
    let signal = host.cancellation().requested().await;
    tokio::time::sleep(AFTER_SIGNAL).await;
    Error::Cancelled(signal)
}
