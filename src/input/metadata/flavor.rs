//! The input `flavor`: what all tags have in common.
//!
//! Owns [`Flavor`]. Prefix and suffix are templates; they are rendered
//! elsewhere.

use crate::error::InputProblem;
use crate::input::grammar::csv::Dialect;
use crate::input::grammar::fields::{enabled, first_record, nearest};
use crate::input::grammar::javascript::trim;
use crate::input::grammar::list::Entry;

/// Whether `latest` is among the tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latest {
    /// When the first rule that gave a tag stands for a release.
    #[default]
    Auto,
    /// Whenever there is a tag.
    Always,
    /// Never.
    Never,
}

/// What all tags have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flavor {
    /// Whether `latest` is added.
    pub latest: Latest,
    /// Template put before each tag whose rule has no prefix of its own.
    pub prefix: String,
    /// True when `latest` has the prefix too, as it stands.
    pub prefix_latest: bool,
    /// Template put after each tag whose rule has no suffix of its own.
    pub suffix: String,
    /// True when `latest` has the suffix too, as it stands.
    pub suffix_latest: bool,
}

/// What `onlatest` belongs to: the prefix or suffix given before it.
#[derive(Clone, Copy)]
enum Affix {
    Prefix,
    Suffix,
}

const KEYS: [&str; 4] = ["latest", "prefix", "suffix", "onlatest"];

/// Turns entries into a flavour; every bad entry is a problem.
pub fn parse(entries: &[Entry]) -> (Flavor, Vec<InputProblem>) {
    let mut flavor = Flavor::default();
    let mut problems = Vec::new();
    for entry in entries {
        if let Err(problem) = parse_entry(entry, &mut flavor) {
            problems.push(problem);
        }
    }
    (flavor, problems)
}

fn parse_entry(entry: &Entry, flavor: &mut Flavor) -> Result<(), InputProblem> {
    let problem = |why: String, accepted: String| {
        InputProblem::new("flavor", &entry.text, why, accepted).at(entry.line, entry.column)
    };
    let mut affix = None;
    for field in first_record("flavor", entry, Dialect::default())? {
        let mut parts = field.split('=').map(trim);
        let key = parts.next().unwrap_or_default().to_lowercase();
        let Some(value) = parts.next() else {
            let why = format!("{key:?} has no value");
            return Err(problem(
                why,
                "latest=, prefix=, suffix= and onlatest=".to_owned(),
            ));
        };
        match key.as_str() {
            "latest" => {
                flavor.latest = latest(value).ok_or_else(|| {
                    let why = format!("latest is {value:?}");
                    problem(why, "latest=auto, latest=true or latest=false".to_owned())
                })?;
            }
            "prefix" => {
                value.clone_into(&mut flavor.prefix);
                affix = Some(Affix::Prefix);
            }
            "suffix" => {
                value.clone_into(&mut flavor.suffix);
                affix = Some(Affix::Suffix);
            }
            "onlatest" => {
                let on = enabled(value).ok_or_else(|| {
                    let why = format!("onlatest is {value:?}");
                    problem(why, "onlatest=true or onlatest=false".to_owned())
                })?;
                match affix {
                    Some(Affix::Prefix) => flavor.prefix_latest = on,
                    Some(Affix::Suffix) => flavor.suffix_latest = on,
                    None => {}
                }
            }
            other => {
                let why = format!("a flavour has no attribute {other:?}");
                return Err(problem(why, nearest(other, &KEYS)));
            }
        }
    }
    Ok(())
}

fn latest(value: &str) -> Option<Latest> {
    match value {
        "auto" => Some(Latest::Auto),
        "true" => Some(Latest::Always),
        "false" => Some(Latest::Never),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::grammar::list::entries;

    #[test]
    fn onlatest_belongs_to_what_stands_before_it() {
        let text = "latest=true\nprefix=a-,onlatest=true\nsuffix=-b\nonlatest=true";
        let (flavor, problems) = parse(&entries(text).unwrap());
        assert_eq!(problems, []);
        assert_eq!(flavor.latest, Latest::Always);
        assert!(flavor.prefix_latest);
        assert!(!flavor.suffix_latest);
    }

    #[test]
    fn bad_entries_name_the_nearest_word() {
        let (_, problems) = parse(&entries("lastest=true\nlatest=yes").unwrap());
        assert_eq!(problems.len(), 2);
        assert!(problems[0].accepted.contains("latest"), "{}", problems[0]);
    }
}
