//! Names that a push by the builder has left: they come out of the engine's store, or
//! are copied from what was pushed.

use tracing::info;

use crate::execute::buildx::export::Export;
use crate::execute::buildx::imagetools::{self, CopyResult};
use crate::execute::engine::image_store::Store;
use crate::execute::error::Error;
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::execute::pushes::push_failure_text;
use crate::host::Progress;

impl ImagePublisher<'_> {
    /// Pushes what is due out of the engine's store.
    pub async fn push_from_store(
        &self,
        store: &Store<'_>,
        source: &str,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        for reference in built.pushes.due() {
            if built.pushes.is_settled(&reference) {
                continue;
            }
            info!("pushing {reference} out of the engine's store");
            let push = async {
                tokio::select! {
                    pushed = store.push(source, &reference) => pushed,
                    why = self.registry_silence(&reference, built) => Err(why),
                }
            };
            let pushed = self.scope.host.unless_cancelled(push).await?;
            match pushed {
                Ok(digest) => {
                    built.pushes.record_success(&reference);
                    if built.result.digest.is_none() {
                        built.result.digest = digest;
                    }
                }
                Err(why) => {
                    self.report_failed_push(&reference, &push_failure_text(&reference, &why), built)
                        .await
                }
            }
        }
        Ok(())
    }

    /// Copies what was pushed to the names that are due.
    pub async fn copy_pushed(
        &self,
        mut progress: Progress<'_>,
        export: &Export,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        let image = built.pushes.done().next().map(|push| push.image().clone());
        let (Some(image), Some(digest)) = (image, built.result.digest.clone()) else {
            return Ok(());
        };
        let source = imagetools::Source {
            image: &image,
            digest: &digest,
            is_index: export.is_index,
        };
        for reference in built.pushes.due() {
            if built.pushes.is_settled(&reference) {
                continue;
            }
            info!("copying {image}@{digest} to {reference}");
            let command = source.command(self.command(), &reference);
            let copied = tokio::select! {
                copied = imagetools::run(&command, self.scope.host, progress.reborrow()) => copied,
                why = self.registry_silence(&reference, built) => CopyResult::Failed(why),
            };
            match copied {
                CopyResult::Done => built.pushes.record_success(&reference),
                CopyResult::Failed(why) => {
                    self.report_failed_push(
                        &reference,
                        &push_failure_text(&reference, &why),
                        built,
                    )
                    .await;
                }
                CopyResult::Interrupted(signal) => return Err(Error::Cancelled(signal)),
            }
        }
        Ok(())
    }
}
