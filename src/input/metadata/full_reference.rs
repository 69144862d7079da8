//! Entries of `tags` that are whole references, as docker/build-push-action
//! takes them, and names in `outputs`, which are references too.
//!
//! Owns [`Reference`], and how one is told from a rule: it has a `:` and no
//! attribute. No tag has a `:`, and neither has a branch or Git tag
//! (`git check-ref-format` refuses it), be it that of a push, a pull request, a
//! release or a run before this one. So `${{ github.ref_name }}` is always a
//! rule: nobody chooses a registry by the name of a branch. A `/` alone proves
//! nothing, since `feature/x` is a branch as well as an image.

use crate::error::InputProblem;
use crate::image::{self, ImageName, Refused, Tag};
use crate::input::grammar::csv::Dialect;
use crate::input::grammar::fields::first_record;
use crate::input::grammar::javascript::trim;
use crate::input::grammar::list::Entry;

/// A name and a tag, such as `ghcr.io/acme/app:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// As it was given, but with its tag, and with its name in lower case.
    pub text: String,
    /// Its name.
    pub name: ImageName,
    /// True when the name was in upper case, which no registry accepts.
    pub corrected: bool,
}

impl Reference {
    /// Reads a reference; the tag is `latest` when it has none.
    ///
    /// # Errors
    /// When no registry accepts it, or when it has a digest, which nobody can
    /// choose for an image that is still to be built.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        if image::reference::split(text).2.is_some() {
            return Err(Refused {
                why: "an image that is still to be built has no digest yet".to_owned(),
                accepted: "NAME:TAG".to_owned(),
            });
        }
        let image::Reference {
            spelt, name, tag, ..
        } = image::Reference::parse(text)?;
        let tag = tag.map_or_else(|| Tag::parse("latest"), Ok)?;
        let lower = spelt.to_ascii_lowercase();
        Ok(Self {
            name,
            corrected: lower != spelt,
            text: format!("{lower}:{tag}"),
        })
    }
}

/// Takes the references out of the entries. Several on one line are separated
/// by commas. One that no registry accepts is a problem.
pub fn take_references(
    entries: &mut Vec<Entry>,
    problems: &mut Vec<InputProblem>,
) -> Vec<Reference> {
    let mut taken = Vec::new();
    entries.retain(|entry| {
        let Some(fields) = of(entry) else {
            return true;
        };
        for field in fields {
            match Reference::parse(&field) {
                Ok(reference) => taken.push(reference),
                Err(refused) => problems.push(problem(entry, &field, &refused)),
            }
        }
        false
    });
    taken
}

/// The references of an entry, unless it is a rule.
fn of(entry: &Entry) -> Option<Vec<String>> {
    let fields = first_record("tags", entry, Dialect::default()).ok()?;
    let fields: Vec<&str> = fields.iter().map(|field| trim(field)).collect();
    let has_attribute = fields.iter().any(|field| field.contains('='));
    // Outside GitHub an expression may be left as it stands, for the plan to show.
    let is_open = fields.iter().any(|field| field.contains("${{"));
    let has_colon = fields.iter().any(|field| has_colon(field));
    if has_attribute || is_open || !has_colon {
        return None;
    }
    let fields = fields.into_iter().filter(|field| !field.is_empty());
    Some(fields.map(str::to_owned).collect())
}

/// True for a `:` that is not in an expression such as `{{date 'HH:mm'}}`.
fn has_colon(text: &str) -> bool {
    let (before, rest) = text.split_once("{{").unwrap_or((text, ""));
    let after = rest.split_once("}}").map(|(_, after)| after);
    before.contains(':') || after.is_some_and(has_colon)
}

