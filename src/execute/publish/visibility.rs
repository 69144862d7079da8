//! Whether what was published can be pulled by others: a new package on
//! GitHub's container registry is private, and nobody is told.

use futures_util::future::join_all;
use jiff::ToSpan as _;

use crate::execute::access::refusal::{PACKAGE, RefusalContext};
use crate::execute::scope::Scope;
use crate::image::ImageName;

impl Scope<'_> {
    /// A notice for each of these packages that this run has made and that is
    /// private.
    pub async fn private_packages(&self, images: &[ImageName]) -> Vec<String> {
        let asked = images.iter().map(|image| self.private_package(image));
        join_all(asked).await.into_iter().flatten().collect()
    }

    async fn private_package(&self, image: &ImageName) -> Option<String> {
        let refused = RefusalContext::of_push_to(self, Some(image))
            .with_package(PACKAGE)
            .await;
        let package = refused.package()?;
        // GitHub's clock and this machine's may be a little apart.
        let is_new = package.created? >= self.host.now().checked_sub(1.minute()).ok()?;
        if !is_new || package.visibility.as_deref() != Some("private") {
            return None;
        }
        let page = refused.package_settings();
        Some(format!(
            "{image} is new and private: only who may read this package can pull it. Where it is \
             to be public, change its visibility: {page}"
        ))
    }
}
