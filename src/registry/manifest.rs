//! What a tag points to: an index of several platforms, or one manifest.
//!
//! Follows the OCI image specification 1.1 (`image-index.md`, `manifest.md`)
//! and Docker's manifest list, which has the same shape.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::image::Digest;

/// A manifest or an index, as the registry gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The digest of the bytes that came.
    pub digest: Digest,
    /// The manifests of an index, attestations left out; empty for a single manifest.
    pub platforms: Vec<PlatformManifest>,
    /// The configuration of a single manifest.
    pub config: Option<Digest>,
    /// The bytes of configuration and layers of a single manifest; 0 for an index.
    pub size: u64,
    /// The layers of a single manifest, the lowest first.
    pub layers: Vec<Layer>,
    /// The number of attestation manifests in an index.
    pub attestations: usize,
    /// What it says it is, such as `application/vnd.oci.image.index.v1+json`;
    /// empty when it does not say.
    pub media_type: String,
    /// The annotations of the index or manifest itself, not of its entries.
    pub annotations: BTreeMap<String, String>,
}

/// One layer of a single manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// The digest of its compressed bytes.
    pub digest: Digest,
    /// How many there are.
    pub size: u64,
}

/// One platform's manifest in an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformManifest {
    /// The platform, as `OS/ARCHITECTURE` or `OS/ARCHITECTURE/VARIANT`.
    pub platform: String,
    /// The digest of the manifest.
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    manifests: Vec<Entry>,
    config: Option<Blob>,
    #[serde(default)]
    layers: Vec<Blob>,
}

#[derive(Deserialize)]
struct Entry {
    digest: String,
    platform: Option<EntryPlatform>,
}

#[derive(Deserialize)]
struct EntryPlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

#[derive(Deserialize)]
struct Blob {
    digest: Option<String>,
    size: u64,
}

impl Manifest {
    /// Parses a manifest or index.
    ///
    /// # Errors
    /// When the bytes are no JSON of that shape.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
        let entries = document.manifests.len();
        let platforms: Vec<PlatformManifest> =
            document.manifests.into_iter().filter_map(listed).collect();
        let config = document.config.as_ref();
        let config = config.and_then(|config| Digest::parse(config.digest.as_deref()?).ok());
        let layers = document.layers.iter().filter_map(|blob| {
            let digest = Digest::parse(blob.digest.as_deref()?).ok()?;
            Some(Layer {
                digest,
                size: blob.size,
            })
        });
        let layers = layers.collect();
        let blobs = document.config.into_iter().chain(document.layers);
        Ok(Self {
            digest: Digest::of(bytes),
            attestations: entries - platforms.len(),
            platforms,
            media_type: document.media_type.unwrap_or_default(),
            annotations: document.annotations.unwrap_or_default(),
            config,
            layers,
            size: blobs.map(|blob| blob.size).fold(0, u64::saturating_add),
        })
    }
}

/// An entry that stands for a platform. Attestations are entries too, of the
/// platform `unknown/unknown`.
fn listed(entry: Entry) -> Option<PlatformManifest> {
    let platform = entry.platform?;
    if platform.os == "unknown" {
        return None;
    }
    let mut text = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = platform.variant.filter(|v| !v.is_empty()) {
        text = format!("{text}/{variant}");
    }
    Some(PlatformManifest {
        platform: text,
        digest: Digest::parse(&entry.digest).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attestations_are_no_platforms() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let entry = |os: &str, arch: &str| {
            format!(r#"{{"digest":"{digest}","platform":{{"os":"{os}","architecture":"{arch}"}}}}"#)
        };
        let text = format!(
            r#"{{"manifests":[{},{},{}]}}"#,
            entry("linux", "amd64"),
            entry("linux", "arm64"),
            entry("unknown", "unknown")
        );
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let platforms: Vec<&str> = manifest
            .platforms
            .iter()
            .map(|p| p.platform.as_str())
            .collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
        assert_eq!(manifest.attestations, 1);
    }

    #[test]
    fn an_index_says_what_it_is() {
        let text = r#"{
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [],
            "annotations": {"org.opencontainers.image.source": "https://github.com/acme/app"}
        }"#;
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        assert_eq!(
            manifest.media_type,
            "application/vnd.oci.image.index.v1+json"
        );
        assert_eq!(
            manifest.annotations["org.opencontainers.image.source"],
            "https://github.com/acme/app"
        );
        let silent = Manifest::parse(br#"{"manifests":[],"annotations":null}"#).unwrap();
        assert_eq!(silent.media_type, "");
        assert!(silent.annotations.is_empty());
    }

    #[test]
    fn a_single_manifest_has_a_size() {
        let text = br#"{"config":{"size":10},"layers":[{"size":1},{"size":2}]}"#;
        assert_eq!(Manifest::parse(text).unwrap().size, 13);
    }

    #[test]
    fn nonsense_is_an_error() {
        for bad in ["", "[]", r#"{"config":{"size":-1}}"#, "<html>"] {
            assert!(Manifest::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
