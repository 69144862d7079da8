//! One index in every repository, of what legs have pushed there by digest.
//!
//! Its first name takes it along. Where no name is written without all others, it goes
//! ahead under its digest.

use futures_util::future::join_all;
use tracing::info;

use crate::execute::error::{Error, MissingPart};
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::image::{ImageName, Platform};
use crate::plan::{Joined, Part, annotations_of_index};
use crate::registry::{IndexPart, ManifestBytes, RequestError, join};

/// Why a repository has no index.
enum NotJoined {
    /// The registry refused, or did not answer.
    Asked(RequestError),
    /// It lacks what legs have pushed.
    Missing(Vec<MissingPart>),
    /// What is there cannot be joined.
    Unfit(String),
}

impl ImagePublisher<'_> {
    /// Makes the index for every repository that lacks it.
    ///
    /// # Errors
    /// When a part is missing, or the parts do not make up one image.
    pub async fn join(&self, joined: &Joined, built: &mut ImageOutcome) -> Result<(), Error> {
        let due = built.pushes.due_repositories();
        let writes = due.iter().filter_map(|spelt| {
            let first = built.pushes.due_in(spelt)?;
            let image = built.pushes.image(&first)?.clone();
            Some(async move { (first, self.join_in(&image, joined).await) })
        });
        let done = self.scope.host.unless_cancelled(join_all(writes)).await?;
        let mut missing = Vec::new();
        for (reference, result) in done {
            match result {
                Ok(index) => {
                    built.result.digest = Some(index.digest().clone());
                    built.index = Some(index);
                    built.has_content = true;
                }
                Err(NotJoined::Asked(RequestError::Refused(refusal))) => {
                    self.report_refused_content(&reference, &refusal, built)
                        .await;
                }
                Err(NotJoined::Asked(RequestError::Unknown(why))) => {
                    self.report_failed_push(&reference, &why, built).await;
                }
                Err(NotJoined::Missing(mut parts)) => missing.append(&mut parts),
                Err(NotJoined::Unfit(why)) => return Err(Error::Unfit(why)),
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::Missing(missing))
        }
    }

    /// The index of what this repository has.
    async fn join_in(
        &self,
        image: &ImageName,
        joined: &Joined,
    ) -> Result<ManifestBytes, NotJoined> {
        let reads = joined.parts.iter().map(async |part| {
            let bytes = self.client.manifest_bytes(image, &part.digest).await;
            (part, bytes)
        });
        let mut missing = Vec::new();
        let mut manifests: Vec<(&Part, ManifestBytes)> = Vec::new();
        for (part, bytes) in join_all(reads).await {
            match bytes {
                Ok(bytes) => manifests.push((part, bytes)),
                Err(RequestError::Refused(refusal)) if refusal.status == 404 => {
                    missing.push(MissingPart::of(image, part));
                }
                Err(stop) => return Err(NotJoined::Asked(stop)),
            }
        }
        if !missing.is_empty() {
            return Err(NotJoined::Missing(missing));
        }
        let parts: Vec<IndexPart<'_>> = manifests
            .iter()
            .map(|(part, manifest)| IndexPart {
                manifest,
                platforms: &part.platforms,
            })
            .collect();
        let annotations =
            |platform: Option<&Platform>| annotations_of_index(&joined.annotations, platform);
        let index = join(&parts, &self.build.platforms, &annotations).map_err(NotJoined::Unfit)?;
        info!(
            "{image}: the parts of all legs are there, and make {}",
            index.digest()
        );
        if self.gate.is_some() {
            let written = self.client.write_manifest(image, &index).await;
            written.map_err(NotJoined::Asked)?;
        }
        Ok(index)
    }
}
