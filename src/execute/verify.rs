//! After a push: what every tag of every image is in its registry.

use futures_util::future::join_all;

use super::{Error, Outcome};
use crate::image::{Digest, ImageName};
use crate::plan::Plan;
use crate::registry::{self, Client, Manifest};

/// What the registries told.
#[derive(Debug, Default)]
pub struct Verified {
    /// The references that were read back and are what was pushed.
    pub references: Vec<String>,
    /// The platforms of the image, with what is to be pulled for each.
    pub platforms: Vec<PublishedPlatform>,
    /// The number of attestation manifests beside them.
    pub attestations: usize,
}

/// One platform of a published image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedPlatform {
    /// The platform, as `OS/ARCHITECTURE`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// The compressed bytes that a pull of it takes; `None` when unknown.
    pub size: Option<u64>,
}

/// Reads every tag back, side by side. A difference is an error; a registry
/// that cannot be reached or trusted from here is a warning, since the engine
/// may see another network and trust other authorities than we do.
pub(super) async fn verify(
    plan: &Plan,
    client: &Client,
    outcome: &mut Outcome,
) -> Result<(), Error> {
    let Some(expected) = outcome.build.digest.clone() else {
        let text = "buildx told no digest: what was pushed is not compared with the registry";
        outcome.warnings.push(text.to_owned());
        return Ok(());
    };
    let references = references(plan);
    let answers = references
        .iter()
        .map(|(name, tag, _)| client.manifest(name, tag));
    let answers = join_all(answers).await;
    let mut manifest = None;
    let mut differs = None;
    for ((name, _, reference), answer) in references.iter().zip(answers) {
        match answer {
            Ok(found) if found.digest == expected => {
                outcome.verified.references.push((*reference).to_owned());
                manifest.get_or_insert((name, found));
            }
            Ok(found) => {
                differs.get_or_insert(difference(reference, &expected, &found.digest.to_string()));
            }
            Err(registry::Error::Missing(reference)) => {
                differs.get_or_insert(Error::NotThere { reference });
            }
            Err(registry::Error::Unreachable(why)) => outcome.warnings.push(format!(
                "pushed, but not read back from here: {why}. The engine reached the registry; \
                 if it has an authority of its own, give it as `ca-certificates`"
            )),
        }
    }
    if let Some((name, manifest)) = manifest {
        outcome.verified.attestations = manifest.attestations;
        outcome.verified.platforms = platforms(plan, client, name, manifest).await;
    }
    differs.map_or(Ok(()), Err)
}

/// Every reference, and the image and tag that it is made of.
fn references(plan: &Plan) -> Vec<(ImageName, &str, &str)> {
    plan.tags
        .iter()
        .filter_map(|reference| {
            let (name, tag) = reference.rsplit_once(':')?;
            Some((ImageName::parse(name).ok()?, tag, reference.as_str()))
        })
        .collect()
}

fn difference(reference: &str, expected: &Digest, found: &str) -> Error {
    Error::DigestDiffers {
        reference: reference.to_owned(),
        expected: expected.to_string(),
        found: found.to_owned(),
    }
}

/// The platforms of an index, each with its size; or the one platform that was
/// asked for, when it was pushed without an index.
async fn platforms(
    plan: &Plan,
    client: &Client,
    name: &ImageName,
    manifest: Manifest,
) -> Vec<PublishedPlatform> {
    if manifest.platforms.is_empty() {
        return plan
            .platforms
            .first()
            .map(|platform| PublishedPlatform {
                platform: platform.to_string(),
                digest: manifest.digest,
                size: Some(manifest.size),
            })
            .into_iter()
            .collect();
    }
    let sizes = manifest
        .platforms
        .iter()
        .map(|entry| client.manifest(name, entry.digest.as_str()));
    let sizes = join_all(sizes).await;
    manifest
        .platforms
        .into_iter()
        .zip(sizes)
        .map(|(entry, answer)| PublishedPlatform {
            platform: entry.platform,
            digest: entry.digest,
            size: answer.ok().map(|manifest| manifest.size),
        })
        .collect()
}
