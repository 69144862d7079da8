//! The exporter that pushes the content of an image by its digest, under no name.

use crate::image::{Registry, reference};
use crate::input::grammar::csv;
use crate::plan::command::exclusions::Exclusions;

/// The repositories of an image, as the workflow spells them, with the references
/// that it gets in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryReferences(Vec<(String, Vec<String>)>);

impl RepositoryReferences {
    /// That of these references.
    pub fn of(references: &[String]) -> Self {
        let mut repositories: Vec<(String, Vec<String>)> = Vec::new();
        for text in references {
            let (name, ..) = reference::split(text);
            match repositories.iter_mut().find(|(other, _)| other == name) {
                Some((_, all)) => all.push(text.clone()),
                None => repositories.push((name.to_owned(), vec![text.clone()])),
            }
        }
        Self(repositories)
    }

    /// The entry of `--output`: for one repository of each registry, without those of
    /// which nothing is to be pushed any more. Source: BuildKit, `docs/build-repro.md` and
    /// `exporter/containerimage`.
    pub fn output(&self, exclusions: &Exclusions) -> String {
        let is_due = |text: &String| !exclusions.references.contains(text);
        let due = self
            .0
            .iter()
            .filter(|(_, references)| references.iter().any(is_due))
            .map(|(name, _)| name.as_str());
        let names = pushed_by_builder(due);
        let attributes = [
            ("type", "image"),
            ("name", &names.join(",")),
            ("push-by-digest", "true"),
            ("name-canonical", "true"),
            ("push", "true"),
        ];
        csv::entry(&attributes.map(|(key, value)| (key.to_owned(), value.to_owned())))
    }
}

/// The repositories that the builder pushes to: the first one of each registry. It works
/// on them one after the other, while a registry takes what it has already in no time.
pub fn pushed_by_builder<'a>(repositories: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut registries: Vec<Registry> = Vec::new();
    let is_first = |name: &&str| {
        let Some(image) = reference::name(name) else {
            return true;
        };
        let is_new = !registries.contains(&image.registry);
        registries.push(image.registry);
        is_new
    };
    repositories.filter(is_first).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_of_each_registry_is_named_while_something_of_it_is_due() {
        let references = ["ghcr.io/a/b:1", "c/d:1", "ghcr.io/a/e:1", "ghcr.io/a/b:2"];
        let content = RepositoryReferences::of(&references.map(str::to_owned));
        let rest = "push-by-digest=true,name-canonical=true,push=true";
        for (settled, expected) in [
            (&[][..], "\"name=ghcr.io/a/b,c/d\""),
            (&["c/d:1", "ghcr.io/a/b:1"], "name=ghcr.io/a/b"),
            (
                &["c/d:1", "ghcr.io/a/b:1", "ghcr.io/a/b:2"],
                "name=ghcr.io/a/e",
            ),
        ] {
            let exclusions = Exclusions {
                references: settled.iter().map(|&text| text.to_owned()).collect(),
                ..Exclusions::initial()
            };
            let output = content.output(&exclusions);
            assert_eq!(output, format!("type=image,{expected},{rest}"));
        }
    }
}
