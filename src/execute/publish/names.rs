//! The names of an image whose content is there: each is one `PUT` of the bytes that
//! the registry has. Those that move are written when the others are.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::stream::{self, FuturesUnordered};
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Semaphore;
use tracing::info;

use crate::execute::engine::image_store::Store;
use crate::execute::error::Error;
use crate::execute::outcome::{FormerName, ImageOutcome};
use crate::execute::publish::copy::Destination;
use crate::execute::publish::image::ImagePublisher;
use crate::image::{Digest, ImageName, Reference, Registry};
use crate::input::MovingTags;
use crate::plan::DestinationName;
use crate::registry::{ManifestBytes, RequestError};

/// How many contents are sent, or manifests read, at a time.
pub const AT_A_TIME: usize = 16;
/// How many names are written at a time in each registry.
const NAMES_AT_A_TIME: usize = 32;

/// Why a name was not written.
enum NameError {
    /// The registry was asked, in vain.
    Asked(RequestError),
    /// It has stopped answering.
    Silent(String),
}

/// What has become of a name.
struct NameResult {
    name: String,
    /// What it stood for, where it may have to be put back.
    before: Option<FormerName>,
    result: Result<(), NameError>,
}

impl ImagePublisher<'_> {
    /// Writes the names that are due. With the engine's store the first name of each
    /// repository takes the content along.
    pub async fn write_names(
        &self,
        store: Option<&Store<'_>>,
        built: &mut ImageOutcome,
    ) -> Result<(), Error> {
        if let Some(store) = store {
            self.push_first_names(store, built).await?;
        }
        let names = &self.build.names;
        for of_one_motion in names.chunk_by(|one, next| one.motion == next.motion) {
            let due: Vec<Reference> = of_one_motion
                .iter()
                .filter(|name| !built.pushes.is_settled(&name.reference))
                .filter_map(|name| Reference::parse(&name.reference).ok())
                .filter(|name| built.has_content_in(&name.name))
                .collect();
            if due.is_empty() {
                continue;
            }
            let Some(digest) = built.result.digest.clone() else {
                built.builder_names = true;
                return Ok(());
            };
            let known = built.index.clone();
            let manifests = self.manifests(&due, &digest, known.as_ref());
            let standing = async {
                match of_one_motion {
                    [name, ..] if self.goes_forward(name) => {
                        self.go_forward(due.clone(), built).await
                    }
                    _ => due.clone(),
                }
            };
            let asked = async { tokio::join!(manifests, standing) };
            let (manifests, due) = self.scope.host.unless_cancelled(asked).await?;
            if due.is_empty() {
                continue;
            }
            // The names after these need not ask again.
            let known = manifests
                .values()
                .find_map(|manifest| manifest.as_ref().ok());
            built.index = known.cloned().or(built.index.take());
            let (written, ended) = self.write_each(&due, &manifests, built).await;
            for NameResult {
                name,
                before,
                result,
            } in written
            {
                if result.is_ok() {
                    built.before.extend(before);
                }
                self.take_in_name(&name, result, built).await;
            }
            ended?;
        }
        Ok(())
    }

    /// Finishes what an earlier run has begun: every repository gets the image of the
    /// version that is kept, and then its names.
    pub async fn finish(&self, built: &mut ImageOutcome) -> Result<(), Error> {
        loop {
            self.pause(&built.pushes).await?;
            self.copy_kept(built).await?;
            self.write_names(None, built).await?;
            if built.pushes.due().is_empty() {
                return built.pushes.failures();
            }
        }
    }

    /// Copies the image that is kept to each repository without it.
    async fn copy_kept(&self, built: &mut ImageOutcome) -> Result<(), Error> {
        let Some(kept) = built.kept.first().cloned() else {
            return Ok(());
        };
        let Ok(Reference { name: holder, .. }) = Reference::parse(&kept.reference) else {
            return Ok(());
        };
        let first = self.next_first_names(built).await;
        let destinations = first.into_iter().filter_map(|name| {
            Some(Destination {
                first: name.reference.clone(),
                image: Reference::parse(&name.reference).ok()?.name,
                lacks: vec![&kept.digest],
            })
        });
        let destinations = destinations.collect();
        let holders = [(&kept.digest, &holder)];
        let copied = self.copy_to_each(destinations, &holders);
        for (one, copied) in self.scope.host.unless_cancelled(copied).await? {
            match copied {
                Ok(()) => built.content_in.push(one.image),
                Err(stop) => self.report_uncopied(&one.first, stop, built).await,
            }
        }
        Ok(())
    }

    /// The first name of each repository that has nothing of the image yet, and whose
    /// names do not all stand for something newer.
    pub async fn next_first_names(&self, built: &mut ImageOutcome) -> Vec<&DestinationName> {
        loop {
            let first = first_of_each(&self.build.names, built);
            let moving: Vec<Reference> = first
                .iter()
                .filter(|name| self.goes_forward(name))
                .filter_map(|name| Reference::parse(&name.reference).ok())
                .collect();
            let count = moving.len();
            if self.go_forward(moving, built).await.len() == count {
                return first;
            }
        }
    }

    /// What these come to, side by side; those that were done when a signal came.
    pub async fn all_until_cancelled<T>(
        &self,
        works: impl Stream<Item = T>,
    ) -> (Vec<T>, Result<(), Error>) {
        let mut all = pin!(works);
        let mut done = Vec::new();
        loop {
            match self.scope.host.unless_cancelled(all.next()).await {
                Ok(Some(one)) => done.push(one),
                Ok(None) => return (done, Ok(())),
                Err(signal) => return (done, Err(signal.into())),
            }
        }
    }

    /// True for a name that is left where it is when it stands for something newer.
    pub fn goes_forward(&self, name: &DestinationName) -> bool {
        name.motion.is_moving() && self.scope.plan.moving_tags == MovingTags::Forward
    }

    /// Writes these names, side by side. Those that were written when a signal came are
    /// told too.
    async fn write_each(
        &self,
        due: &[Reference],
        manifests: &BTreeMap<ImageName, Result<ManifestBytes, RequestError>>,
        built: &ImageOutcome,
    ) -> (Vec<NameResult>, Result<(), Error>) {
        let limits = limits(due);
        let writes = due.iter().enumerate().map(async |(place, reference)| {
            let limit = limits.get(&reference.name.registry);
            let _turn = match limit {
                Some(limit) => limit.acquire().await.ok(),
                None => None,
            };
            let manifest = manifests.get(&reference.name);
            (place, self.write_one(reference, manifest, built).await)
        });
        let writes: FuturesUnordered<_> = writes.collect();
        let (mut written, ended) = self.all_until_cancelled(writes).await;
        written.sort_by_key(|(place, _)| *place);
        (written.into_iter().map(|(_, one)| one).collect(), ended)
    }

    async fn write_one(
        &self,
        reference: &Reference,
        manifest: Option<&Result<ManifestBytes, RequestError>>,
        built: &ImageOutcome,
    ) -> NameResult {
        let name = reference.to_string();
        let asked = |stop| Err(NameError::Asked(stop));
        let (before, result) = match (&reference.tag, manifest, self.before(reference).await) {
            (Some(tag), Some(Ok(manifest)), Ok(before)) => {
                let written = tokio::select! {
                    written = self.client.write_name(&reference.name, tag, manifest) => {
                        written.map_err(NameError::Asked)
                    }
                    why = self.registry_silence(&name, built) => Err(NameError::Silent(why)),
                };
                (before, written)
            }
            (_, Some(Err(stop)), _) => (None, asked(stop.clone())),
            (_, _, Err(stop)) => (None, asked(stop)),
            (None, ..) | (_, None, _) => {
                let why = "it has no tag".to_owned();
                (None, asked(RequestError::Unknown(why)))
            }
        };
        NameResult {
            name,
            before,
            result,
        }
    }

    /// What a name stands for, where it may have to be put back.
    async fn before(&self, reference: &Reference) -> Result<Option<FormerName>, RequestError> {
        let (Some(tag), Some(_)) = (&reference.tag, self.gate) else {
            return Ok(None);
        };
        let manifest = self.client.bytes_of_tag(&reference.name, tag).await?;
        Ok(Some(FormerName {
            reference: reference.clone(),
            manifest,
        }))
    }

    /// The bytes of the image in the repository of each of these names.
    async fn manifests(
        &self,
        due: &[Reference],
        digest: &Digest,
        known: Option<&ManifestBytes>,
    ) -> BTreeMap<ImageName, Result<ManifestBytes, RequestError>> {
        let known = known.filter(|known| known.digest() == digest);
        let mut images: Vec<&ImageName> = due.iter().map(|reference| &reference.name).collect();
        images.sort();
        images.dedup();
        let reads = images.into_iter().map(async |image| {
            let bytes = match known {
                Some(known) => Ok(known.clone()),
                None => self.client.manifest_bytes(image, digest).await,
            };
            (image.clone(), bytes)
        });
        stream::iter(reads)
            .buffer_unordered(AT_A_TIME)
            .collect()
            .await
    }

    /// Takes in what has become of a name. Where its registry cannot be reached from
    /// here, the builder may.
    async fn take_in_name(
        &self,
        reference: &str,
        written: Result<(), NameError>,
        built: &mut ImageOutcome,
    ) {
        let why = match written {
            Ok(()) => {
                info!("{reference} is written");
                return built.pushes.record_success(reference);
            }
            Err(NameError::Asked(RequestError::Refused(refusal))) => {
                return self.report_refused_name(reference, &refusal, built).await;
            }
            Err(NameError::Asked(RequestError::Unknown(why))) => {
                let image = built.pushes.image(reference);
                let registry = image.map(|image| &image.registry);
                if let (Some(registry), None) = (registry, self.gate)
                    && !self.client.has_answered(registry).await
                {
                    let registry = registry.clone();
                    return built.let_builder_name(&registry);
                }
                why
            }
            Err(NameError::Silent(why)) => why,
        };
        self.report_unwritten_name(reference, &why, built).await;
    }
}

/// How many names of each registry may be written at a time.
fn limits(due: &[Reference]) -> BTreeMap<&Registry, Semaphore> {
    let registries = due.iter().map(|reference| &reference.name.registry);
    registries
        .map(|registry| (registry, Semaphore::new(NAMES_AT_A_TIME)))
        .collect()
}

/// The first name of each repository that has nothing of the image yet.
pub fn first_of_each<'a>(
    names: &'a [DestinationName],
    built: &ImageOutcome,
) -> Vec<&'a DestinationName> {
    let mut first: Vec<(ImageName, &DestinationName)> = Vec::new();
    for name in names {
        let Ok(reference) = Reference::parse(&name.reference) else {
            continue;
        };
        let is_known = first.iter().any(|(image, _)| *image == reference.name);
        let is_there = built.has_content_in(&reference.name);
        if !is_known && !is_there && !built.pushes.is_settled(&name.reference) {
            first.push((reference.name, name));
        }
    }
    first.into_iter().map(|(_, name)| name).collect()
}
