//! The names that entries of `outputs` give the image, beside those of `images`
//! and `tags`.
//!
//! buildx gives every image of a build the names in `--tag`, whatever `name=`
//! its exporter has; without `--tag` each exporter keeps its own. So the names
//! of an exporter that pushes become tags of the image like all others: what is
//! asked for, pushed, read back and reported is one list. Where exporters have
//! to keep names of their own, there is no `--tag`.

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::image::{Reference as Parsed, reference};
use crate::input::build::output::Output;
use crate::input::metadata::full_reference::Reference;
use crate::input::metadata::images::ImageRule;
use crate::input::{Inputs, Push};
use crate::plan::findings::{Findings, Level, Notice};

const ACCEPTED: &str = "one name for all of them, or a step for each";

/// How the image comes to its names.
#[derive(Debug, Default)]
pub struct OutputNames {
    /// The whole references in `tags`, and the names of exporters that joined them.
    pub references: Vec<Reference>,
    /// What exporters push under names of their own; where they push by digest, a
    /// name without a tag.
    pub pushed_by_outputs: Vec<String>,
    /// True where `outputs` alone name the image, so that no tag of ours is given.
    pub alone: bool,
}

impl OutputNames {
    pub fn of(inputs: &Inputs, findings: &mut Findings) -> Self {
        let mut named = Self {
            references: inputs.references.clone(),
            pushed_by_outputs: Vec::new(),
            alone: is_named_by_outputs(inputs),
        };
        let pushing = || inputs.build.outputs.iter().filter(|output| output.pushes());
        if pushing().any(Output::pushes_by_digest) {
            findings.problems.extend(mixed_digest_pushes(inputs));
        }
        let mut tagged: Vec<(&Output, Vec<Reference>)> = Vec::new();
        for output in pushing().filter(|output| output.attribute("name").is_some()) {
            match (output.pushes_by_digest(), references(output)) {
                (_, Err(problem)) => findings.problems.push(problem),
                (false, Ok(references)) => tagged.push((output, references)),
                (true, Ok(_)) => named
                    .pushed_by_outputs
                    .extend(output.names().map(str::to_owned)),
            }
        }
        let Some((_, first)) = tagged.first() else {
            return named;
        };
        let other = tagged.iter().find(|(_, others)| others != first);
        let keeps_its_own = |output: &&Output| {
            output.is_image() && !output.pushes() && output.attribute("name").is_some()
        };
        let mut outputs = inputs.build.outputs.iter();
        let is_apart = named.alone && (other.is_some() || outputs.any(|one| keeps_its_own(&one)));
        if is_apart || pushing().any(Output::pushes_by_digest) {
            let all = tagged.iter().flat_map(|(_, references)| references);
            named
                .pushed_by_outputs
                .extend(all.map(|reference| reference.text.clone()));
        } else if let Some((output, _)) = other {
            findings.problems.push(different_names(output));
        } else {
            named.references.extend(first.iter().cloned());
        }
        named
    }

    /// The names of exporters that stand beside other tags.
    pub fn describe(&self, inputs: &Inputs) -> Option<String> {
        let joined = self.references.get(inputs.references.len()..)?;
        let list: Vec<&str> = joined.iter().map(|one| one.text.as_str()).collect();
        let is_told = !self.alone && !list.is_empty();
        is_told.then(|| {
            format!(
                "tag {}: `name=` in `outputs`, as buildx gives an image all its names",
                list.join(", ")
            )
        })
    }

    /// Names of exporters that buildx replaces with `tags`.
    pub fn replaced_names(&self, inputs: &Inputs, tags: &[String]) -> Vec<Notice> {
        let is_tagged = |name: &str| {
            let name = Reference::parse(name).map_or_else(|_| name.to_owned(), |name| name.text);
            tags.iter().any(|tag| reference::is_same(tag, &name))
        };
        let outputs = inputs.build.outputs.iter();
        let replaced = outputs.filter(|output| {
            let is_lost = !output.pushes() && output.names().any(|name| !is_tagged(name));
            output.is_image() && is_lost
        });
        let notice = |output: &Output| Notice {
            level: Level::Warning,
            title: "Outputs".to_owned(),
            message: format!(
                "`name=` has no effect in {}: buildx gives every image of a build the names of \
                 `images` and `tags`, here {}. Use a step of its own for another name",
                output.text,
                tags.join(", ")
            ),
        };
        if tags.is_empty() {
            Vec::new()
        } else {
            replaced.map(notice).collect()
        }
    }
}

/// True when `outputs` say what the image is called and nothing else does, so
/// that tags would replace those names.
fn is_named_by_outputs(inputs: &Inputs) -> bool {
    let metadata = &inputs.metadata;
    let is_named_elsewhere =
        !metadata.images.is_empty() || !metadata.default_tags || !inputs.references.is_empty();
    let outputs = &inputs.build.outputs;
    !is_named_elsewhere && outputs.iter().any(Output::names_the_image) && !needs_a_name(inputs)
}

