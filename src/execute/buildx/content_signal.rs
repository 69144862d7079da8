//! Tells that the content of an image is where its names can be written, while buildx is
//! still at work: on a cache, on other targets, on its own end.

use tokio::sync::watch;

use crate::image::Digest;

/// Where the content of an image is that is being built.
#[derive(Debug, Default)]
enum ContentState {
    /// With the builder.
    #[default]
    Building,
    /// In the engine's store, or in its repositories; with its digest, where the
    /// builder tells it.
    Ready(Option<Digest>),
    /// Nowhere, and the build has ended.
    Missing,
}

/// Whether the content of an image is where its names can be written.
#[derive(Debug, Default)]
pub struct ContentSignal(watch::Sender<ContentState>);

impl ContentSignal {
    /// Waits for the content. False when the build has ended without it.
    pub async fn wait(&self) -> bool {
        let mut state = self.0.subscribe();
        let is_over = |state: &ContentState| !matches!(state, ContentState::Building);
        let over = state.wait_for(is_over).await;
        over.is_ok_and(|state| matches!(*state, ContentState::Ready(_)))
    }

    /// The digest of the content that is there, where the builder tells it.
    pub fn digest(&self) -> Option<Digest> {
        match &*self.0.borrow() {
            ContentState::Ready(digest) => digest.clone(),
            ContentState::Building | ContentState::Missing => None,
        }
    }

    /// The content is there.
    pub fn set_ready(&self, digest: Option<&Digest>) {
        self.0.send_replace(ContentState::Ready(digest.cloned()));
    }

    /// The build has ended: nobody waits any longer.
    pub fn end(&self) {
        self.0.send_if_modified(|state| {
            let is_building = matches!(state, ContentState::Building);
            if is_building {
                *state = ContentState::Missing;
            }
            is_building
        });
    }
}
