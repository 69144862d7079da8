//! One index of the manifests that several builds have pushed.
//!
//! Follows the OCI image specification 1.1, `image-index.md`. What a builder lists is
//! copied unchanged, attestations included: each of them names its manifest.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::document;
use crate::image::{Digest, Platform};
use crate::registry::manifest::Manifest;
use crate::registry::names::ManifestBytes;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// The annotation by which an attestation names its manifest.
const ATTESTED: &str = "vnd.docker.reference.digest";

/// What one build has pushed: an index, or the manifest of its one platform.
pub struct IndexPart<'a> {
    /// The bytes.
    pub manifest: &'a ManifestBytes,
    /// What it was built for.
    pub platforms: &'a [Platform],
}

/// The annotations of an index: of itself, or of what it lists for a platform.
pub type AnnotationSource<'a> = dyn Fn(Option<&Platform>) -> Vec<(String, String)> + 'a;

/// The index of all parts, with these platforms in this order.
///
/// # Errors
/// Says which part cannot be read, or which platform is missing or there twice.
pub fn join(
    parts: &[IndexPart<'_>],
    platforms: &[Platform],
    annotations: &AnnotationSource<'_>,
) -> Result<ManifestBytes, String> {
    let mut listed: Vec<(Platform, Map<String, Value>)> = Vec::new();
    let mut attestations: Vec<Map<String, Value>> = Vec::new();
    for part in parts {
        for entry in entries(part)? {
            match platform_of(&entry) {
                Some(platform) => listed.push((platform, entry)),
                None => attestations.push(entry),
            }
        }
    }
    let mut manifests = Vec::new();
    let mut seen = BTreeSet::new();
    for platform in platforms {
        let same = |listed: &Platform| platform.is_listed_as(&listed.to_string());
        let mut found = listed.iter().filter(|(listed, _)| same(listed));
        let entry = match (found.next(), found.next()) {
            (Some((_, entry)), None) => entry,
            (None, _) => return Err(format!("no part has {platform}")),
            (Some(_), Some(_)) => return Err(format!("two parts have {platform}")),
        };
        seen.extend(entry["digest"].as_str());
        let mut entry = entry.clone();
        annotate(&mut entry, annotations(Some(platform)));
        manifests.push(Value::Object(entry));
    }
    let attests = |entry: &&Map<String, Value>, digest: &Value| {
        entry.get("annotations").and_then(|all| all.get(ATTESTED)) == Some(digest)
    };
    let of_manifests: Vec<Value> = manifests
        .iter()
        .flat_map(|manifest| {
            let digest = &manifest["digest"];
            attestations
                .iter()
                .filter(move |entry| attests(entry, digest))
        })
        .map(|entry| Value::Object(entry.clone()))
        .collect();
    manifests.extend(of_manifests);
    let own = annotations(None);
    let is_docker = own.is_empty()
        && manifests
            .iter()
            .all(|one| one["mediaType"] == DOCKER_MANIFEST);
    let media_type = if is_docker { DOCKER_LIST } else { OCI_INDEX };
    let mut index = Map::new();
    index.insert("schemaVersion".to_owned(), 2.into());
    index.insert("mediaType".to_owned(), media_type.into());
    index.insert("manifests".to_owned(), manifests.into());
    annotate(&mut index, own);
    let bytes = serde_json::to_vec_pretty(&index).map_err(|error| error.to_string())?;
    // What a part lists may not be as the specification has it.
    Manifest::parse(&bytes).map_err(|why| format!("the index could not be read back: {why}"))?;
    Ok(ManifestBytes::of(media_type, bytes))
}

/// What a part lists; of a manifest alone the descriptor.
fn entries(part: &IndexPart<'_>) -> Result<Vec<Map<String, Value>>, String> {
    let digest = part.manifest.digest();
    let document = document::json(part.manifest.bytes())
        .map_err(|error| format!("{digest} cannot be read: {error}"))?;
    match &document["manifests"] {
        Value::Array(entries) => entries
            .iter()
            .map(|entry| {
                let entry = entry.as_object().filter(|entry| is_descriptor(entry));
                let entry = entry.ok_or_else(|| format!("{digest} lists what is not a descriptor"));
                entry.cloned()
            })
            .collect(),
        _ => {
            let [platform] = part.platforms else {
                return Err(format!("{digest} is one manifest for several platforms"));
            };
            let mut of_platform = json!({
                "architecture": platform.architecture,
                "os": platform.os,
            });
            if let Some(variant) = &platform.variant {
                of_platform["variant"] = variant.as_str().into();
            }
            let descriptor = json!({
                "mediaType": part.manifest.media_type(),
                "digest": digest,
                "size": part.manifest.bytes().len(),
                "platform": of_platform,
            });
            Ok(descriptor.as_object().cloned().into_iter().collect())
        }
    }
}

/// Whether an entry says what it lists, as the specification asks.
fn is_descriptor(entry: &Map<String, Value>) -> bool {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let is_digest = text("digest").is_some_and(|digest| Digest::parse(digest).is_ok());
    let has_size = entry.get("size").is_some_and(Value::is_u64);
    let annotations = entry.get("annotations");
    is_digest && has_size && annotations.is_none_or(Value::is_object)
}

/// The platform of an entry; `None` for an attestation.
fn platform_of(entry: &Map<String, Value>) -> Option<Platform> {
    let platform = entry.get("platform")?;
    let text = |key: &str| platform.get(key).and_then(Value::as_str);
    let (os, architecture) = (text("os")?, text("architecture")?);
    let variant = text("variant").filter(|variant| !variant.is_empty());
    let spelt = match variant {
        Some(variant) => format!("{os}/{architecture}/{variant}"),
        None => format!("{os}/{architecture}"),
    };
    spelt.parse().ok()
}

fn annotate(object: &mut Map<String, Value>, annotations: Vec<(String, String)>) {
    if annotations.is_empty() {
        return;
    }
    let all = object
        .entry("annotations")
        .or_insert_with(|| Value::Object(Map::new()));
    for (key, value) in annotations {
        all[key] = value.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of something that is called so.
    fn digest(name: &str) -> String {
        Digest::of(name.as_bytes()).to_string()
    }

    fn index(name: &str, architecture: &str) -> ManifestBytes {
        let attestation = digest(&format!("{name}-attested"));
        let digest = digest(name);
        let document = json!({
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": digest,
                    "size": 1,
                    "platform": {"architecture": architecture, "os": "linux"},
                },
                {
                    "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "digest": attestation,
                    "size": 2,
                    "annotations": {ATTESTED: digest},
                    "platform": {"architecture": "unknown", "os": "unknown"},
                },
            ],
        });
        ManifestBytes::of(OCI_INDEX, document.to_string().into_bytes())
    }

    fn platforms(all: &[&str]) -> Vec<Platform> {
        all.iter().map(|one| one.parse().unwrap()).collect()
    }

    fn joined(manifests: &[(&ManifestBytes, &[&str])], wanted: &[&str]) -> Result<Value, String> {
        let of: Vec<Vec<Platform>> = manifests.iter().map(|(_, all)| platforms(all)).collect();
        let parts: Vec<IndexPart<'_>> = manifests
            .iter()
            .zip(&of)
            .map(|((manifest, _), platforms)| IndexPart {
                manifest,
                platforms,
            })
            .collect();
        let annotations = |platform: Option<&Platform>| match platform {
            None => vec![("title".to_owned(), "x".to_owned())],
            Some(_) => Vec::new(),
        };
        let index = join(&parts, &platforms(wanted), &annotations)?;
        Ok(serde_json::from_slice(index.bytes()).unwrap())
    }

    #[test]
    fn manifests_come_in_order_and_each_keeps_its_attestation() {
        let (arm, amd) = (index("a", "arm64"), index("b", "amd64"));
        let parts: [(&ManifestBytes, &[&str]); 2] =
            [(&arm, &["linux/arm64"]), (&amd, &["linux/amd64"])];
        let index = joined(&parts, &["linux/amd64", "linux/arm64"]).unwrap();
        let digests: Vec<&str> = index["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["digest"].as_str().unwrap())
            .collect();
        let expected = ["b", "a", "b-attested", "a-attested"].map(digest);
        assert_eq!(digests, expected);
        assert_eq!(index["annotations"]["title"], "x");
        assert_eq!(index["mediaType"], OCI_INDEX);
    }

    #[test]
    fn a_manifest_alone_is_listed_with_the_platform_it_was_built_for() {
        let arm = ManifestBytes::of(DOCKER_MANIFEST, br#"{"config":{}}"#.to_vec());
        let amd = index("b", "amd64");
        let parts: [(&ManifestBytes, &[&str]); 2] =
            [(&arm, &["linux/arm/v7"]), (&amd, &["linux/amd64"])];
        let index = joined(&parts, &["linux/arm/v7", "linux/amd64"]).unwrap();
        let first = &index["manifests"][0];
        assert_eq!(first["platform"]["variant"], "v7");
        assert_eq!(first["mediaType"], DOCKER_MANIFEST);
        assert_eq!(first["size"], arm.bytes().len());
        assert_eq!(first["digest"], arm.digest().as_str());
    }

    #[test]
    fn what_is_not_a_descriptor_is_not_listed() {
        for entry in [
            json!("x"),
            json!({"digest": "sha256:0", "size": 1}),
            json!({"digest": digest("a")}),
            json!({"digest": digest("a"), "size": 1, "annotations": "x"}),
        ] {
            let document = json!({ "manifests": [entry] }).to_string();
            let part = ManifestBytes::of(OCI_INDEX, document.into_bytes());
            let part: (&ManifestBytes, &[&str]) = (&part, &["linux/amd64"]);
            let why = joined(&[part], &["linux/amd64"]).unwrap_err();
            assert!(why.ends_with("lists what is not a descriptor"), "{why}");
        }
    }

    #[test]
    fn every_platform_is_there_once() {
        let amd = index("b", "amd64");
        let part: (&ManifestBytes, &[&str]) = (&amd, &["linux/amd64"]);
        let missing = joined(&[part], &["linux/amd64", "linux/arm64"]).unwrap_err();
        assert_eq!(missing, "no part has linux/arm64");
        let twice = joined(&[part, part], &["linux/amd64"]).unwrap_err();
        assert_eq!(twice, "two parts have linux/amd64");
    }
}