/// True when something is pushed that `outputs` give no name.
fn needs_a_name(inputs: &Inputs) -> bool {
    let build = &inputs.build;
    let outputs = &build.outputs;
    let is_added = inputs.push == Push::Always && !outputs.iter().any(Output::pushes);
    let is_nameless = |output: &Output| output.pushes() && !output.names_the_image();
    build.output_pushes || is_added || outputs.iter().any(is_nameless)
}

/// The references in the `name=` of an exporter that pushes.
fn references(output: &Output) -> Result<Vec<Reference>, InputProblem> {
    let by_digest = output.pushes_by_digest();
    let parse = |name: &str| {
        let refuse = |why: String, accepted: String| {
            InputProblem::new("outputs", &output.text, format!("{name}: {why}"), accepted)
        };
        let is_tagged = Parsed::parse(name).is_ok_and(|parsed| parsed.tag.is_some());
        if by_digest && is_tagged {
            let why = "is pushed by its digest, and so cannot have a tag".to_owned();
            return Err(refuse(why, reference::split(name).0.to_owned()));
        }
        Reference::parse(name).map_err(|refused| refuse(refused.why, refused.accepted))
    };
    output.names().map(parse).collect()
}

/// Exporters that push by digest need names without tags, also where they take
/// them from `--tag`.
fn mixed_digest_pushes(inputs: &Inputs) -> Option<InputProblem> {
    let pushing = || inputs.build.outputs.iter().filter(|output| output.pushes());
    let is_nameless = |output: &&Output| output.attribute("name").is_none();
    let nameless = pushing().find(is_nameless)?;
    let is_other = |output: &&Output| {
        !is_nameless(output) || output.pushes_by_digest() != nameless.pushes_by_digest()
    };
    let other = pushing().find(is_other)?;
    let why = format!(
        "takes its names from `images` and `tags`, and buildx would give them to {} too",
        other.text
    );
    let accepted = "`name=` in each of them, or a step for each";
    Some(InputProblem::new("outputs", &nameless.text, why, accepted))
}

/// Exporters with different names, and tags beside them.
fn different_names(output: &Output) -> InputProblem {
    let why = "names the image otherwise than another entry, and buildx would give each the names \
               of all, as `images` or `tags` is given too";
    InputProblem::new("outputs", &output.text, why, ACCEPTED)
}

/// What docker/build-push-action takes for a name: an entry of `tags` where the
/// image is pushed by its digest, under no name of `outputs` or `images`. `None`
/// where there is no such entry.
///
/// The name of a branch or Git tag is not one: it would choose the registry.
pub fn without_tag(inputs: &Inputs, context: &RunContext) -> Option<Inputs> {
    let outputs = &inputs.build.outputs;
    let wants_a_name =
        |output: &Output| output.pushes_by_digest() && output.attribute("name").is_none();
    if !inputs.metadata.images.is_empty() || !outputs.iter().any(wants_a_name) {
        return None;
    }
    let is_name =
        |text: &str| is_bare(text) && Parsed::parse(text).is_ok() && !context.is_name_of_ref(text);
    let mut resolved = inputs.clone();
    let rules = &mut resolved.metadata.tags;
    let names: Vec<ImageRule> = rules
        .extract_if(.., |rule| is_name(&rule.text))
        .map(|rule| ImageRule::named(rule.text))
        .collect();
    resolved.metadata.images = names;
    (!resolved.metadata.images.is_empty()).then_some(resolved)
}

