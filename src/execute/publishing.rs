//! Builds and pushes, until every reference is in its registry or given up.
//!
//! One build, one digest: once something is pushed, the names that are left
//! are given to what exists, out of the engine's store or by copying. Building
//! again would make another digest, and is done only while nothing is pushed.

use std::path::Path;
use std::time::Duration;

use tracing::info;

use super::cache::{self, Wait};
use super::copy::{self, Copied};
use super::progress::Export;
use super::pushes::Pushes;
use super::refusals::Refused;
use super::store::Store;
use super::{Error, Job, Outcome, build, builder, nodes};
use crate::diagnosis::{self, Diagnosis, Kind};
use crate::host::{Command, Progress, Signals};
use crate::plan::{BuilderChoice, RunFiles};
use crate::registry::{Client, Credentials};

/// How long the first pause between two tries is; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the longest pause is.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What it takes to build and push.
pub(super) struct Publishing<'a> {
    pub(super) job: &'a Job<'a>,
    pub(super) buildx: &'a Path,
    pub(super) files: RunFiles,
    pub(super) client: &'a Client,
    pub(super) credentials: &'a Credentials,
}

/// How names that are left come to their image.
enum Way<'a> {
    /// By building.
    Build,
    /// Out of the engine's store, where it has this name.
    Store(Store<'a>, String),
    /// From what was pushed.
    Copy,
}

