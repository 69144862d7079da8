//! How large the image is, before anything is called by its names.

use crate::execute::error::{Error, TooLarge};
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::image::ImageName;

impl ImagePublisher<'_> {
    /// Stops where a platform takes more than it may. What cannot be read from here is
    /// a warning.
    pub async fn check_size(&self, built: &mut ImageOutcome) -> Result<(), Error> {
        let limit = &self.scope.plan.size_limit;
        let digest = built.result.digest.clone();
        let repository = built.pushes.due_repositories().into_iter().next();
        let image = self.build.images.first().filter(|_| repository.is_some());
        let (false, Some(image), Some(digest)) = (limit.is_none(), image, digest) else {
            return Ok(());
        };
        let sizes = self.sizes(image, digest.as_str()).await;
        let sizes = match sizes {
            Ok(sizes) => sizes,
            Err(why) => {
                built
                    .warnings
                    .push(format!("`size-limit` was not checked: {why}"));
                return Ok(());
            }
        };
        let too_large: Vec<TooLarge> = sizes
            .into_iter()
            .filter_map(|(platform, size)| {
                let limit = limit.of(&platform).filter(|limit| size > *limit)?;
                Some(TooLarge {
                    platform,
                    size,
                    limit,
                })
            })
            .collect();
        if too_large.is_empty() {
            Ok(())
        } else {
            Err(Error::TooLarge {
                image: format!("{image}@{digest}"),
                platforms: too_large,
            })
        }
    }

    /// What a pull of each platform takes, in bytes.
    async fn sizes(&self, image: &ImageName, digest: &str) -> Result<Vec<(String, u64)>, String> {
        let read = self.client.manifest(image, digest).await;
        let manifest = read.map_err(|error| error.to_string())?;
        if manifest.platforms.is_empty() {
            let platform = self.build.platforms.first();
            let platform = platform.map(ToString::to_string).unwrap_or_default();
            return Ok(vec![(platform, manifest.size)]);
        }
        let listed = self.client.manifests_of(image, &manifest).await.into_iter();
        listed
            .map(|(entry, own)| {
                let own = own.map_err(|error| error.to_string())?;
                Ok((entry.platform.clone(), own.size))
            })
            .collect()
    }
}