/// True for a rule that is a value alone, such as `edge` or `feature/x`.
pub fn is_bare(rule: &str) -> bool {
    !rule.contains(['=', ',', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::inputs;

    fn named(outputs: &str, more: &[(&str, &str)]) -> (OutputNames, Vec<String>) {
        let given = [&[("outputs", outputs)], more].concat();
        let mut findings = Findings::default();
        let named = OutputNames::of(&inputs(&given), &mut findings);
        (
            named,
            findings.problems.iter().map(ToString::to_string).collect(),
        )
    }

    const OWN: (&str, &str) = ("images", "ghcr.io/o/own");

    #[test]
    fn names_of_exporters_that_push_are_tags_like_all_others() {
        for (outputs, more, references, alone) in [
            (
                "type=image,name=q/b:y,push=true",
                vec![],
                vec!["q/b:y"],
                true,
            ),
            (
                "type=image,name=q/b:y,push=true",
                vec![OWN],
                vec!["q/b:y"],
                false,
            ),
            (
                "type=registry,name=Q/b",
                vec![("tags", "edge")],
                vec!["q/b:latest"],
                false,
            ),
            (
                "type=registry,name=q/b:y",
                vec![("tags", "q/c:1")],
                vec!["q/c:1", "q/b:y"],
                false,
            ),
            (
                "type=image,\"name=q/b:y, q/c:z\",push=true\ntype=registry",
                vec![],
                vec!["q/b:y", "q/c:z"],
                false,
            ),
            (
                "type=image,name=q/b:y",
                vec![("push", "true")],
                vec!["q/b:y"],
                true,
            ),
            ("type=image,name=q/b:y", vec![OWN], vec![], false),
            ("type=oci,dest=o.tar,name=q/b:y", vec![], vec![], true),
            (
                "type=oci,dest=o.tar,name=q/b:y",
                vec![("push", "true")],
                vec![],
                false,
            ),
        ] {
            let (named, problems) = named(outputs, &more);
            let found = named.references.iter().map(|found| found.text.as_str());
            assert_eq!(found.collect::<Vec<_>>(), references, "{outputs} {more:?}");
            assert_eq!(named.alone, alone, "{outputs} {more:?}");
            assert_eq!(
                (named.pushed_by_outputs, problems),
                (vec![], vec![]),
                "{outputs}"
            );
        }
    }

    #[test]
    fn exporters_keep_their_names_where_no_tag_would_replace_them() {
        for (outputs, more, pushed_by_outputs) in [
            (
                "type=registry,name=q/b:1,compression=zstd\ntype=registry,name=q/c",
                vec![],
                vec!["q/b:1", "q/c:latest"],
            ),
            (
                "type=registry,name=q/b:1\ntype=docker,name=b:test",
                vec![],
                vec!["q/b:1"],
            ),
            (
                "type=registry,name=q/b,push-by-digest=true",
                vec![OWN],
                vec!["q/b"],
            ),
            (
                "type=registry,name=q/b,push-by-digest=true\ntype=registry,name=q/b:1",
                vec![],
                vec!["q/b", "q/b:1"],
            ),
        ] {
            let (named, problems) = named(outputs, &more);
            assert_eq!(
                (named.pushed_by_outputs, problems),
                (owned(&pushed_by_outputs), vec![]),
                "{outputs}"
            );
            assert_eq!(named.references, []);
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn names_that_buildx_would_mix_up_are_refused() {
        for (outputs, more, expected) in [
            (
                "type=registry,name=q/b:1\ntype=registry,name=q/c:1",
                vec![OWN],
                "\"type=registry,name=q/c:1\": names the image otherwise",
            ),
            (
                "type=registry\ntype=registry,push-by-digest=true",
                vec![],
                "buildx would give them to type=registry,push-by-digest=true too",
            ),
            (
                "type=registry,push-by-digest=true\ntype=registry,name=q/b:1",
                vec![],
                "\"type=registry,push-by-digest=true\": takes its names",
            ),
            (
                "type=registry,push-by-digest=true,name=q/b:1",
                vec![],
                "q/b:1: is pushed by its digest",
            ),
            (
                "type=registry,name=q/b:1;x",
                vec![],
                "a tag cannot hold ';'",
            ),
            ("type=registry,name=ghcr.io/b", vec![], "needs an owner"),
        ] {
            let (_, problems) = named(outputs, &more);
            assert_eq!(problems.len(), 1, "{outputs}: {problems:?}");
            assert!(problems[0].contains(expected), "{problems:?}");
        }
    }

    #[test]
    fn a_name_that_buildx_replaces_is_warned_about() {
        let tags = owned(&["docker.io/q/b:1"]);
        for (outputs, count) in [
            ("type=docker,name=b:test", 1),
            ("type=docker,name=q/b:1", 0),
            ("type=local,dest=out,name=b:test", 0),
            ("type=docker", 0),
        ] {
            let inputs = inputs(&[("outputs", outputs), OWN]);
            let named = OutputNames::default();
            assert_eq!(
                named.replaced_names(&inputs, &tags).len(),
                count,
                "{outputs}"
            );
            assert_eq!(named.replaced_names(&inputs, &[]), [], "{outputs}");
        }
    }

    #[test]
    fn an_entry_of_tags_names_what_is_pushed_by_digest_unless_it_is_a_branch() {
        let digest = "type=image,push-by-digest=true,name-canonical=true,push=true";
        let context = RunContext {
            git_ref: "refs/heads/feature/x".to_owned(),
            ..RunContext::default()
        };
        for (outputs, tags, images, expected) in [
            (digest, "pyfound/black", "", vec!["pyfound/black"]),
            (digest, "pyfound/black\ntype=sha", "", vec!["pyfound/black"]),
            (digest, "ghcr.io/o/a\nq/b", "", vec!["ghcr.io/o/a", "q/b"]),
            (digest, "feature/x", "", vec![]),
            (digest, "feature/x\nq/b", "", vec!["q/b"]),
            (digest, "pyfound/black", "ghcr.io/o/own", vec![]),
            (digest, "type=raw,value=q/b", "", vec![]),
            (digest, "", "", vec![]),
            ("type=image,push=true", "pyfound/black", "", vec![]),
            (
                "type=image,push-by-digest=true,push=true,name=q/b",
                "pyfound/black",
                "",
                vec![],
            ),
        ] {
            let given = inputs(&[("outputs", outputs), ("tags", tags), ("images", images)]);
            let named = without_tag(&given, &context);
            let names = named
                .iter()
                .flat_map(|inputs| inputs.metadata.enabled_images());
            assert_eq!(
                names.collect::<Vec<_>>(),
                expected,
                "{outputs} {tags} {images}"
            );
        }
    }
}
