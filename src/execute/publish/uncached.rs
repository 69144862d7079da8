//! A build that a cache has stopped: it begins again without that cache.
//!
//! Two do: one that does not answer while it is read, and one that BuildKit
//! cannot be set up for, such as GitHub's with a token that it refuses.

use crate::input::CacheEntry;
use tracing::info;

use crate::execute::builder::recovery::failed_by_itself;
use crate::execute::builder::set_up;
use crate::execute::buildx::cache_reads::{BOUND, Imports};
use crate::execute::buildx::progress::ProgressObserver;
use crate::execute::buildx::run::BuildExit;
use crate::execute::error::Error;
use crate::execute::outcome::{BuilderState, RunState, left_out};
use crate::execute::scope::Scope;
use crate::host::Command;
use crate::plan::Exclusions;

/// What has stopped a build.
struct CacheFailure {
    /// The entries that are left out.
    entries: Vec<CacheEntry>,
    /// Why.
    why: String,
    /// True when the builder waits for them still.
    is_stuck: bool,
}

/// A try to build: what it reads, and what had become of the builder before.
pub struct CachedAttempt {
    pub imports: Imports,
    entries: Vec<CacheEntry>,
    generation: usize,
}

impl CachedAttempt {
    /// A build of these entries, without what is left out of them.
    pub async fn of<'a>(
        run_state: &RunState,
        entries: impl Iterator<Item = &'a CacheEntry>,
        exclusions: &Exclusions,
    ) -> Self {
        let entries: Vec<CacheEntry> = entries
            .filter(|entry| !exclusions.has_cache_from(entry))
            .cloned()
            .collect();
        let generation = run_state.builder_state.lock().await.generation;
        let imports = Imports::of(entries.clone());
        Self {
            imports: match generation {
                0 => imports,
                _ => imports.and_begin(),
            },
            entries,
            generation,
        }
    }

    /// The generation of the builder that it began on.
    pub fn generation(&self) -> usize {
        self.generation
    }

    /// Whether it is made again, as a cache has stopped it. What is left out by
    /// then is known.
    ///
    /// # Errors
    /// When the builder is stuck for good.
    pub async fn is_made_again(
        &self,
        scope: &Scope<'_>,
        base: &Command,
        run_state: &RunState,
        ended: &BuildExit,
        watches: &[ProgressObserver<'_>],
    ) -> Result<bool, Error> {
        let builder_state = &mut *run_state.builder_state.lock().await;
        let nothing_pushed = watches.iter().all(|watch| watch.export.pushed.is_empty());
        let is_over = match ended {
            BuildExit::Well | BuildExit::Interrupted | BuildExit::Cancelled(..) => false,
            BuildExit::Failed { message, .. } => !failed_by_itself(message),
            BuildExit::Silent(_) | BuildExit::Unanswered(_) => true,
        };
        if is_over && builder_state.generation > self.generation {
            // The build of another image has changed the builder meanwhile.
            return Ok(nothing_pushed);
        }
        let Some(stop) = self.stop(ended) else {
            return Ok(false);
        };
        if stop.entries.is_empty() {
            let name = scope.plan.builder.name().unwrap_or("default").to_owned();
            return Err(Error::Stuck { name });
        }
        stop.note(builder_state);
        if stop.is_stuck {
            builder_state.generation += 1;
            set_up::restart_builder(scope, base).await?;
        }
        Ok(nothing_pushed)
    }

    fn stop(&self, ended: &BuildExit) -> Option<CacheFailure> {
        match ended {
            BuildExit::Unanswered(entries) => Some(CacheFailure {
                entries: entries.clone(),
                why: format!(
                    "it gave no answer for {} s while it was read",
                    BOUND.as_secs()
                ),
                is_stuck: true,
            }),
            BuildExit::Failed { message, .. } => {
                let (kind, why) = unconfigured_cache(message)?;
                let same = self.entries.iter().filter(|entry| entry.kind() == kind);
                let entries: Vec<CacheEntry> = same.cloned().collect();
                (!entries.is_empty()).then(|| CacheFailure {
                    entries,
                    why: why.lines().next().unwrap_or_default().to_owned(),
                    is_stuck: false,
                })
            }
            BuildExit::Well
            | BuildExit::Interrupted
            | BuildExit::Silent(_)
            | BuildExit::Cancelled(..) => None,
        }
    }
}

impl CacheFailure {
    /// Leaves the entries out from now on, and warns once.
    fn note(&self, builder_state: &mut BuilderState) {
        let is_new = |entry: &&CacheEntry| !builder_state.without_caches.contains(entry);
        let new: Vec<CacheEntry> = self.entries.iter().filter(is_new).cloned().collect();
        if new.is_empty() {
            return;
        }
        let mut names: Vec<String> = new.iter().map(CacheEntry::name).collect();
        names.dedup();
        let names = names.join(", ");
        info!("the build begins again without the cache {names}");
        builder_state.warnings.push(left_out(&names, &self.why));
        builder_state.without_caches.extend(new);
    }
}

/// The type of the cache that BuildKit could not be set up for, and why: in its
/// last words, from the beginning on, as behind that are words of anybody's.
fn unconfigured_cache(message: &str) -> Option<(&str, &str)> {
    let message = message.strip_prefix("failed to build: ").unwrap_or(message);
    let of_target = message
        .strip_prefix("target ")
        .and_then(|rest| Some(rest.split_once(": ")?.1));
    let message = of_target.unwrap_or(message);
    let rest = message.strip_prefix("failed to solve: failed to configure ")?;
    let (kind, why) = rest.split_once(" cache exporter: ")?;
    (!kind.contains(' ')).then_some((kind, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_that_cannot_be_configured_is_told_by_the_last_words_alone() {
        let why = "token is malformed: token contains an invalid number of segments";
        let rest = format!("failed to solve: failed to configure gha cache exporter: {why}");
        for begin in [
            "",
            "failed to build: ",
            "target api: ",
            "failed to build: target api: ",
        ] {
            let message = format!("{begin}{rest}");
            assert_eq!(
                unconfigured_cache(&message),
                Some(("gha", why)),
                "{message}"
            );
        }
        for other in [
            "failed to solve: process \"failed to configure gha cache exporter: x\" did not complete",
            "failed to solve: failed to configure the gha cache exporter: x",
            "failed to configure gha cache exporter: x",
        ] {
            assert_eq!(unconfigured_cache(other), None, "{other}");
        }
    }
}
