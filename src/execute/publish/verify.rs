//! After a push: what every tag of every image is in its registry.

use futures_util::future::join_all;

use crate::execute::error::{Difference, Error};
use crate::execute::outcome::ImageOutcome;
use crate::execute::pushes::Push;
use crate::execute::verified::PublishedPlatform;
use crate::image::{Digest, ImageName, Platform};
use crate::plan::Build;
use crate::registry::{self, Client, Manifest};

/// Reads every tag back, side by side. A difference is an error; a registry
/// that cannot be reached or trusted from here is a warning, since the engine
/// may see another network and trust other authorities than we do.
pub async fn verify(build: &Build, client: &Client, built: &mut ImageOutcome) -> Result<(), Error> {
    let Some(image) = built.result.digest.clone() else {
        let text = "buildx reported no digest, so the push could not be verified";
        built.warnings.push(text.to_owned());
        return Ok(());
    };
    let tagged = |push| Some((push, Push::tag(push)?));
    let pushed: Vec<(&Push, &str)> = built.pushes.done().filter_map(tagged).collect();
    let answers = pushed
        .iter()
        .map(|(push, tag)| client.manifest(push.image(), tag));
    // What an index lists is read beside it where it is known.
    let listed = listed(built, &image);
    let ahead = listed.iter().map(async |digest| {
        let (push, _) = pushed.first()?;
        client.manifest(push.image(), digest.as_str()).await.ok()
    });
    let (answers, ahead) = tokio::join!(join_all(answers), join_all(ahead));
    let mut manifest = None;
    let mut differences = Vec::new();
    for ((push, _), answer) in pushed.into_iter().zip(answers) {
        let reference = push.reference.to_string();
        let expected = push.digest.as_ref().unwrap_or(&image);
        match answer {
            Ok(found) if found.digest == *expected => {
                built.verified.references.push(reference);
                manifest.get_or_insert((push.image().clone(), found));
            }
            Ok(found) => differences.push(Difference::Digest {
                reference,
                expected: expected.to_string(),
                found: found.digest.to_string(),
            }),
            Err(registry::Error::Missing(reference)) => {
                differences.push(Difference::NotThere { reference });
            }
            Err(registry::Error::Unreachable(why)) => built.warnings.push(format!(
                "{} was pushed, but not read back from here: {why}. The engine reached the registry",
                push.reference
            )),
        }
    }
    if let Some((name, manifest)) = manifest {
        built.warnings.extend(missing_annotations(build, &manifest));
        built.verified.attestations = manifest.attestations;
        built.verified.annotations = manifest.annotations.clone();
        let ahead: Vec<Manifest> = ahead.into_iter().flatten().collect();
        built.verified.platforms = platforms(build, client, (&name, &manifest), &ahead).await;
        differences.extend(missing_platforms(build, built));
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(Error::Differs(differences))
    }
}

/// The manifests that the index lists, as far as that is known before it is read.
fn listed(built: &ImageOutcome, image: &Digest) -> Vec<Digest> {
    let known = built.index.as_ref().filter(|known| known.digest() == image);
    let index = known.and_then(|known| Manifest::parse(known.bytes()).ok());
    let made = || built.manifests.iter().filter(|made| *made != image);
    match index {
        Some(index) => index.platforms.into_iter().map(|one| one.digest).collect(),
        None => made().cloned().collect(),
    }
}

/// The platforms that were asked for and are not in the index.
fn missing_platforms(build: &Build, built: &ImageOutcome) -> Option<Difference> {
    let listed = &built.verified.platforms;
    let found: Vec<&str> = listed.iter().map(|found| found.platform.as_str()).collect();
    let is_there = |asked: &&Platform| found.iter().any(|found| asked.is_listed_as(found));
    let missing: Vec<String> = build
        .platforms
        .iter()
        .filter(|asked| !is_there(asked))
        .map(ToString::to_string)
        .collect();
    (!missing.is_empty()).then(|| Difference::Platforms {
        reference: built
            .verified
            .references
            .first()
            .cloned()
            .unwrap_or_default(),
        missing: missing.join(", "),
        found: found.join(", "),
    })
}

/// Annotations of the plan that are not there: of the index, where package pages
/// read description and repository; or of the one manifest, where some were asked
/// for. An image has none where an old or classic builder makes it.
fn missing_annotations(build: &Build, manifest: &Manifest) -> Option<String> {
    let is_index = !manifest.platforms.is_empty();
    if !is_index && !build.asks_for_annotations {
        return None;
    }
    let wanted = if is_index { "index" } else { "manifest" };
    let of_level = build.annotations.iter().filter_map(|annotation| {
        let (levels, pair) = annotation.split_once(':')?;
        let (key, _) = pair.split_once('=')?;
        let name = |level: &str| level.split('[').next() == Some(wanted);
        levels.split(',').any(name).then_some(key)
    });
    let missing: Vec<&str> = of_level
        .filter(|key| !manifest.annotations.contains_key(*key))
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "the builder left annotations of the {wanted} out: {}. A builder with the driver \
             docker-container writes them",
            missing.join(", ")
        )
    })
}

/// The platforms of an index, each with its size; or the one platform that was
/// asked for, when it was pushed without an index.
async fn platforms(
    build: &Build,
    client: &Client,
    (name, manifest): (&ImageName, &Manifest),
    ahead: &[Manifest],
) -> Vec<PublishedPlatform> {
    if manifest.platforms.is_empty() {
        return build
            .platforms
            .first()
            .map(|platform| PublishedPlatform::of(&platform.to_string(), manifest))
            .into_iter()
            .collect();
    }
    let reads = manifest.platforms.iter().map(async |entry| {
        let read = match ahead.iter().find(|read| read.digest == entry.digest) {
            Some(read) => Ok(read.clone()),
            None => client.manifest(name, entry.digest.as_str()).await,
        };
        match read {
            Ok(read) => PublishedPlatform::of(&entry.platform, &read),
            Err(_) => PublishedPlatform {
                platform: entry.platform.clone(),
                digest: entry.digest.clone(),
                size: None,
                layers: Vec::new(),
            },
        }
    });
    join_all(reads).await
}
