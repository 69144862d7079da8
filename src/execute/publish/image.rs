//! Builds and pushes, until every reference is in its registry or given up.
//!
//! One build, one digest: once something is pushed, the names that are left
//! are given to what exists, out of the engine's store or by copying. Building
//! again would make another digest, and is done only while nothing is pushed.

use std::path::Path;
use std::time::Duration;

use tracing::info;

use crate::diagnosis::{self, FailedStep};
use crate::execute::builder::recovery::{self, FailedBuild};
use crate::execute::buildx::cache_deadline::{self, CacheDeadline};
use crate::execute::buildx::command;
use crate::execute::buildx::export::Export;
use crate::execute::buildx::progress::ProgressObserver;
use crate::execute::buildx::references::is_named;
use crate::execute::engine::image_store::Store;
use crate::execute::error::Error;
use crate::execute::outcome::{ImageOutcome, RunState};
use crate::execute::publish::attempt::{AttemptResult, BuildAttempt};
use crate::execute::publish::gate::Gate;
use crate::execute::pushes::{Pushes, push_failure_text};
use crate::execute::scope::Scope;
use crate::execute::workdir::cache_dir;
use crate::host::{Command, Progress};
use crate::image::reference;
use crate::input::BuildChecks;
use crate::plan::{Build, BuilderChoice, Content, JoinedImage, RunFiles};
use crate::registry::{Client, Credentials};

/// How long the first pause between two tries is; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the longest pause is.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What it takes to build and push.
pub struct ImagePublisher<'a> {
    pub scope: &'a Scope<'a>,
    pub build: &'a Build,
    pub run_state: &'a RunState,
    pub buildx: &'a Path,
    pub files: RunFiles,
    pub client: &'a Client,
    pub credentials: &'a Credentials,
    /// Where the image waits for all others, where no name is written without all.
    pub gate: Option<&'a Gate>,
}

