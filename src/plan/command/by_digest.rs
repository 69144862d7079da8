//! The exporter that pushes the content of an image by its digest, under no name.

use crate::image::reference;
use crate::input::grammar::csv;
use crate::plan::command::exclusions::Exclusions;

/// The repositories of an image, as the workflow spells them, with the references
/// that it gets in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByDigest(Vec<(String, Vec<String>)>);

impl ByDigest {
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

    /// The entry of `--output`, without repositories of which nothing is to be pushed
    /// any more. Source: BuildKit, `docs/build-repro.md` and `exporter/containerimage`.
    pub fn output(&self, exclusions: &Exclusions) -> String {
        let is_due = |text: &String| !exclusions.references.contains(text);
        let names: Vec<&str> = self
            .0
            .iter()
            .filter(|(_, references)| references.iter().any(is_due))
            .map(|(name, _)| name.as_str())
            .collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_once_and_while_something_of_it_is_due() {
        let references = ["a/b:1", "c/d:1", "a/b:2"].map(str::to_owned);
        let content = ByDigest::of(&references);
        let rest = "push-by-digest=true,name-canonical=true,push=true";
        let all = content.output(&Exclusions::planned());
        assert_eq!(all, format!("type=image,\"name=a/b,c/d\",{rest}"));
        let exclusions = Exclusions {
            references: vec!["c/d:1".to_owned()],
            ..Exclusions::planned()
        };
        let some = content.output(&exclusions);
        assert_eq!(some, format!("type=image,name=a/b,{rest}"));
    }
}
