//! All targets of a bake file by one buildx: it sends a context that they share
//! once, and starts once.
//!
//! It ends with the first target that fails. What the others had done by then
//! stays done, and what is left of each is built by itself.

use std::fs;

use futures_util::future::join_all;
use tracing::info;

use crate::execute::buildx::command::{self};
use crate::execute::buildx::export::Interrupted;
use crate::execute::buildx::progress::ProgressObserver;
use crate::execute::buildx::push_stall::Stall;
use crate::execute::buildx::run::{self, BuildExit, Followed, Metadata};
use crate::execute::error::Error;
use crate::execute::outcome::{ImageOutcome, RunState};
use crate::execute::publish::all::AllImages;
use crate::execute::publish::attempt::{AttemptResult, BuildAttempt, observer};
use crate::execute::publish::uncached::CachedAttempt;
use crate::host::Progress;

impl AllImages<'_> {
    /// What has become of each target; `None` for one that is to be built by
    /// itself.
    pub async fn build_together<'b>(
        &'b self,
        run_state: &RunState,
        mut progress: Progress<'_>,
        all: &[ImageOutcome],
    ) -> Result<Vec<Option<BuildAttempt<'b>>>, Error> {
        let plan = self.scope.plan;
        let files = self.scope.folder.files();
        let stall = Stall {
            client: self.client,
            limit: plan.stall_timeout,
            allowed: &run_state.allowed,
        };
        let (watches, ended, pushed, generation) = loop {
            let exclusions = run_state.exclusions(Vec::new(), true).await;
            let Some(arguments) = plan.arguments_together(&files, &exclusions) else {
                return Ok(all.iter().map(|_| None).collect());
            };
            let written = fs::write(files.definition(None), plan.definition(&files, &exclusions));
            written.map_err(Error::files("the bake file"))?;
            let mut watches: Vec<ProgressObserver<'b>> = plan
                .builds
                .iter()
                .zip(all)
                .map(|(build, built)| observer(build, built, &exclusions))
                .collect();
            let contents: Vec<_> = watches.iter().map(|watch| watch.content.clone()).collect();
            let entries = plan.builds.iter().flat_map(|build| build.cache.entries());
            let this = CachedAttempt::of(run_state, entries, &exclusions).await;
            let command = command::building(self.scope, self.buildx).args(arguments);
            let followed = Followed {
                watches: &mut watches,
                names_targets: true,
                imports: &this.imports,
                stall: &stall,
                display: self.scope.plan.display,
            };
            let building = run::run(&command, self.scope.host, progress.reborrow(), followed);
            let images = plan.builds.iter().zip(all).zip(&contents);
            let pushes = images.map(async |((build, built), content)| {
                let publisher = self.publisher(build, run_state);
                publisher.push_once_stored(content, built).await
            });
            // Large enough to overflow the stack where it is part of others.
            let beside = Box::pin(async { tokio::join!(building, join_all(pushes)) });
            let (ended, pushed) = beside.await;
            let ended = ended?;
            let base = command::base(self.scope, self.buildx);
            let is_made_again = pushed.iter().all(Vec::is_empty)
                && this
                    .is_made_again(self.scope, &base, run_state, &ended, &watches)
                    .await?;
            if !is_made_again {
                break (watches, ended, pushed, this.generation());
            }
        };
        let is_whole = matches!(ended, BuildExit::Well | BuildExit::Cancelled(_, true));
        let mut metadata = is_whole.then(|| Metadata::read(&files.metadata(None)));
        let failed = match &ended {
            BuildExit::Failed { message, .. } => {
                let mut targets = plan
                    .builds
                    .iter()
                    .filter_map(|build| build.target.as_deref());
                targets.find(|target| names_target(message, target))
            }
            _ => None,
        };
        let images = plan.builds.iter().zip(watches).zip(pushed);
        let attempt = images.map(|((build, mut watch), pushed)| {
            if let BuildExit::Failed { .. } | BuildExit::Silent(_) | BuildExit::Unanswered(_) =
                ended
            {
                watch.cut_short(Interrupted::WithAnother);
            }
            let target = watch.target;
            let result = metadata
                .as_mut()
                .map(|metadata| metadata.take_result(target));
            Some(BuildAttempt {
                generation,
                result,
                index: None,
                pushed,
                done: attempt_result(&ended, failed, &watch, build.is_pushed_alone())?,
                watch,
            })
        });
        let attempt: Vec<_> = attempt.collect();
        let left = attempt.iter().filter(|one| one.is_none()).count();
        if left > 0 {
            info!(
                "{left} of the targets were ended with the one that failed: each is built by itself"
            );
        }
        Ok(attempt)
    }
}

