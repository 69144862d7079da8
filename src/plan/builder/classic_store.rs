//! What is asked of a pushed image that an engine with the classic image store
//! cannot give it: that store has no annotations and one form of layers, and
//! buildx drops the rest without a word.

use crate::facts::{Engine, Facts};
use crate::input::Inputs;
use crate::input::build::output::{Exporter, Output};
use crate::plan::builder::model::{Builder, BuilderChoice};
use crate::plan::image::publication::Publication;
use crate::plan::lists::distinct;

/// Attributes of an exporter that say nothing of the image itself.
const OF_NO_IMAGE: [&str; 8] = [
    "type",
    "name",
    "push",
    "push-by-digest",
    "name-canonical",
    "dangling-name-prefix",
    "store",
    "unpack",
];

/// What was asked for and would be missing, such as annotations.
pub fn dropped_features(inputs: &Inputs, publication: &Publication) -> Vec<String> {
    if !publication.pushes() {
        return Vec::new();
    }
    let mut dropped = Vec::new();
    if asks_for_annotations(inputs) {
        dropped.push("annotations".to_owned());
    }
    let outputs = inputs.build.outputs.iter();
    let images =
        outputs.filter(|output| matches!(output.exporter, Exporter::Image | Exporter::Registry));
    let asked = images.flat_map(Output::asked_for);
    // Every image of that store is compressed with gzip.
    let lost = asked.filter(|(name, value)| {
        !OF_NO_IMAGE.contains(name) && (*name, *value) != ("compression", "gzip")
    });
    dropped.extend(lost.map(|(name, _)| format!("outputs with {name}")));
    distinct(&dropped)
}

/// True for annotations beside those that every image has.
pub fn asks_for_annotations(inputs: &Inputs) -> bool {
    !inputs.metadata.annotations.is_empty() || !inputs.build.annotations.is_empty()
}

/// True where the engine builds by itself, and is known to have that store.
pub fn builds(builder: &Builder, facts: &Facts) -> bool {
    let is_classic = matches!(
        facts.engine,
        Engine::Running {
            containerd_store: false,
            ..
        }
    );
    is_classic && builder.choice == BuilderChoice::Engine
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{facts, inputs, publication};

    #[test]
    fn only_what_is_pushed_and_was_asked_for_is_missed() {
        for (given, expected) in [
            (vec![], vec![]),
            (vec![("annotations", "a=b")], vec!["annotations"]),
            (vec![("annotations", "a=b"), ("push", "false")], vec![]),
            (
                vec![("outputs", "type=registry,compression=zstd,annotation.a=b")],
                vec!["outputs with compression", "outputs with annotation.a"],
            ),
            (
                vec![(
                    "outputs",
                    "type=registry,force-compression=false,unpack=true",
                )],
                vec![],
            ),
            (
                vec![
                    ("outputs", "type=docker,compression=zstd"),
                    ("push", "true"),
                ],
                vec![],
            ),
        ] {
            let inputs = inputs(&given);
            let facts = facts(&inputs, "FROM scratch\n");
            let publication = publication(&inputs, &facts);
            assert_eq!(
                dropped_features(&inputs, &publication),
                expected,
                "{given:?}"
            );
        }
        // A target of a bake file brings them along.
        let mut inputs = inputs(&[]);
        inputs.build.annotations = vec!["manifest:a=b".to_owned()];
        let publication = publication(&inputs, &facts(&inputs, ""));
        assert_eq!(dropped_features(&inputs, &publication), ["annotations"]);
    }
}