/// How names that are left come to their image.
enum PushStrategy<'a> {
    /// By building.
    Build,
    /// By joining what legs have pushed.
    Join(&'a JoinedImage),
    /// None does yet: repositories get the content from others.
    CopyContent,
    /// Out of the engine's store, where it has this name.
    Store(Store<'a>, String),
    /// From what was pushed.
    Copy,
    /// By writing each, as its content is there.
    Names(Option<Store<'a>>),
}

impl ImagePublisher<'_> {
    /// Does it, from what has `begun` on. What was built and pushed is in `built`,
    /// also after an error.
    pub async fn run(
        &self,
        mut progress: Progress<'_>,
        mut attempt: Option<BuildAttempt<'_>>,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        if !built.kept.is_empty() {
            self.pass(built).await?;
            return self.finish(built).await;
        }
        let mut export = Export::default();
        let mut way = self.content_strategy();
        let mut is_tested = false;
        let mut is_built_again = false;
        loop {
            self.pause(&built.pushes).await?;
            match &way {
                PushStrategy::Build => {
                    let attempt = match attempt.take() {
                        Some(attempt) => attempt,
                        None => self.build_once(progress.reborrow(), built).await?,
                    };
                    let generation = attempt.generation;
                    match self.take_in(attempt, built).await {
                        Ok(told) => export = told,
                        Err(failed) => {
                            let is_pushed = built.pushes.done().next().is_some();
                            let was_cancelled = recovery::was_cancelled_with_another(&failed);
                            if was_cancelled && !is_pushed && !is_built_again {
                                info!("BuildKit cancelled the build by itself, so it runs again");
                                is_built_again = true;
                                continue;
                            }
                            let failed = FailedBuild {
                                error: failed,
                                generation,
                                is_pushed,
                            };
                            let (base, builder_state) =
                                (self.command(), &self.run_state.builder_state);
                            let progress = progress.reborrow();
                            recovery::recover(self.scope, base, builder_state, failed, progress)
                                .await?;
                            continue;
                        }
                    }
                }
                PushStrategy::Join(joined) => self.join(joined, built).await?,
                PushStrategy::CopyContent => self.copy_content(built).await?,
                PushStrategy::Store(store, source) => {
                    self.push_from_store(store, source, built).await?
                }
                PushStrategy::Copy => {
                    self.copy_pushed(progress.reborrow(), &export, built)
                        .await?
                }
                PushStrategy::Names(store) => self.write_names(store.as_ref(), built).await?,
            }
            if built.pushes.due().is_empty() {
                if built.pushes.is_empty() {
                    self.test(progress.reborrow(), built).await?;
                    self.pass(built).await?;
                }
                return built.pushes.failures();
            }
            way = self.next_strategy(&export, built);
            if matches!(way, PushStrategy::Names(_)) && !is_tested {
                self.check_size(built).await?;
                self.test(progress.reborrow(), built).await?;
                self.pass(built).await?;
                is_tested = true;
                if self.scope.plan.leaves_names() {
                    return built.leave_names();
                }
            }
        }
    }

    /// Waits until all images may get their names, where none gets any without all.
    async fn pass(&self, built: &ImageOutcome) -> Result<(), Error> {
        let Some(gate) = self.gate else {
            return Ok(());
        };
        // A repository of this image has not taken the content.
        built.pushes.failures()?;
        let passed = self.scope.host.unless_cancelled(gate.pass()).await?;
        if passed { Ok(()) } else { Err(Error::Withheld) }
    }

    /// True while the content goes first, and its names are written afterwards.
    pub fn names_later(&self, built: &ImageOutcome) -> bool {
        self.build.content.is_first() && !built.builder_names && self.run_state.pushes(self.build)
    }

    /// Takes in what a build has come to. A push that failed is not an error yet.
    async fn take_in(
        &self,
        attempt: BuildAttempt<'_>,
        built: &mut ImageOutcome,
    ) -> Result<Export, Error> {
        let BuildAttempt {
            watch: ProgressObserver { export, wait, .. },
            result,
            index,
            pushed,
            done,
            ..
        } = attempt;
        built.index = index;
        let is_well = matches!(done, AttemptResult::Well);
        if let Some(result) = result {
            built.result = result;
        }
        if self.scope.plan.checks != BuildChecks::Off && self.scope.plan.display.is_typed {
            built.result.checks.clone_from(&export.checks);
        }
        let names_later = self.names_later(built);
        built.pushes.record_export(&export, is_well && !names_later);
        if names_later && self.build.content == Content::ByDigest {
            built.result.name(&self.build.tags);
        }
        built.has_content = names_later && (is_well || wait.is_all_pushed(&export));
        if built.has_content && self.build.content == Content::ByDigest {
            let pushed = built.pushes.repositories_of_builder();
            built.content_in = pushed
                .iter()
                .filter_map(|name| reference::name(name))
                .collect();
        }
        built.trace = export.trace.clone();
        built.manifests.clone_from(&export.manifests);
        let is_untold = built.result.digest.is_none() || !is_well || export.cut_short.is_some();
        if is_untold && export.digest.is_some() {
            built.result.digest = export.digest.clone();
            built.result.image_id = export.image_id().cloned();
        }
        if self.run_state.pushes(self.build) {
            built.take_apart(&self.build.pushed_by_outputs, &export, is_well);
        }
        self.keep_local_cache(&wait, &export, is_well, built).await;
        self.take_in_pushed(pushed, built).await;
        let (code, message) = match done {
            AttemptResult::Well | AttemptResult::Stopped => return Ok(export),
            AttemptResult::Cancelled(signal) => return Err(Error::Cancelled(signal)),
            AttemptResult::Failed(code, message) => (code, message),
        };
        match export.failed.clone() {
            // All but the cache was done.
            None if export.cache_error.is_some() && wait.is_all_pushed(&export) => Ok(export),
            None if built.pushes.due().is_empty()
                && cache_dir::is_about(&message, &self.build.cache) =>
            {
                built
                    .warnings
                    .push(cache_deadline::unsaved_warning(&message));
                Ok(export)
            }
            // What does not belong to the names that are due stops them all the same:
            // building again would end like that again.
            Some((reference, _)) if built.pushes.is_given_up(&reference) => {
                Err(self.failed_build(code, message, &export).await)
            }
            Some((reference, why)) => {
                let due = built.pushes.due_in(&reference).filter(|_| names_later);
                let is_content = due.is_some() && self.build.content == Content::ByDigest;
                let reference = due.unwrap_or(reference);
                // The last words alone may hold no status; those before do. Of
                // several targets they are of any.
                let is_alone = self.build.target.is_none() && !export.text.is_empty();
                let text = if is_alone {
                    export.text.clone()
                } else {
                    push_failure_text(&reference, &why)
                };
                if is_content {
                    self.report_failed_content(&reference, &text, built).await;
                } else {
                    self.report_failed_push(&reference, &text, built).await;
                }
                Ok(export)
            }
            None => Err(self.failed_build(code, message, &export).await),
        }
    }

    async fn failed_build(&self, code: Option<i32>, message: String, export: &Export) -> Error {
        Error::Build {
            code,
            diagnosis: match code {
                // It was killed: what it printed last is not why.
                None => None,
                Some(_) => self.explain(&export.text).await.map(Box::new),
            },
            step: self.failed_step(&export.text),
            message,
        }
    }

    /// The step that failed, with its place in the repository.
    fn failed_step(&self, text: &str) -> Option<Box<FailedStep>> {
        let mut step = diagnosis::failed_step(text)?;
        step.place = step.place.and_then(|(name, line)| {
            let (path, line) = self.build.line_of(&name, line)?;
            Some((path.to_owned(), line))
        });
        Some(Box::new(step))
    }

    /// Keeps a local cache that was written, and tells when any was not.
    async fn keep_local_cache(
        &self,
        wait: &CacheDeadline,
        export: &Export,
        is_built: bool,
        built: &mut ImageOutcome,
    ) {
        let local = self.build.cache.local.as_ref();
        let warning = wait.warning(export);
        let is_ended = !is_built && !wait.is_all_pushed(export);
        let is_begun_only = export.is_writing_cache && !export.is_cache_written();
        if is_ended || is_begun_only || warning.is_some() {
            // What was written in part is not a cache.
            local.map(cache_dir::clear);
            built.warnings.extend(warning.filter(|_| !is_ended));
            return;
        }
        let Some(local) = local else {
            return;
        };
        if let Err(error) = cache_dir::keep(local, self.scope.host.now()).await {
            let folder = local.shared.display();
            built.warnings.push(format!(
                "the build cache was not kept in {folder}: {error}. The next run builds without it"
            ));
        }
    }

    /// buildx, with the run's configuration and the user's engine.
    pub fn command(&self) -> Command {
        command::base(self.scope, self.buildx)
    }

    /// How the content gets into its repositories.
    fn content_strategy(&self) -> PushStrategy<'_> {
        let joined = self.build.joined.as_ref();
        joined.map_or(PushStrategy::Build, PushStrategy::Join)
    }

    /// How those that are left are pushed.
    fn next_strategy(&self, export: &Export, built: &mut ImageOutcome) -> PushStrategy<'_> {
        let scope = self.scope;
        if self.names_later(built) {
            if !built.has_content {
                return self.content_strategy();
            }
            let is_by_digest = self.build.content == Content::ByDigest;
            if is_by_digest && built.result.digest.is_some() && !built.lacking_content().is_empty()
            {
                return PushStrategy::CopyContent;
            }
            match (self.build.content, built.result.digest.is_some()) {
                (Content::FromEngine, _) => {
                    if let Some(store) = self.store() {
                        return PushStrategy::Names(Some(store));
                    }
                }
                (_, true) => return PushStrategy::Names(None),
                (_, false) => {}
            }
            if scope.plan.leaves_names() {
                return PushStrategy::Names(None);
            }
            // Nobody but the builder can write them.
            built.builder_names = true;
            return PushStrategy::Build;
        }
        let due = built.pushes.due();
        if due
            .iter()
            .any(|due| is_named(&self.build.pushed_by_outputs, due))
        {
            // Its exporter makes an image of its own.
            return PushStrategy::Build;
        }
        let pushed = built.pushes.done().last();
        let named = match (pushed, &export.failed) {
            (Some(push), _) => Some(push.reference.to_string()),
            (None, failed) => failed.as_ref().map(|(reference, _)| reference.clone()),
        };
        if let (BuilderChoice::Engine, Some(named)) = (&scope.plan.builder.choice, named)
            && let Some(store) = self.store()
        {
            return PushStrategy::Store(store, named);
        }
        match built.pushes.done().next() {
            Some(_) => PushStrategy::Copy,
            None => PushStrategy::Build,
        }
    }

    /// Waits before something is tried again.
    pub async fn pause(&self, pushes: &Pushes) -> Result<(), Error> {
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
        let pause = tokio::time::sleep(pause);
        Ok(self.scope.host.unless_cancelled(pause).await?)
    }
}
