//! The input `tags`: rules that turn an event into tags.
//!
//! Owns [`TagRule`] and its kinds, the rules that apply when none is given and
//! the order in which rules run. Values and patterns are templates; they are
//! rendered elsewhere.

mod attributes;
mod order;

use attributes::Attributes;

use super::csv::Dialect;
use super::ecma::{number, trim};
use super::list::Entry;
use super::metadata::{first_record, nearest};
use crate::error::InputProblem;

pub use order::by_priority;

/// One line of the input `tags`.
#[derive(Clone, Debug, PartialEq)]
pub struct TagRule {
    /// The line, as it was given.
    pub text: String,
    /// Line and column in the input, from 1; line 0 for a rule of our own.
    pub position: (usize, usize),
    /// What the rule does.
    pub kind: TagKind,
    /// Template that yields `true` or `false`.
    pub enable: String,
    /// Rules of higher priority run first; NaN is like any other number.
    pub priority: f64,
    /// Template put before the tag; the flavour's when there is none.
    pub prefix: Option<String>,
    /// Template put after the tag; the flavour's when there is none.
    pub suffix: Option<String>,
    /// Attributes that no rule of this kind reads.
    pub unread: Vec<String>,
}

/// What a rule does, with the attributes of its kind.
#[derive(Clone, Debug, PartialEq)]
pub enum TagKind {
    /// On `schedule` events, the date or a fixed word.
    Schedule {
        /// Template with `date` and `commit_date`.
        pattern: String,
    },
    /// A semantic version from a Git tag or a value.
    Semver(VersionRule),
    /// A Python version from a Git tag or a value.
    Pep440(VersionRule),
    /// Part of a Git tag or a value, by regular expression.
    Match {
        /// A JavaScript regular expression, bare or as `/…/flags`.
        pattern: String,
        /// Which group to take, as it was given.
        group: String,
        /// Template; the Git tag when it is empty.
        value: String,
    },
    /// `edge` on one branch.
    Edge {
        /// The branch; the default branch when it is empty.
        branch: String,
    },
    /// The branch, tag or pull request of the event.
    Ref(RefEvent),
    /// A fixed value.
    Raw {
        /// Template.
        value: String,
    },
    /// The commit.
    Sha(ShaFormat),
}

/// The attributes of `semver` and `pep440` rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRule {
    /// Template over the version's parts.
    pub pattern: String,
    /// Template; the Git tag when it is empty.
    pub value: String,
    /// Regular expression whose first group is the version; all when empty.
    pub matching: String,
}

/// `event=` of a `ref` rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefEvent {
    /// `refs/heads/…`
    Branch,
    /// `refs/tags/…`
    Tag,
    /// `refs/pull/…`
    PullRequest,
}

/// `format=` of a `sha` rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShaFormat {
    /// The first characters, 7 unless the environment says otherwise.
    Short,
    /// All of it.
    Long,
}

const TYPES: [&str; 8] = [
    "schedule", "semver", "pep440", "match", "edge", "ref", "raw", "sha",
];
const DEFAULTS: [&str; 4] = [
    "type=schedule",
    "type=ref,event=branch",
    "type=ref,event=tag",
    "type=ref,event=pr",
];

/// Turns entries into rules, in the order in which they run. Every bad entry
/// is a problem. Without entries the default rules apply.
pub fn parse(entries: &[Entry]) -> (Vec<TagRule>, Vec<InputProblem>) {
    let defaults: Vec<Entry>;
    let entries = if entries.is_empty() {
        let entry = |text: &str| Entry {
            text: text.to_owned(),
            ..Entry::default()
        };
        defaults = DEFAULTS.into_iter().map(entry).collect();
        &defaults
    } else {
        entries
    };
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    for entry in entries {
        match parse_entry(entry) {
            Ok(rule) => rules.push(rule),
            Err(problem) => problems.push(problem),
        }
    }
    by_priority(&mut rules, |rule| rule.priority);
    (rules, problems)
}

fn parse_entry(entry: &Entry) -> Result<TagRule, InputProblem> {
    let mut reader = Attributes::new(entry);
    let mut kind = "raw".to_owned();
    for field in first_record("tags", entry, Dialect::default())? {
        let (key, value) = split_field(&field);
        if key == "type" {
            if !TYPES.contains(&value) {
                let why = format!("there is no type {value:?}");
                return Err(reader.problem(why, nearest(value, &TYPES)));
            }
            value.clone_into(&mut kind);
        } else {
            reader.set(key, value);
        }
    }
    let (kind, priority) = reader.kind(&kind)?;
    let prefix = reader.take("prefix").or(match &kind {
        TagKind::Ref(RefEvent::PullRequest) => Some("pr-".to_owned()),
        TagKind::Sha(_) => Some("sha-".to_owned()),
        _ => None,
    });
    Ok(TagRule {
        text: entry.text.clone(),
        position: (entry.line, entry.column),
        kind,
        prefix,
        suffix: reader.take("suffix"),
        enable: reader.take("enable").unwrap_or_else(|| "true".to_owned()),
        priority: reader
            .take("priority")
            .map_or(priority, |text| number(&text)),
        unread: reader.unread(),
    })
}

/// `key=value` at the first `=` that something stands before; otherwise a value.
fn split_field(field: &str) -> (String, &str) {
    match field.find('=') {
        Some(at) if at > 0 => {
            let (key, value) = field.split_at(at);
            (
                trim(key).to_lowercase(),
                trim(value.get(1..).unwrap_or_default()),
            )
        }
        _ => ("value".to_owned(), trim(field)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::list::entries;

    fn one(text: &str) -> TagRule {
        let (rules, problems) = parse(&entries(text).unwrap());
        assert_eq!(problems, []);
        rules.into_iter().next().unwrap()
    }

    #[test]
    fn a_bare_value_is_a_raw_rule() {
        let rule = one("a=b=c,=d");
        let value = "=d".to_owned();
        assert_eq!(rule.kind, TagKind::Raw { value });
        assert_eq!(rule.unread, ["a"]);
    }

    #[test]
    fn each_kind_has_its_own_fields() {
        assert_eq!(one("type=sha").prefix.as_deref(), Some("sha-"));
        assert_eq!(one("type=sha,prefix=").prefix.as_deref(), Some(""));
        assert_eq!(one("type=ref,event=pr").prefix.as_deref(), Some("pr-"));
        let pattern = "nightly".to_owned();
        assert_eq!(one("type=schedule").kind, TagKind::Schedule { pattern });
    }

    #[test]
    fn rules_run_by_priority() {
        let (rules, _) = parse(&entries("a\nb,priority=300\ntype=sha\nc").unwrap());
        let order: Vec<_> = rules.iter().map(|rule| rule.text.as_str()).collect();
        assert_eq!(order, ["b,priority=300", "a", "c", "type=sha"]);
    }

    #[test]
    fn every_bad_rule_is_named_with_its_place() {
        let text = "type=semvar,pattern=x\ntype=ref,event=brunch\n  type=semver\ntype=sha,format=x";
        let (_, problems) = parse(&entries(text).unwrap());
        let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(text.len(), 4);
        assert!(
            text[0].contains("line 1, column 1") && text[0].contains("semver"),
            "{text:?}"
        );
        assert!(text[1].contains("branch"), "{text:?}");
        assert!(
            text[2].contains("line 3, column 1") && text[2].contains("pattern="),
            "{text:?}"
        );
    }
}