/// How the work on a target ended; `None` when none of it is done, or nobody can
/// tell: of what is not pushed the progress does not say that all is there. Where
/// buildx names the target that has `failed`, the push of another was ended with it,
/// however it says so.
fn attempt_result(
    ended: &BuildExit,
    failed: Option<&str>,
    watch: &ProgressObserver<'_>,
    is_pushed_alone: bool,
) -> Option<AttemptResult> {
    let (code, message) = match ended {
        BuildExit::Well | BuildExit::Interrupted => return Some(AttemptResult::Well),
        BuildExit::Cancelled(signal, _) => return Some(AttemptResult::Cancelled(*signal)),
        BuildExit::Unanswered(_) => (&None, &String::new()),
        BuildExit::Failed { code, message } => (code, message),
        BuildExit::Silent(silent) => (&None, &silent.why),
    };
    let has_failed = match failed {
        Some(failed) => watch.target == Some(failed),
        None => watch.export.failed.is_some(),
    };
    match (has_failed, watch.wait.is_all_pushed(&watch.export)) {
        (true, _) => Some(AttemptResult::Failed(*code, message.clone())),
        (false, _) if !is_pushed_alone => None,
        (false, true) => Some(AttemptResult::Well),
        (false, false) if watch.export.pushed.is_empty() => None,
        // One digest for all names: the others are given to what is pushed.
        (false, false) => Some(AttemptResult::Stopped),
    }
}

/// `target NAME: failed to solve: …`, at the beginning: behind it are words of
/// anybody's.
fn names_target(message: &str, target: &str) -> bool {
    let message = message.strip_prefix("failed to build: ").unwrap_or(message);
    let named = message.strip_prefix("target ");
    let rest = named.and_then(|rest| rest.strip_prefix(target));
    rest.is_some_and(|rest| rest.starts_with(": "))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::execute::buildx::cache_deadline::CacheDeadline;
    use crate::execute::buildx::export::Export;
    use crate::plan::{Cache, Exclusions};

    #[test]
    fn only_the_target_that_buildx_names_has_failed() {
        let message = "target web: failed to solve: process \"echo target api: done\"";
        for (target, expected) in [("web", true), ("api", false), ("we", false), ("b", false)] {
            assert_eq!(names_target(message, target), expected, "{target}");
        }
        assert!(names_target("failed to build: target web: x", "web"));
    }

    #[test]
    fn a_push_that_was_ended_with_another_target_is_made_again() {
        let ended = BuildExit::Failed {
            code: Some(1),
            message: "target web: failed to solve: exit code: 1".to_owned(),
        };
        let dial = "failed to do request: dial tcp 127.0.0.1:5000: operation was canceled";
        let wait = CacheDeadline::for_references(
            &["r/api".to_owned()],
            &Cache::default(),
            &Exclusions::default(),
        );
        let mut export = Export::default();
        export.failed = Some(("r/api".to_owned(), dial.to_owned()));
        let watch = ProgressObserver {
            target: Some("api"),
            export,
            wait: wait.into(),
            pushing: Arc::default(),
            content: Arc::default(),
        };
        let result = |failed| attempt_result(&ended, failed, &watch, true);
        assert!(result(Some("web")).is_none());
        for failed in [Some("api"), None] {
            assert!(matches!(result(failed), Some(AttemptResult::Failed(..))));
        }
    }
}
