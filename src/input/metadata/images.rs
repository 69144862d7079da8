//! The input `images`: names, each of which can be switched off.
//!
//! Owns [`ImageRule`]. Whether a registry accepts a name is for others: the
//! outputs carry it as it was given, in lower case.

use crate::error::InputProblem;
use crate::input::grammar::csv::Dialect;
use crate::input::grammar::fields::{enabled, first_record};
use crate::input::grammar::javascript::trim;
use crate::input::grammar::list::Entry;

/// One image to tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRule {
    /// The name, as it was given.
    pub name: String,
    /// False for a name that is left out of the outputs.
    pub enable: bool,
    /// Line and column in the input, from 1.
    pub position: (usize, usize),
}

impl ImageRule {
    /// An image that nobody wrote down as a rule.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            enable: true,
            position: (0, 0),
        }
    }
}

const ACCEPTED: &str = "a name, or name=NAME with enable=true or enable=false";

/// Turns entries into images; every bad entry is a problem.
pub fn parse(entries: &[Entry]) -> (Vec<ImageRule>, Vec<InputProblem>) {
    if let [only] = entries
        && let Some(names) = plain_names(only)
    {
        return (names, Vec::new());
    }
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    for entry in entries {
        match parse_entry(entry) {
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.push(problem),
        }
    }
    (rules, problems)
}

/// The oldest form: one line of names with commas between them. Names may be
/// empty there, as they are for the original.
fn plain_names(entry: &Entry) -> Option<Vec<ImageRule>> {
    let fields = first_record("images", entry, Dialect::default()).ok()?;
    let plain = |field: &String| !field.contains('=');
    fields.iter().all(plain).then(|| {
        let rule = |field: &String| ImageRule {
            name: trim(field).to_owned(),
            enable: true,
            position: (entry.line, entry.column),
        };
        fields.iter().map(rule).collect()
    })
}

fn parse_entry(entry: &Entry) -> Result<ImageRule, InputProblem> {
    let problem = |why: String, accepted: &str| {
        InputProblem::new("images", &entry.text, why, accepted).at(entry.line, entry.column)
    };
    let mut rule = ImageRule {
        name: String::new(),
        enable: true,
        position: (entry.line, entry.column),
    };
    for field in first_record("images", entry, Dialect::default())? {
        let mut parts = field.split('=').map(trim);
        let first = parts.next().unwrap_or_default();
        let Some(value) = parts.next() else {
            rule.name = first.to_owned();
            continue;
        };
        match first.to_lowercase().as_str() {
            "name" => rule.name = value.to_owned(),
            "enable" => {
                rule.enable = enabled(value).ok_or_else(|| {
                    problem(
                        format!("enable is {value:?}"),
                        "enable=true or enable=false",
                    )
                })?;
            }
            other => {
                let why = format!("an image has no attribute {other:?}");
                return Err(problem(why, ACCEPTED));
            }
        }
    }
    if rule.name.is_empty() {
        return Err(problem("has no name".to_owned(), ACCEPTED));
    }
    Ok(rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::grammar::list::entries;

    fn names(text: &str) -> Vec<String> {
        let (rules, problems) = parse(&entries(text).unwrap());
        assert_eq!(problems, []);
        let enabled = rules.into_iter().filter(|rule| rule.enable);
        enabled.map(|rule| rule.name).collect()
    }

    #[test]
    fn old_and_new_forms() {
        assert_eq!(names("a/b, c/d"), ["a/b", "c/d"]);
        assert_eq!(names("name=a/b,enable=false\nname=c/d"), ["c/d"]);
        assert_eq!(names("a/b\nc/d,enable=true"), ["a/b", "c/d"]);
    }

    #[test]
    fn bad_entries_are_all_reported() {
        let (_, problems) = parse(&entries("name=\nfoo=bar\na,enable=yes").unwrap());
        assert_eq!(problems.len(), 3);
        assert_eq!(problems[1].position, Some((2, 1)));
    }
}
