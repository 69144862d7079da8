//! The annotations that buildx is asked for, and whether the image can have them.

use crate::env_vars;
use crate::error::InputProblem;
use crate::facts::Facts;
use crate::image::Platform;
use crate::input::Inputs;
use crate::input::build::attestations;
use crate::input::build::output::Output;
use crate::input::grammar::csv;
use crate::plan::builder::classic_store;
use crate::plan::builder::model::Builder;
use crate::plan::draft::annotation_levels::is_of_index;
use crate::plan::findings::{Findings, Level, Notice};
use crate::plan::image::publication::Publication;

/// What the decision is about.
pub struct Question<'a> {
    pub inputs: &'a Inputs,
    pub facts: &'a Facts,
    pub builder: &'a Builder,
    pub platforms: &'a [Platform],
    pub publication: &'a Publication,
    /// The values of `--attest`.
    pub attestations: &'a [String],
}

impl Question<'_> {
    /// Those of the image that buildx is asked for.
    pub fn decide(&self, annotations: &[String], findings: &mut Findings) -> Vec<String> {
        if annotations.is_empty() || !self.publication.builds() {
            return annotations.to_vec();
        }
        if classic_store::builds(self.builder, self.facts) {
            findings.decide("annotations left out: the engine's classic image store holds none");
            findings.notices.extend(self.in_vain());
            return Vec::new();
        }
        findings.problems.extend(self.without_index(annotations));
        annotations.to_vec()
    }

    /// Annotations that were asked for, of an image that stays in that store.
    fn in_vain(&self) -> Option<Notice> {
        let is_asked = classic_store::asks_for_annotations(self.inputs) && self.publication.load;
        is_asked.then(|| Notice {
            level: Level::Notice,
            title: "Annotations".to_owned(),
            message: "`annotations` has no effect: the image goes to the engine, whose classic \
                      image store holds none. An image that is pushed has them"
                .to_owned(),
        })
    }

    /// An annotation of an index that there will not be: BuildKit makes one for
    /// several platforms, or for attestations.
    fn without_index(&self, annotations: &[String]) -> Option<InputProblem> {
        let build = &self.inputs.build;
        let makes_an_image = self.publication.pushes()
            || self.publication.load
            || build.outputs.is_empty()
            || build.outputs.iter().any(Output::is_image);
        if !makes_an_image || self.platforms.len() > 1 || !self.attests_nothing() {
            return None;
        }
        let of_index = annotations.iter().find(|text| is_of_index(text))?;
        let mut given = self
            .inputs
            .metadata
            .annotations
            .iter()
            .map(|entry| &entry.text)
            .chain(&build.annotations);
        let (input, value, instead) = if given.any(|text| text == of_index) {
            ("annotations", of_index.as_str(), "`manifest:` before it")
        } else {
            (
                env_vars::DOCKER_METADATA_ANNOTATIONS_LEVELS,
                "index",
                "`manifest` alone",
            )
        };
        let why = "is for an index, and an image for one platform without attestations has none";
        let accepted = format!("{instead}, several `platforms`, or `provenance: true`");
        Some(InputProblem::new(input, value, why, accepted))
    }

    /// True where it is known that nothing is attested: buildx has a default.
    fn attests_nothing(&self) -> bool {
        let is_provenance = |text: &String| {
            let attributes = csv::attributes(text).unwrap_or_default();
            csv::value(&attributes, "type") == Some("provenance")
        };
        let is_off = |text: &String| attestations::is_disabled(text);
        let asked = &self.inputs.build.attestations;
        let has_no_default = asked.no_defaults || self.attestations.iter().any(is_provenance);
        has_no_default && self.attestations.iter().all(is_off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::build::attestations;
    use crate::plan::draft::annotation_levels::levels;
    use crate::plan::testing::{engine, facts, inputs, publication};

    #[test]
    fn annotations_with_a_level_are_known() {
        for (text, of_index) in [
            ("index:a=b", true),
            ("manifest[linux/amd64]:a=b", false),
            ("index-descriptor:a=b", true),
            ("index,manifest-descriptor:a=b", true),
        ] {
            assert!(levels(text).is_some(), "{text}");
            assert_eq!(is_of_index(text), of_index, "{text}");
        }
        for text in ["a=b", "a=index:b", "url:x=y", "index,url:x=y", "index=x"] {
            assert_eq!(levels(text), None, "{text}");
        }
    }

    /// What buildx is asked for, and all that is told.
    fn decided(
        given: &[(&str, &str)],
        containerd_store: bool,
        annotations: &[&str],
    ) -> (usize, Findings) {
        let inputs = inputs(given);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.engine = engine(containerd_store);
        let publication = publication(&inputs, &facts);
        let (builder, context) = (Builder::engine(""), &facts.event.context.0);
        let mut decisions = Vec::new();
        let attestations = attestations::decide(&inputs, context, &facts, &builder, &mut decisions);
        let question = Question {
            inputs: &inputs,
            facts: &facts,
            builder: &builder,
            platforms: &inputs.platforms,
            publication: &publication,
            attestations: &attestations,
        };
        let annotations = annotations.iter().map(|text| (*text).to_owned());
        let mut findings = Findings::default();
        let decided = question.decide(&annotations.collect::<Vec<_>>(), &mut findings);
        (decided.len(), findings)
    }

    const ONE: (&str, &str) = ("platforms", "linux/amd64");
    const OFF: (&str, &str) = ("provenance", "false");

    #[test]
    fn an_annotation_of_an_index_needs_one() {
        let given = ("annotations", "index:a=b");
        for (inputs, input) in [
            (vec![given, ONE, OFF], Some("annotations")),
            (vec![ONE, OFF], Some("DOCKER_METADATA_ANNOTATIONS_LEVELS")),
            (vec![given, ONE], None),
            (vec![given, OFF], None),
            (vec![given, ONE, OFF, ("sbom", "true")], None),
            (
                vec![given, ONE, OFF, ("outputs", "type=local,dest=o")],
                None,
            ),
        ] {
            let (_, findings) = decided(&inputs, true, &["index:a=b"]);
            let found = findings
                .problems
                .first()
                .map(|problem| problem.input.as_str());
            assert_eq!(found, input, "{inputs:?}");
        }
        let (_, findings) = decided(&[given, ONE, OFF], true, &["manifest:a=b"]);
        assert_eq!(findings.problems, []);
    }

    #[test]
    fn what_the_classic_store_leaves_out_is_said() {
        let given = ("annotations", "a=b");
        for (inputs, store, notices) in [
            (vec![ONE], false, 0),
            (vec![given, ("load", "true")], false, 1),
            (vec![given, ("load", "true")], true, 0),
        ] {
            let (count, findings) = decided(&inputs, store, &["manifest:a=b"]);
            assert_eq!(count, usize::from(store), "{inputs:?}");
            assert_eq!(findings.decisions.len(), usize::from(!store), "{inputs:?}");
            assert_eq!(findings.notices.len(), notices, "{inputs:?}");
        }
    }
}
