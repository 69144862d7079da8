//! What fuzz targets reach of this module.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use serde_json::{Map, Value};

use crate::image::{Platform, Registry};
use crate::registry::challenge::Challenge;
use crate::registry::copy::ManifestContent;
use crate::registry::credentials::Credentials;
use crate::registry::index::{self, IndexPart};
use crate::registry::manifest::Manifest;
use crate::registry::names::ManifestBytes;
use crate::registry::refusal::{Refusal, Stage};
use crate::registry::token::Token;

/// Reads the bytes as each of the answers that a registry or a token endpoint
/// gives.
pub fn read_answers(bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let value = HeaderValue::from_bytes(line);
        headers.extend(value.ok().map(|value| (WWW_AUTHENTICATE, value)));
    }
    let _ = Challenge::of(&headers);
    if let Ok(token) = Token::parse(bytes) {
        assert!(HeaderValue::from_str(token.value.expose()).is_ok());
    }
    let _ = Manifest::parse(bytes);
    let _ = ManifestContent::of(&ManifestBytes::of("application/json", bytes.to_vec()));
    let text = String::from_utf8_lossy(bytes);
    let words = Refusal::new(Stage::Upload, 403, &text, []).words;
    assert!(!words.contains(char::is_control), "{words:?}");
}

/// Joins documents of two platforms.
pub fn join(documents: &[String]) {
    let platforms: Vec<Platform> = ["linux/amd64", "linux/arm64"]
        .iter()
        .filter_map(|one| one.parse().ok())
        .collect();
    let manifests: Vec<ManifestBytes> = documents
        .iter()
        .map(|text| ManifestBytes::of("application/json", text.clone().into_bytes()))
        .collect();
    let parts: Vec<IndexPart<'_>> = manifests
        .iter()
        .zip(&platforms)
        .map(|(manifest, platform)| IndexPart {
            manifest,
            platforms: std::slice::from_ref(platform),
        })
        .collect();
    if let Ok(index) = index::join(&parts, &platforms, &|_| Vec::new()) {
        assert!(Manifest::parse(index.bytes()).is_ok());
    }
}

/// Looks a registry up in a configuration, helpers aside.
pub fn look_up(config: Map<String, Value>, registry: &Registry) {
    let credentials = Credentials::new(config);
    for server in crate::registry::credentials::spellings(registry) {
        if let Err(why) = credentials.written(&server) {
            assert!(why.len() < 1000, "{why}");
        }
    }
}