fn problem(entry: &Entry, field: &str, refused: &Refused) -> InputProblem {
    const IS_ONE: &str = "it has a `:`, so it is a whole reference";
    // The name of a branch, put behind an image's.
    let of_branch = field
        .rsplit_once(':')
        .filter(|(name, tag)| tag.contains('/') && ImageName::parse(name).is_ok());
    let (why, accepted) = if field.contains("{{") {
        (
            format!("{IS_ONE}, and those have no expressions"),
            "the name in `images`, and the tag as type=raw,value=TAG".to_owned(),
        )
    } else if let Some((name, _)) = of_branch {
        (
            format!("{IS_ONE}: a tag cannot hold '/'"),
            format!(
                "{name} in `images`, and a rule such as type=ref,event=branch, which replaces what no tag can hold"
            ),
        )
    } else {
        (
            format!("{IS_ONE}: {}", refused.why),
            format!(
                "a reference such as ghcr.io/acme/app:1 ({}); for a tag, type=raw,value=TAG",
                refused.accepted
            ),
        )
    };
    InputProblem::new("tags", field, why, accepted).at(entry.line, entry.column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::grammar::list::entries;

    fn split(text: &str) -> (Vec<String>, Vec<String>, Vec<InputProblem>) {
        let mut entries = entries(text).unwrap();
        let mut problems = Vec::new();
        let references = take_references(&mut entries, &mut problems);
        (
            references.into_iter().map(|found| found.text).collect(),
            entries.into_iter().map(|entry| entry.text).collect(),
            problems,
        )
    }

    #[test]
    fn references_are_told_from_rules() {
        for reference in [
            "ghcr.io/o/app:1",
            "u/a:1",
            "app:1",
            "localhost:5000/app:v1.2.3",
            "registry.example.com/a/b/c:latest",
        ] {
            let expected = (vec![reference.to_owned()], vec![], vec![]);
            assert_eq!(split(reference), expected);
        }
        for rule in [
            "type=sha",
            "latest",
            "feature/x",
            "ghcr.io/o/app",
            "type=raw,value=a/b:1",
            "u/a:1,priority=5",
            "{{date 'HH:mm'}}",
            "{{sha}}-{{date 'HH:mm'}}",
            "u/a:${{ steps.version.outputs.tag }}",
        ] {
            assert_eq!(
                split(rule),
                (vec![], vec![rule.to_owned()], vec![]),
                "{rule}"
            );
        }
    }

    #[test]
    fn a_port_is_not_a_tag_and_docker_hub_names_are_given_in_full() {
        for (text, spelt, name) in [
            (
                "localhost:5000/app",
                "localhost:5000/app:latest",
                "localhost:5000/app",
            ),
            ("app:1", "app:1", "docker.io/library/app"),
            ("psf/black:1", "psf/black:1", "docker.io/psf/black"),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(reference.text, spelt);
            assert_eq!(reference.name.to_string(), name);
        }
    }

    #[test]
    fn what_no_registry_accepts_is_a_problem_with_its_place() {
        for (text, expected) in [
            (
                "edge\n  acme/app:feature/x",
                "tags (line 2, column 1): \"acme/app:feature/x\"",
            ),
            ("ghcr.io/acme/app:feature/x", "ghcr.io/acme/app in `images`"),
            ("u/a:{{sha}}", "type=raw,value=TAG"),
            ("ghcr.io/app:1", "needs an owner"),
            ("a/b:", "a tag cannot be empty"),
            ("a/b@sha256:0", "has no digest yet"),
            ("a/b:1,a b:2", "\"a b:2\""),
        ] {
            let (_, _, problems) = split(text);
            assert_eq!(problems.len(), 1, "{text}");
            let problem = problems[0].to_string();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn both_stand_beside_each_other() {
        let (references, rules, _) =
            split("type=sha\nu/a:1,u/a:2\n# u/a:3\nedge\n\"ghcr.io/O/App:X\"");
        assert_eq!(references, ["u/a:1", "u/a:2", "ghcr.io/o/app:X"]);
        assert_eq!(rules, ["type=sha", "edge"]);
    }
}
