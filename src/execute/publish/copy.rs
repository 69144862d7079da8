//! Content that repositories get from others, without a name.

use std::collections::BTreeMap;

use futures_util::future::{join_all, try_join_all};
use tracing::info;

use crate::execute::error::Error;
use crate::execute::outcome::ImageOutcome;
use crate::execute::publish::image::ImagePublisher;
use crate::image::{Digest, ImageName, Registry};
use crate::registry::{Copier, RequestError};

/// A repository that is given what it lacks.
pub struct Destination<'a> {
    /// The first name that is to be written there.
    pub first: String,
    pub image: ImageName,
    /// What it lacks, by digest.
    pub lacks: Vec<&'a Digest>,
}

/// A digest, and a repository that has it.
pub type Holder<'a> = (&'a Digest, &'a ImageName);

impl ImagePublisher<'_> {
    /// Copies the content to the repositories that the builder has not pushed it to.
    /// Where their registry cannot be reached from here, the builder does it after all.
    pub async fn copy_content(&self, built: &mut ImageOutcome) -> Result<(), Error> {
        let Some(digest) = built.result.digest.clone() else {
            return Ok(());
        };
        let holding = built.content_in.clone();
        let holders: Vec<Holder<'_>> = holding.iter().map(|image| (&digest, image)).collect();
        let destinations = built
            .lacking_content()
            .into_iter()
            .map(|first| Destination {
                first: first.to_string(),
                image: first.name,
                lacks: vec![&digest],
            });
        let copied = self.copy_to_each(destinations.collect(), &holders);
        for (one, copied) in self.scope.host.unless_cancelled(copied).await? {
            let stop = match copied {
                Ok(()) => {
                    built.content_in.push(one.image);
                    continue;
                }
                Err(stop) => stop,
            };
            let is_unknown = matches!(stop, RequestError::Unknown(_));
            let registry = &one.image.registry;
            if !is_unknown || self.client.has_answered(registry).await {
                self.report_uncopied(&one.first, stop, built).await;
            } else if self.scope.plan.leaves_names() {
                info!(
                    "{registry} cannot be reached from this step, so {} gets its part from the \
                     job that joins them",
                    one.image
                );
                built.pushes.leave_out(&one.image);
            } else if self.gate.is_some() {
                self.report_uncopied(&one.first, stop, built).await;
            } else {
                built.let_builder_name(registry);
            }
        }
        Ok(())
    }

    /// Copies to each of them what it lacks, and tells how that went. Registries are
    /// written to side by side; of several repositories of one, each takes from those
    /// before it, so that a blob gets to a registry once.
    pub async fn copy_to_each<'a>(
        &self,
        destinations: Vec<Destination<'a>>,
        holders: &[Holder<'a>],
    ) -> Vec<(Destination<'a>, Result<(), RequestError>)> {
        let mut by_registry: BTreeMap<Registry, Vec<Destination<'a>>> = BTreeMap::new();
        for one in destinations {
            let of_registry = by_registry.entry(one.image.registry.clone());
            of_registry.or_default().push(one);
        }
        let all = by_registry.into_values().map(async |of_registry| {
            let mut done: Vec<(Destination<'a>, Result<(), RequestError>)> = Vec::new();
            for one in of_registry {
                let filled = done.iter().filter(|(_, result)| result.is_ok());
                let filled: Vec<Holder<'_>> = filled
                    .flat_map(|(other, _)| other.lacks.iter().map(|digest| (*digest, &other.image)))
                    .collect();
                let copied = match find_sources(&one, holders, &filled) {
                    Some(find_sources) => self.copy_all(&find_sources, &one.image).await,
                    None => Err(RequestError::Unknown("it is in no repository".to_owned())),
                };
                done.push((one, copied));
            }
            done
        });
        join_all(all).await.into_iter().flatten().collect()
    }

    /// Copies these digests, until a registry of them is silent.
    async fn copy_all(&self, sources: &[Holder<'_>], to: &ImageName) -> Result<(), RequestError> {
        let copier = Copier::to(self.client, to);
        let copies = sources.iter().map(|(digest, from)| {
            info!("copying {from}@{digest} to {to}");
            copier.copy(digest, from)
        });
        let images = || {
            let sources = sources.iter().map(|(_, from)| (*from).clone());
            sources.chain([to.clone()]).collect()
        };
        let stall = self.stall();
        tokio::select! {
            copied = try_join_all(copies) => copied.map(|_| ()),
            silent = stall.silent(images) => Err(RequestError::Unknown(silent.why)),
        }
    }
}

/// Where a repository gets each digest that it lacks: from its own registry where that
/// has it or was just `filled`, else from any that holds it.
fn find_sources<'a>(
    one: &Destination<'a>,
    holders: &[Holder<'a>],
    filled: &[Holder<'a>],
) -> Option<Vec<Holder<'a>>> {
    let source = |digest: &Digest| {
        let holding = |&&(held, _): &&Holder<'a>| held == digest;
        let near = |(_, image): &&Holder<'a>| image.registry == one.image.registry;
        let mut near_ones = holders.iter().filter(holding).filter(near);
        let any = || holders.iter().find(holding);
        let found = near_ones
            .next()
            .or(filled.iter().find(holding))
            .or_else(any);
        found.copied()
    };
    one.lacks.iter().map(|digest| source(digest)).collect()
}