impl Publishing<'_> {
    /// Does it. What was built and pushed is in the outcome, also after an error.
    pub(super) async fn run(
        &self,
        mut progress: Progress<'_>,
        signals: &mut Signals,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        if self.job.pushes(outcome) {
            outcome.pushes = Pushes::of(self.job.plan);
        }
        let mut export = Export::default();
        let mut way = Way::Build;
        loop {
            self.pause(&outcome.pushes, signals).await?;
            match &way {
                Way::Build => {
                    export = Export::default();
                    let built = self.build(progress.again(), signals, &mut export, outcome);
                    if let Err(failed) = built.await {
                        let again = nodes::after(self, failed, progress.again(), signals, outcome);
                        again.await?;
                        continue;
                    }
                }
                Way::Store(store, source) => self.push(store, source, signals, outcome).await?,
                Way::Copy => {
                    self.copy(progress.again(), signals, &export, outcome)
                        .await?
                }
            }
            if outcome.pushes.due().is_empty() {
                return failures(&outcome.pushes);
            }
            way = self.way(&export, outcome);
        }
    }

    /// A build, with a push of everything that is due. A push that failed is
    /// no error yet.
    async fn build(
        &self,
        progress: Progress<'_>,
        signals: &mut Signals,
        export: &mut Export,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let omit = crate::plan::Omit {
            references: outcome.pushes.settled(),
            sending: outcome.withheld.is_some(),
            caches: outcome.without_caches.clone(),
        };
        let wait = Wait::after(outcome.pushes.due(), self.job.plan);
        let folder = self.job.plan.cache.folder.as_deref();
        if let Some(folder) = folder {
            cache::clear(folder);
        }
        let arguments = self.job.plan.arguments(&self.files, &omit);
        let command = self.command().args(arguments);
        let result = &mut outcome.build;
        let built = build::run(
            &command,
            self.job.host,
            &self.files,
            progress,
            signals,
            export,
            &wait,
            result,
        );
        let built = built.await;
        outcome.pushes.take(export, built.is_ok());
        outcome.steps = export.steps.clone();
        if (built.is_err() || export.is_cut_short) && export.digest.is_some() {
            outcome.build.digest = export.digest.clone();
            outcome.build.image_id = export.image_id().cloned();
        }
        self.keep_cache(&wait, export, built.is_ok(), outcome);
        match (built, export.failed.clone()) {
            // All but the cache was done.
            (Err(Error::Build { .. }), None)
                if export.cache_error.is_some() && wait.is_all_pushed(export) =>
            {
                Ok(())
            }
            (Err(Error::Build { .. }), Some((reference, why))) => {
                // The last words alone may hold no status; those before do.
                let text = if export.text.is_empty() {
                    &why
                } else {
                    &export.text
                };
                self.judge(&reference, text, outcome).await;
                Ok(())
            }
            (Err(Error::Build { code, message, .. }), None) => Err(Error::Build {
                code,
                diagnosis: self.explain(&export.text).await.map(Box::new),
                message,
            }),
            (other, _) => other,
        }
    }

    /// Keeps a local cache that was written, and tells when any was not.
    fn keep_cache(&self, wait: &Wait, export: &Export, is_built: bool, outcome: &mut Outcome) {
        if !is_built && !wait.is_all_pushed(export) {
            return;
        }
        let folder = self.job.plan.cache.folder.as_deref();
        if let Some(warning) = wait.warning(export) {
            outcome.warnings.push(warning);
            // What was written in part is no cache.
            folder.map(cache::clear);
            return;
        }
        let Some(folder) = folder else {
            return;
        };
        if let Err(error) = cache::keep(folder, self.job.host.now()) {
            let folder = folder.display();
            outcome.warnings.push(format!(
                "the build cache was not kept in {folder}: {error}. The next run builds without it"
            ));
        }
    }

    /// What the text of a failed build means. Where a registry has refused a
    /// base image or a cache without a word, it is asked again for one.
    async fn explain(&self, text: &str) -> Option<Diagnosis> {
        if text.is_empty() {
            return self.ask_all().await;
        }
        let diagnosis = Refused::of_push_to(self.job, None).of_log(text);
        let subject = diagnosis::subject(text);
        if !subject.is_unexplained() {
            return diagnosis;
        }
        let refused = Refused::of_subject(self.job, &subject);
        refused.again(self.client).await.or(diagnosis)
    }

    /// buildx, with the run's configuration and the user's engine.
    fn command(&self) -> Command {
        let Job {
            plan, facts, host, ..
        } = self.job;
        builder::command(self.buildx, &plan.builder, facts, host, &self.files)
    }

    /// On a terminal nothing of the build was heard: what the registries say now
    /// may be what stopped it.
    async fn ask_all(&self) -> Option<Diagnosis> {
        let plan = self.job.plan;
        if !plan.publication.push {
            return None;
        }
        let ask = |image| Refused::of_push_to(self.job, Some(image)).again(self.client);
        let asked = plan.images.iter().map(ask);
        let asked = futures_util::future::join_all(asked).await;
        asked
            .into_iter()
            .flatten()
            .find(|one| one.kind == Kind::Denied)
    }

    /// How those that are left are pushed.
    fn way(&self, export: &Export, outcome: &Outcome) -> Way<'_> {
        let job = self.job;
        let named = outcome.pushes.done().map(|push| &push.reference).last();
        let named = named.or(export.failed.as_ref().map(|(reference, _)| reference));
        if let (BuilderChoice::Engine, Some(named)) = (&job.plan.builder.choice, named) {
            let (engine, settings) = (&job.facts.engine, &job.facts.docker);
            if let Some(store) = Store::open(engine, settings, self.credentials, job.host) {
                return Way::Store(store, named.clone());
            }
        }
        match outcome.pushes.done().next() {
            Some(_) => Way::Copy,
            None => Way::Build,
        }
    }

    /// Pushes what is due out of the engine's store.
    async fn push(
        &self,
        store: &Store<'_>,
        source: &str,
        signals: &mut Signals,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        for reference in outcome.pushes.due() {
            if outcome.pushes.is_settled(&reference) {
                continue;
            }
            info!("pushing {reference} out of the engine's store");
            let pushed = tokio::select! {
                pushed = store.push(source, &reference) => pushed,
                signal = signals.next() => return Err(Error::Cancelled(signal)),
            };
            match pushed {
                Ok(digest) => {
                    outcome.pushes.succeed(&reference);
                    if outcome.build.digest.is_none() {
                        outcome.build.digest = digest;
                    }
                }
                Err(why) => {
                    self.judge(&reference, &told(&reference, &why), outcome)
                        .await
                }
            }
        }
        Ok(())
    }

    /// Copies what was pushed to the names that are due.
    async fn copy(
        &self,
        mut progress: Progress<'_>,
        signals: &mut Signals,
        export: &Export,
        outcome: &mut Outcome,
    ) -> Result<(), Error> {
        let image = outcome.pushes.done().next().map(|push| push.image.clone());
        let (Some(image), Some(digest)) = (image, outcome.build.digest.clone()) else {
            return Ok(());
        };
        let source = copy::Source {
            image: &image,
            digest: &digest,
            is_index: export.is_index,
        };
        for reference in outcome.pushes.due() {
            if outcome.pushes.is_settled(&reference) {
                continue;
            }
            info!("copying {image}@{digest} to {reference}");
            let command = source.command(self.command(), &reference);
            match copy::run(&command, self.job.host, progress.again(), signals).await {
                Copied::Done => outcome.pushes.succeed(&reference),
                Copied::Failed(why) => {
                    self.judge(&reference, &told(&reference, &why), outcome)
                        .await;
                }
                Copied::Interrupted(signal) => return Err(Error::Cancelled(signal)),
            }
        }
        Ok(())
    }

    /// Finds out what a failed push means, and whether it is tried again.
    async fn judge(&self, reference: &str, text: &str, outcome: &mut Outcome) {
        outcome.pushes.know(reference);
        let diagnosis = self.diagnose(reference, text, outcome).await;
        let attempts = self.job.plan.push_attempts;
        let tries = outcome.pushes.fail(reference, &diagnosis, attempts);
        let words = diagnosis.words.lines().next().unwrap_or_default();
        info!("push of {reference}, try {tries} of {attempts} failed: {words}");
    }

    /// A bare status in the log says little: the registry is asked again, this
    /// time by us, to hear its words.
    async fn diagnose(&self, reference: &str, text: &str, outcome: &Outcome) -> Diagnosis {
        let image = outcome.pushes.image(reference);
        let refused = Refused::of_push_to(self.job, image);
        let mut diagnosis = refused.of_push(text);
        let subject = diagnosis::subject(text);
        let was_allowed = image.is_some_and(|image| outcome.allowed.contains(image));
        if subject.status == Some(401) && was_allowed {
            // Its token has expired since.
            diagnosis.kind = Kind::Passing;
        }
        if diagnosis.kind != Kind::Denied || !subject.is_unexplained() {
            return diagnosis;
        }
        let again = refused.again(self.client).await;
        again
            .filter(|again| again.kind == Kind::Denied)
            .unwrap_or(diagnosis)
    }

    /// Waits before something is tried again.
    async fn pause(&self, pushes: &Pushes, signals: &mut Signals) -> Result<(), Error> {
        let Some(doublings) = pushes.tries().checked_sub(1) else {
            return Ok(());
        };
        let pause = PAUSE
            .saturating_mul(1 << doublings.min(8))
            .min(LONGEST_PAUSE);
        // Many runs that wait for the same server do not come back at once.
        let pause = pause.mul_f64(0.75 + fastrand::f64() / 2.0);
        let list = pushes.due().join(", ");
        info!("pushing {list} again in {:.1} s", pause.as_secs_f64());
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            signal = signals.next() => Err(Error::Cancelled(signal)),
        }
    }
}

/// A failed push in the words of a build, which is how diagnoses know it.
fn told(reference: &str, why: &str) -> String {
    format!("ERROR: failed to push {reference}: {why}")
}

/// What could not be pushed, as the error of the run.
fn failures(pushes: &Pushes) -> Result<(), Error> {
    let mut failures: Vec<super::FailedPush> = Vec::new();
    for (push, diagnosis) in pushes.failed() {
        let same = failures
            .iter_mut()
            .find(|other| other.image == push.image && other.diagnosis.id == diagnosis.id);
        match same {
            Some(other) => other.references.push(push.reference.clone()),
            None => failures.push(super::FailedPush {
                image: push.image.clone(),
                references: vec![push.reference.clone()],
                tries: push.tries,
                diagnosis: diagnosis.clone(),
            }),
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Error::Push(failures)),
    }
}
