//! The outputs and bake files of docker/metadata-action, to the letter.

use serde_json::{Map, Value, json};

use crate::input::MetadataInputs;
use crate::metadata::model::Metadata;

impl Metadata {
    /// `version`, `tags`, `tag-names`, `labels`, `annotations`, `json`.
    pub fn outputs(&self, inputs: &MetadataInputs) -> Vec<(String, String)> {
        [
            ("version", self.version.clone().unwrap_or_default()),
            ("tags", self.tags.join(&inputs.sep_tags)),
            ("tag-names", self.tag_names.join(&inputs.sep_tags)),
            ("labels", self.labels.join(&inputs.sep_labels)),
            (
                "annotations",
                self.annotations.join(&inputs.sep_annotations),
            ),
            ("json", self.json().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Tags, tag names, labels and annotations: the output `json`.
    pub fn json(&self) -> Value {
        json!({
            "tags": self.tags,
            "tag-names": self.tag_names,
            "labels": object(&self.labels),
            "annotations": self.annotations,
        })
    }

    /// The documents of the outputs `bake-file-tags`, `bake-file-labels`,
    /// `bake-file-annotations` and `bake-file`, as name and JSON text.
    pub fn bake_files(&self, inputs: &MetadataInputs) -> Vec<(String, String)> {
        let mut args = Map::new();
        args.insert(
            "DOCKER_META_IMAGES".to_owned(),
            self.images.join(",").into(),
        );
        if let Some(version) = &self.version {
            args.insert("DOCKER_META_VERSION".to_owned(), version.as_str().into());
        }
        let labels = object(&self.labels);
        // The original passes the levels through a name of the form `a:b`.
        let levels: Vec<_> = inputs
            .annotation_levels
            .join(",")
            .split(':')
            .next()
            .unwrap_or_default()
            .split(',')
            .map(str::to_owned)
            .collect();
        let annotations = at_levels(&self.plain_annotations, &levels);
        [
            ("bake-file-tags", json!({ "tags": self.tags, "args": args })),
            ("bake-file-labels", json!({ "labels": labels })),
            (
                "bake-file-annotations",
                json!({ "annotations": annotations }),
            ),
            (
                "bake-file",
                json!({ "tags": self.tags, "labels": labels, "args": args }),
            ),
        ]
        .map(|(name, target)| {
            let document = json!({ "target": { &inputs.bake_target: target } });
            (name.to_owned(), format!("{document:#}"))
        })
        .into()
    }
}

/// `LEVEL:KEY=VALUE` for each level.
pub fn at_levels(annotations: &[String], levels: &[String]) -> Vec<String> {
    let at_level = |level| {
        annotations
            .iter()
            .map(move |text| format!("{level}:{text}"))
    };
    levels.iter().flat_map(at_level).collect()
}

/// Labels as an object: values end with their first line, keys that are
/// numbers come first, and `__proto__` is lost, as in a JavaScript object.
fn object(labels: &[String]) -> Map<String, Value> {
    let line_break = |c: char| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (key, value) in labels.iter().filter_map(|label| label.split_once('=')) {
        if key != "__proto__" {
            pairs.push((key, value.split(line_break).next().unwrap_or_default()));
        }
    }
    let index = |key: &str| key.parse::<u32>().ok().filter(|at| at.to_string() == key);
    pairs.sort_by_key(|(key, _)| {
        index(key)
            .filter(|&at| at < u32::MAX)
            .map_or(u64::MAX, u64::from)
    });
    let entry = |(key, value): (&str, &str)| (key.to_owned(), value.into());
    pairs.into_iter().map(entry).collect()
}
