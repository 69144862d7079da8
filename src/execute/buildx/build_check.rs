//! What BuildKit's checks of a Dockerfile found, as buildx's progress and its metadata file
//! have it.
//!
//! Source: buildx, `build/result.go` and `docs/reference/buildx_build.md`
//! (`BUILDX_METADATA_WARNINGS`); the list is BuildKit's `client.VertexWarning`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::error::sanitize::{WORDS, clean};

/// Where the metadata file has them.
pub const KEY: &str = "buildx.build.warnings";
/// How many are told.
const MOST: usize = 50;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildCheck {
    /// The rule, such as `FromAsCasing`.
    pub rule: String,
    /// What is wrong.
    pub message: String,
    /// Where the rule is explained.
    pub url: String,
    /// The name of the Dockerfile, without folders, and the line, from 1.
    pub place: Option<(String, u32)>,
}

impl BuildCheck {
    /// All of a list, each once.
    pub fn all(list: &Value) -> Vec<Self> {
        let entries = list.as_array().map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<Self> = Vec::new();
        for entry in entries {
            Self::add(&mut found, entry);
        }
        found
    }

    /// Adds one, unless it is there.
    pub fn add(found: &mut Vec<Self>, entry: &Value) {
        if found.len() >= MOST {
            return;
        }
        found.extend(Self::of(entry).filter(|check| !found.contains(check)));
    }

    fn of(entry: &Value) -> Option<Self> {
        let short = STANDARD.decode(entry["short"].as_str()?).ok()?;
        let short = clean(&String::from_utf8_lossy(&short), WORDS);
        let (rule, message) = short.split_once(": ").unwrap_or(("Build check", &short));
        let line = entry["range"][0]["start"]["line"].as_u64();
        let line = line.and_then(|line| u32::try_from(line).ok());
        let file = entry["sourceInfo"]["filename"].as_str();
        let place = line.filter(|line| *line > 0).zip(file);
        // The line is told beside it.
        let message = match message.rsplit_once(" (line ") {
            Some((message, _)) if place.is_some() => message,
            _ => message,
        };
        let url = entry["url"].as_str().unwrap_or_default();
        Some(Self {
            rule: rule.to_owned(),
            message: message.to_owned(),
            url: clean(url, WORDS),
            place: place.map(|(line, file)| (file.to_owned(), line)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_has_a_rule_a_place_and_a_link() {
        let entry = json!({
            "vertex": "sha256:0",
            "level": 1,
            "short": STANDARD.encode("FromAsCasing: 'as' and 'FROM' casing (line 2)"),
            "url": "https://docs.docker.com/go/dockerfile/rule/from-as-casing/",
            "sourceInfo": {"filename": "Dockerfile", "data": ""},
            "range": [{"start": {"line": 2}, "end": {"line": 2}}],
        });
        let found = BuildCheck::all(&json!([entry, entry, {"short": "%"}, 1]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].rule, "FromAsCasing");
        assert_eq!(found[0].message, "'as' and 'FROM' casing");
        assert_eq!(found[0].place, Some(("Dockerfile".to_owned(), 2)));
        assert_eq!(BuildCheck::all(&Value::Null), []);
    }
}
