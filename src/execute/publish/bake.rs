//! All targets of a bake file by one buildx: it sends a context that they share
//! once, and starts once.
//!
//! It ends with the first target that fails. What the others had done by then
//! stays done, and what is left of each is built by itself.

use std::fs;

use tracing::info;

use crate::execute::buildx::command::{self};
use crate::execute::buildx::export::CutShort;
use crate::execute::buildx::progress::Watch;
use crate::execute::buildx::push_stall::Stall;
use crate::execute::buildx::run::{self, Ended, Followed, Metadata};
use crate::execute::error::Error;
use crate::execute::outcome::{Built, Known};
use crate::execute::publish::all::Images;
use crate::execute::publish::image::{Begun, Done, watch};
use crate::execute::publish::uncached::Try;
use crate::host::Progress;

impl Images<'_> {
    /// What has become of each target; `None` for one that is to be built by
    /// itself.
    pub async fn together<'b>(
        &'b self,
        known: &Known,
        mut progress: Progress<'_>,
        all: &[Built],
    ) -> Result<Vec<Option<Begun<'b>>>, Error> {
        let plan = self.job.plan;
        let files = self.job.folder.files();
        let stall = Stall {
            client: self.client,
            limit: plan.stall_timeout,
            allowed: &known.allowed,
        };
        let (watches, ended) = loop {
            let omit = known.omit(Vec::new()).await;
            let Some(arguments) = plan.together(&files, &omit) else {
                return Ok(all.iter().map(|_| None).collect());
            };
            let written = fs::write(files.definition(None), plan.definition(&files, &omit));
            written.map_err(Error::files("the bake file"))?;
            let watches = plan.builds.iter().zip(all);
            let mut watches: Vec<Watch<'b>> = watches
                .map(|(build, built)| watch(build, built, &omit))
                .collect();
            let entries = plan.builds.iter().flat_map(|build| build.cache.entries());
            let this = Try::of(known, entries, &omit).await;
            let command = command::building(self.job, self.buildx).args(arguments);
            let followed = Followed {
                watches: &mut watches,
                names_targets: true,
                imports: &this.imports,
                stall: &stall,
            };
            let host = self.job.host;
            let ended = run::run(&command, host, progress.again(), followed).await?;
            let base = command::base(self.job, self.buildx);
            let again = this.is_made_again(self.job, &base, known, &ended, &watches);
            if !again.await? {
                break (watches, ended);
            }
        };
        let is_whole = matches!(ended, Ended::Well | Ended::Cancelled(_, true));
        let mut metadata = is_whole.then(|| Metadata::read(&files.metadata(None)));
        let begun = plan.builds.iter().zip(watches).map(|(build, mut watch)| {
            let with_another = matches!(
                ended,
                Ended::Failed { .. } | Ended::Silent(_) | Ended::Unanswered(_)
            );
            if with_another {
                watch.cut_short(CutShort::WithAnother);
            }
            let target = watch.target;
            let result = metadata.as_mut().map(|metadata| metadata.take(target));
            Some(Begun {
                result,
                done: done(&ended, &watch, build.is_pushed_alone())?,
                watch,
            })
        });
        let begun: Vec<_> = begun.collect();
        let left = begun.iter().filter(|begun| begun.is_none()).count();
        if left > 0 {
            info!(
                "{left} of the targets were ended with the one that failed: each is built by itself"
            );
        }
        Ok(begun)
    }
}

/// How the work on a target ended; `None` when none of it is done, or nobody can
/// tell: of what is not pushed the progress does not say that all is there.
fn done(ended: &Ended, watch: &Watch<'_>, is_pushed_alone: bool) -> Option<Done> {
    let (code, message) = match ended {
        Ended::Well | Ended::CutShort => return Some(Done::Well),
        Ended::Cancelled(signal, _) => return Some(Done::Cancelled(*signal)),
        Ended::Unanswered(_) => (&None, &String::new()),
        Ended::Failed { code, message } => (code, message),
        Ended::Silent(silent) => (&None, &silent.why),
    };
    let name = watch.target.unwrap_or_default();
    let failed = watch.export.failed.is_some() || is_about(message, name);
    match (failed, watch.wait.is_all_pushed(&watch.export)) {
        (true, _) => Some(Done::Failed(*code, message.clone())),
        (false, _) if !is_pushed_alone => None,
        (false, true) => Some(Done::Well),
        (false, false) if watch.export.pushed.is_empty() => None,
        // One digest for all names: the others are given to what is pushed.
        (false, false) => Some(Done::Stopped),
    }
}

/// `target NAME: failed to solve: …`, at the beginning: behind it are words of
/// anybody's.
fn is_about(message: &str, target: &str) -> bool {
    let message = message.strip_prefix("failed to build: ").unwrap_or(message);
    let named = message.strip_prefix("target ");
    let rest = named.and_then(|rest| rest.strip_prefix(target));
    rest.is_some_and(|rest| rest.starts_with(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_target_that_buildx_names_has_failed() {
        let message = "target web: failed to solve: process \"echo target api: done\"";
        for (target, expected) in [("web", true), ("api", false), ("we", false), ("b", false)] {
            assert_eq!(is_about(message, target), expected, "{target}");
        }
        assert!(is_about("failed to build: target web: x", "web"));
    }
}
