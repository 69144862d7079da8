//! One index in every repository, of what legs have pushed by digest. What a repository
//! lacks is copied from one that has it.
//!
//! Its first name takes it along. Where no name is written without all others, it goes
//! ahead under its digest.

use futures_util::future::join_all;
use tracing::info;

use crate::execute::error::{Error, MissingPart};
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::copy::{Destination, Holder};
use crate::execute::publish::image::ImagePublisher;
use crate::image::{Digest, ImageName, Platform, Reference};
use crate::plan::{JoinedImage, annotations_of_index};
use crate::registry::{IndexPart, ManifestBytes, RequestError, join};

/// A repository, and what it has of the parts.
struct Repository {
    /// The first name that is to be written there.
    first: String,
    image: ImageName,
    /// In the order of the parts; `None` for one that it lacks.
    parts: Vec<Option<ManifestBytes>>,
}

/// What has become of a repository, by its first name.
type RepositoryResult<T> = (String, Result<T, RequestError>);

impl ImagePublisher<'_> {
    /// Makes the index for every repository that lacks it.
    ///
    /// # Errors
    /// When a part is nowhere, or the parts do not make up one image.
    pub async fn join(&self, joined: &JoinedImage, built: &mut ImageOutcome) -> Result<(), Error> {
        let written = self.join_everywhere(joined, built);
        let done = self.scope.host.unless_cancelled(written).await??;
        built.content_in.clear();
        for (reference, result) in done {
            match result {
                Ok(index) => {
                    built.result.digest = Some(index.digest().clone());
                    built.index = Some(index);
                    built
                        .content_in
                        .extend(built.pushes.image(&reference).cloned());
                }
                Err(stop) => self.report_uncopied(&reference, stop, built).await,
            }
        }
        built.has_content = built.lacking_content().is_empty() && !built.content_in.is_empty();
        Ok(())
    }

    async fn join_everywhere(
        &self,
        joined: &JoinedImage,
        built: &ImageOutcome,
    ) -> Result<Vec<RepositoryResult<ManifestBytes>>, Error> {
        let due = built.pushes.first_due().into_iter();
        let reads = due.map(async |first| {
            let name = first.to_string();
            (name, self.look_into(first, joined).await)
        });
        let mut repositories = Vec::new();
        let mut done: Vec<RepositoryResult<ManifestBytes>> = Vec::new();
        for (first, looked) in join_all(reads).await {
            match looked {
                Ok(repository) => repositories.push(repository),
                Err(stop) => done.push((first, Err(stop))),
            }
        }
        let missing = missing(joined, &repositories);
        match (missing.is_empty(), done.is_empty()) {
            (true, _) => {}
            (false, true) => return Err(Error::Missing(missing)),
            // It may be in one that did not tell.
            (false, false) => {
                let why = || RequestError::Unknown("what legs have pushed is not there".to_owned());
                let firsts = repositories.into_iter().map(|one| one.first);
                done.extend(firsts.map(|first| (first, Err(why()))));
                return Ok(done);
            }
        }
        if repositories.is_empty() {
            return Ok(done);
        }
        let index = self.index(joined, &repositories)?;
        let filled = self.fill(joined, &repositories).await;
        let written = filled.into_iter().map(async |(one, filled)| {
            let written = match (filled, &self.gate) {
                (Ok(()), Some(_)) => self.client.write_manifest(&one.image, &index).await,
                (filled, _) => filled,
            };
            (one.first, written.map(|()| index.clone()))
        });
        done.extend(join_all(written).await);
        Ok(done)
    }

    async fn look_into(
        &self,
        first: &Reference,
        joined: &JoinedImage,
    ) -> Result<Repository, RequestError> {
        let image = &first.name;
        let reads = joined.parts.iter().map(async |part| {
            match self.client.manifest_bytes(image, &part.digest).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(RequestError::Refused(refusal)) if refusal.status == 404 => Ok(None),
                Err(stop) => Err(stop),
            }
        });
        let parts: Result<Vec<_>, RequestError> = join_all(reads).await.into_iter().collect();
        Ok(Repository {
            first: first.to_string(),
            image: image.clone(),
            parts: parts?,
        })
    }

    /// The index of all parts, wherever they are.
    fn index(
        &self,
        joined: &JoinedImage,
        repositories: &[Repository],
    ) -> Result<ManifestBytes, Error> {
        let parts = joined.parts.iter().enumerate().filter_map(|(place, part)| {
            let mut having = repositories.iter().filter_map(|one| one.part(place));
            Some(IndexPart {
                manifest: having.next()?,
                platforms: &part.platforms,
            })
        });
        let parts: Vec<IndexPart<'_>> = parts.collect();
        let annotations =
            |platform: Option<&Platform>| annotations_of_index(&joined.annotations, platform);
        let index = join(&parts, &self.build.platforms, &annotations).map_err(Error::Unfit)?;
        info!(
            "the parts of all legs are there, and make {}",
            index.digest()
        );
        Ok(index)
    }

    /// Copies what one repository lacks and another one has.
    async fn fill<'a>(
        &self,
        joined: &'a JoinedImage,
        repositories: &'a [Repository],
    ) -> Vec<(Destination<'a>, Result<(), RequestError>)> {
        let digests = || joined.parts.iter().map(|part| &part.digest);
        let holders = repositories.iter().flat_map(|one| {
            let having = digests()
                .enumerate()
                .filter(|(place, _)| one.part(*place).is_some());
            having.map(|(_, digest)| (digest, &one.image))
        });
        let holders: Vec<Holder<'_>> = holders.collect();
        let destinations = repositories.iter().map(|one| Destination {
            first: one.first.clone(),
            image: one.image.clone(),
            lacks: one.missing(digests()),
        });
        self.copy_to_each(destinations.collect(), &holders).await
    }
}

impl Repository {
    fn part(&self, part: usize) -> Option<&ManifestBytes> {
        self.parts.get(part)?.as_ref()
    }

    /// Those of the digests of all parts that it does not have.
    fn missing<'a>(&self, digests: impl Iterator<Item = &'a Digest>) -> Vec<&'a Digest> {
        let all = digests.zip(&self.parts);
        let lacking = all.filter(|(_, manifest)| manifest.is_none());
        lacking.map(|(digest, _)| digest).collect()
    }
}

/// The parts that no repository has.
fn missing(joined: &JoinedImage, repositories: &[Repository]) -> Vec<MissingPart> {
    let parts = joined.parts.iter().enumerate();
    let nowhere =
        parts.filter(|(place, _)| repositories.iter().all(|one| one.part(*place).is_none()));
    let images = || repositories.iter().map(|one| &one.image);
    nowhere
        .flat_map(|(_, part)| images().map(|image| MissingPart::of(image, part)))
        .collect()
}
