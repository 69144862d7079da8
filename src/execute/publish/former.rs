//! What the name that moves most stood for before: what an image is compared with.

use std::time::Duration;

use tokio::time::timeout;

use crate::execute::publish::image::ImagePublisher;
use crate::execute::verified::{FormerImage, PublishedPlatform};
use crate::image::Reference;

/// How long it may take to tell.
const WITHIN: Duration = Duration::from_secs(20);

impl ImagePublisher<'_> {
    /// The image that the last of the names that move stands for now; `None` where there
    /// is none, or the registry does not tell. It is asked while the image is built.
    pub async fn former_image(&self) -> Option<FormerImage> {
        if !self.run_state.pushes(self.build) || self.scope.plan.leaves_names() {
            return None;
        }
        let mut moving = self.build.names.iter().rev();
        let name = moving.find(|name| name.motion.is_moving())?;
        let reference = Reference::parse(&name.reference).ok()?;
        timeout(WITHIN, self.read_former(&reference)).await.ok()?
    }

    async fn read_former(&self, reference: &Reference) -> Option<FormerImage> {
        let (client, image) = (self.client, &reference.name);
        let tag = reference.tag.as_ref()?.as_str();
        let manifest = client.manifest(image, tag).await.ok()?;
        let listed = client.manifests_of(image, &manifest).await.into_iter();
        let platforms = listed
            .filter_map(|(entry, own)| Some(PublishedPlatform::of(&entry.platform, &own.ok()?)));
        let platforms: Vec<PublishedPlatform> = platforms.collect();
        let alone = || {
            let platform = self.build.platforms.first()?.to_string();
            Some(PublishedPlatform::of(&platform, &manifest))
        };
        Some(FormerImage {
            reference: reference.to_string(),
            digest: manifest.digest.clone(),
            platforms: if manifest.platforms.is_empty() {
                alone().into_iter().collect()
            } else {
                platforms
            },
        })
    }
}
