//! One call of buildx for an image.

use std::fs;

use crate::execute::buildx::command;
use crate::execute::buildx::content_signal::ContentSignal;
use crate::execute::buildx::run::{self, BuildExit, Followed, Metadata};
use crate::execute::error::Error;
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::attempt::{AttemptResult, BuildAttempt, observer};
use crate::execute::publish::image::ImagePublisher;
use crate::execute::publish::uncached::CachedAttempt;
use crate::host::Progress;
use crate::image::reference;
use crate::plan::{Content, Exclusions};
use crate::registry::ManifestBytes;

impl ImagePublisher<'_> {
    /// A build, with a push of everything that is due.
    pub async fn build_once(
        &self,
        mut progress: Progress<'_>,
        built: &ImageOutcome,
    ) -> Result<BuildAttempt<'_>, Error> {
        let run_state = self.run_state;
        let stall = self.stall();
        let (watch, (ended, index, pushed), generation) = loop {
            let names = self.names_later(built);
            let exclusions = run_state.exclusions(built.pushes.settled(), names).await;
            let mut watch = [observer(self.build, built, &exclusions)];
            let content = watch[0].content.clone();
            self.write_definition(&exclusions)?;
            let entries = self.build.cache.entries();
            let this = CachedAttempt::of(run_state, entries, &exclusions).await;
            let arguments = self.build.arguments(&self.files, &exclusions);
            let command = command::building(self.scope, self.buildx).args(arguments);
            let followed = Followed {
                watches: &mut watch,
                names_targets: self.build.names_targets(),
                imports: &this.imports,
                stall: &stall,
                display: self.scope.plan.display,
            };
            let host = self.scope.host;
            let building = run::run(&command, host, progress.reborrow(), followed);
            let index = self.read_index(&content, names, built);
            let pushed = self.push_once_stored(&content, built);
            // Large enough to overflow the stack where it is part of others.
            let beside = Box::pin(async { tokio::join!(building, index, pushed) });
            let (ended, index, pushed) = beside.await;
            let ended = ended?;
            let base = self.command();
            let is_made_again = pushed.is_empty()
                && this
                    .is_made_again(self.scope, &base, run_state, &ended, &watch)
                    .await?;
            if !is_made_again {
                let [watch] = watch;
                break (watch, (ended, index, pushed), this.generation());
            }
        };
        let target = self.build.target.as_deref();
        let result = match ended {
            BuildExit::Well | BuildExit::Cancelled(_, true) => {
                Some(Metadata::read(&self.files.metadata(target)).take_result(target))
            }
            _ => None,
        };
        let done = match ended {
            BuildExit::Well | BuildExit::Interrupted => AttemptResult::Well,
            // Something is pushed already: what is left is copied from that.
            BuildExit::Unanswered(_) => AttemptResult::Stopped,
            BuildExit::Failed { code, message } => AttemptResult::Failed(code, message),
            BuildExit::Silent(silent) => AttemptResult::Failed(None, silent.why),
            BuildExit::Cancelled(signal, _) => AttemptResult::Cancelled(signal),
        };
        Ok(BuildAttempt {
            generation,
            watch,
            result,
            index,
            pushed,
            done,
        })
    }

    /// Reads the index as soon as it is pushed: buildx takes a while to end.
    async fn read_index(
        &self,
        content: &ContentSignal,
        names: bool,
        built: &ImageOutcome,
    ) -> Option<ManifestBytes> {
        let is_by_digest = names && self.build.content == Content::ByDigest;
        if !is_by_digest || self.scope.plan.leaves_names() || !content.wait().await {
            return None;
        }
        let pushed = built.pushes.repositories_of_builder();
        let image = reference::name(pushed.first()?)?;
        self.client
            .manifest_bytes(&image, &content.digest()?)
            .await
            .ok()
    }

    /// Gives a target back to buildx.
    fn write_definition(&self, exclusions: &Exclusions) -> Result<(), Error> {
        let (Some(target), Some(text)) = (
            &self.build.target,
            self.build.definition(&self.files, exclusions),
        ) else {
            return Ok(());
        };
        let written = fs::write(self.files.definition(Some(target)), text);
        written.map_err(Error::files("the target's bake file"))
    }
}
