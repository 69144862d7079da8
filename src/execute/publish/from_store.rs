//! The first name of each repository, pushed out of the engine's store: it takes the
//! content along.
//!
//! Where nothing stands between content and names, that begins as soon as the image is
//! in the store, while buildx still writes a cache elsewhere, builds other targets, or ends.

use futures_util::stream::{self, StreamExt as _};
use tracing::info;

use crate::execute::buildx::content_signal::ContentSignal;
use crate::execute::engine::image_store::Store;
use crate::execute::error::Error;
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::attempt::{StorePush, StoreResult};
use crate::execute::publish::forward::keep_back;
use crate::execute::publish::image::ImagePublisher;
use crate::execute::publish::names::{AT_A_TIME, first_of_each};
use crate::execute::pushes::push_failure_text;
use crate::image::Reference;
use crate::plan::{Content, DestinationName};

impl ImagePublisher<'_> {
    /// Pushes the first name of each repository, side by side.
    pub async fn push_first_names(
        &self,
        store: &Store<'_>,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        let first = self.next_first_names(built).await;
        let pushes = first
            .iter()
            .map(|name| self.push_one(store, name.reference.clone(), built));
        let pushes = stream::iter(pushes).buffer_unordered(AT_A_TIME);
        let (pushed, ended) = self.all_until_cancelled(pushes).await;
        self.take_in_pushed(pushed, built).await;
        ended
    }

    /// Waits until the image is in the engine's store, and pushes the first name of each
    /// repository; none that stands for something newer. Nothing where the build ends
    /// without the image, or a test comes before the names.
    pub async fn push_once_stored(
        &self,
        content: &ContentSignal,
        built: &ImageOutcome,
    ) -> Vec<StorePush> {
        if !self.names_follow_at_once(built) || !content.wait().await {
            return Vec::new();
        }
        let Some(store) = self.store() else {
            return Vec::new();
        };
        let first = first_of_each(&self.build.names, built);
        let pushes = first.iter().map(async |name| {
            let reference = name.reference.clone();
            match self.why_first_is_kept_back(name).await {
                Some(why) => StorePush {
                    reference,
                    result: StoreResult::KeptBack(why),
                },
                None => self.push_one(&store, reference, built).await,
            }
        });
        let pushes = stream::iter(pushes).buffer_unordered(AT_A_TIME);
        // The build reports the signal.
        self.all_until_cancelled(pushes).await.0
    }

    /// Takes in what has become of names that were pushed.
    pub async fn take_in_pushed(&self, pushed: Vec<StorePush>, built: &mut ImageOutcome) {
        for StorePush { reference, result } in pushed {
            match result {
                StoreResult::Pushed(digest) => {
                    built.pushes.record_success(&reference);
                    built.result.digest = digest.or(built.result.digest.take());
                }
                StoreResult::KeptBack(why) => keep_back(&reference, &why, built),
                StoreResult::Failed(why) => {
                    let text = push_failure_text(&reference, &why);
                    self.report_failed_push(&reference, &text, built).await;
                }
            }
        }
    }

    /// The engine's store, where this image is built into it and its API can be reached.
    pub fn store(&self) -> Option<Store<'_>> {
        let facts = self.scope.facts;
        Store::open(
            &facts.engine,
            &facts.docker,
            self.credentials,
            self.scope.host,
        )
    }

    /// True where the first names may be written whatever becomes of the build after the
    /// image is in the engine's store. What else may stop them takes a builder that
    /// pushes the content without a name. A cache that goes to a registry has most of
    /// the image's layers: after it they need not be sent a second time.
    fn names_follow_at_once(&self, built: &ImageOutcome) -> bool {
        self.build.content == Content::FromEngine
            && self.names_later(built)
            && self.build.test.is_none()
            && !self.build.cache.is_written_to_registry()
            && self.build.is_pushed_alone()
    }

    /// Why a name is not for this image, where it goes forward only.
    async fn why_first_is_kept_back(&self, name: &DestinationName) -> Option<String> {
        let reference = Reference::parse(&name.reference).ok();
        let reference = reference.filter(|_| self.goes_forward(name))?;
        self.why_kept_back(&reference).await
    }

    async fn push_one(
        &self,
        store: &Store<'_>,
        reference: String,
        built: &ImageOutcome,
    ) -> StorePush {
        info!("pushing {reference} out of the engine's store");
        let pushed = tokio::select! {
            pushed = store.push(&reference, &reference) => pushed,
            why = self.registry_silence(&reference, built) => Err(why),
        };
        let result = match pushed {
            Ok(digest) => {
                info!("{reference} is written");
                StoreResult::Pushed(digest)
            }
            Err(why) => StoreResult::Failed(why),
        };
        StorePush { reference, result }
    }
}
