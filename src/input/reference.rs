//! Entries of `tags` that are whole references, as docker/build-push-action
//! takes them.
//!
//! Owns [`Reference`], and how one is told from a rule: it has no attribute,
//! a `/` in its name and a tag behind its last `:`. As a rule it could only be
//! a bare word, of which each of these characters would become `-`.

use super::csv::Dialect;
use super::ecma::trim;
use super::list::Entry;
use super::metadata::first_record;
use crate::image::{ImageName, Tag};

/// A name and a tag, such as `ghcr.io/acme/app:1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// As it was given, but for upper case in its name.
    pub text: String,
    /// Its name.
    pub name: ImageName,
    /// True when the name was in upper case, which no registry accepts.
    pub corrected: bool,
}

impl Reference {
    fn parse(text: &str) -> Option<Self> {
        let (name, tag) = text.rsplit_once(':')?;
        if !name.contains('/') || Tag::parse(tag).is_err() {
            return None;
        }
        let lower = name.to_ascii_lowercase();
        Some(Self {
            name: ImageName::parse(&lower).ok()?,
            corrected: lower != name,
            text: format!("{lower}:{tag}"),
        })
    }
}

/// Takes the references out of the entries. Several on one line are separated
/// by commas.
pub fn take(entries: &mut Vec<Entry>) -> Vec<Reference> {
    let mut taken = Vec::new();
    entries.retain(|entry| match of(entry) {
        Some(references) => {
            taken.extend(references);
            false
        }
        None => true,
    });
    taken
}

fn of(entry: &Entry) -> Option<Vec<Reference>> {
    let fields = first_record("tags", entry, Dialect::default()).ok()?;
    let fields = fields.iter().map(|field| trim(field));
    fields
        .filter(|field| !field.is_empty())
        .map(Reference::parse)
        .collect::<Option<Vec<_>>>()
        .filter(|references| !references.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::list::entries;

    fn split(text: &str) -> (Vec<String>, Vec<String>) {
        let mut entries = entries(text).unwrap();
        let references = take(&mut entries);
        (
            references.into_iter().map(|found| found.text).collect(),
            entries.into_iter().map(|entry| entry.text).collect(),
        )
    }

    #[test]
    fn references_are_told_from_rules() {
        for reference in [
            "ghcr.io/o/app:1",
            "u/a:1",
            "localhost:5000/app:v1.2.3",
            "registry.example.com/a/b/c:latest",
        ] {
            assert_eq!(split(reference), (vec![reference.to_owned()], vec![]));
        }
        for rule in [
            "type=sha",
            "latest",
            "feature/x",
            "app:1",
            "a/b:",
            "localhost:5000/app",
            "type=raw,value=a/b:1",
            "u/a:1,priority=5",
            "u/a:{{sha}}",
        ] {
            assert_eq!(split(rule), (vec![], vec![rule.to_owned()]), "{rule}");
        }
    }

    #[test]
    fn both_stand_beside_each_other() {
        let (references, rules) =
            split("type=sha\nu/a:1,u/a:2\n# u/a:3\nedge\n\"ghcr.io/O/App:X\"");
        assert_eq!(references, ["u/a:1", "u/a:2", "ghcr.io/o/app:X"]);
        assert_eq!(rules, ["type=sha", "edge"]);
    }
}
