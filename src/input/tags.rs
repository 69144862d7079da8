//! The input `tags`: rules that turn an event into tags.
//!
//! Owns [`TagRule`] and its kinds, the rules that apply when none is given and
//! the order in which rules run. Values and patterns are templates; they are
//! rendered elsewhere.

mod order;

use std::collections::HashMap;

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
const ATTRIBUTES: [&str; 12] = [
    "type", "enable", "priority", "prefix", "suffix", "value", "pattern", "group", "match",
    "branch", "event", "format",
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
    let mut reader = Attributes {
        entry,
        values: HashMap::new(),
        order: Vec::new(),
    };
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

/// The attributes of one rule. The last of a name wins.
struct Attributes<'a> {
    entry: &'a Entry,
    values: HashMap<String, String>,
    order: Vec<String>,
}

impl Attributes<'_> {
    fn set(&mut self, key: String, value: &str) {
        if self.values.insert(key.clone(), value.to_owned()).is_none() {
            self.order.push(key);
        }
    }

    fn take(&mut self, key: &str) -> Option<String> {
        self.values.remove(key)
    }

    fn text(&mut self, key: &str) -> String {
        self.take(key).unwrap_or_default()
    }

    fn required(&mut self, key: &str, kind: &str, example: &str) -> Result<String, InputProblem> {
        self.take(key).ok_or_else(|| {
            let mut why = format!("a rule of type {kind} needs {key}=");
            let near = |other: &&String| strsim::damerau_levenshtein(other, key) <= 2;
            if let Some(other) = self.order.iter().find(near) {
                why = format!("{why}; {other:?} is none of its attributes");
            }
            self.problem(why, example.to_owned())
        })
    }

    /// The rule's kind, and its priority unless the rule has one.
    fn kind(&mut self, kind: &str) -> Result<(TagKind, f64), InputProblem> {
        Ok(match kind {
            "schedule" => {
                let pattern = self.take("pattern").unwrap_or_else(|| "nightly".to_owned());
                (TagKind::Schedule { pattern }, 1000.0)
            }
            "semver" => (TagKind::Semver(self.version(kind)?), 900.0),
            "pep440" => (TagKind::Pep440(self.version(kind)?), 900.0),
            "match" => (self.matching()?, 800.0),
            "edge" => {
                let branch = self.text("branch");
                (TagKind::Edge { branch }, 700.0)
            }
            "ref" => (TagKind::Ref(self.event()?), 600.0),
            "sha" => (TagKind::Sha(self.format()?), 100.0),
            _ => {
                let value = self.required("value", "raw", "type=raw,value=TAG")?;
                (TagKind::Raw { value }, 200.0)
            }
        })
    }

    fn version(&mut self, kind: &str) -> Result<VersionRule, InputProblem> {
        let example = format!("type={kind},pattern={{{{version}}}}");
        Ok(VersionRule {
            pattern: self.required("pattern", kind, &example)?,
            value: self.text("value"),
            matching: self.text("match"),
        })
    }

    fn matching(&mut self) -> Result<TagKind, InputProblem> {
        let pattern = self.required("pattern", "match", r"type=match,pattern=v(\d+),group=1")?;
        let group = self.take("group").unwrap_or_else(|| "0".to_owned());
        if number(&group).is_nan() {
            let why = format!("group is {group:?}");
            return Err(self.problem(why, "the number of a group in the pattern".to_owned()));
        }
        let value = self.text("value");
        Ok(TagKind::Match {
            pattern,
            group,
            value,
        })
    }

    fn event(&mut self) -> Result<RefEvent, InputProblem> {
        let event = self.required("event", "ref", "event=branch, event=tag or event=pr")?;
        match event.as_str() {
            "branch" => Ok(RefEvent::Branch),
            "tag" => Ok(RefEvent::Tag),
            "pr" => Ok(RefEvent::PullRequest),
            _ => Err(self.problem(
                format!("there is no event {event:?} for a rule of type ref"),
                nearest(&event, &["branch", "tag", "pr"]),
            )),
        }
    }

    fn format(&mut self) -> Result<ShaFormat, InputProblem> {
        let format = self.take("format").unwrap_or_else(|| "short".to_owned());
        match format.as_str() {
            "short" => Ok(ShaFormat::Short),
            "long" => Ok(ShaFormat::Long),
            _ => Err(self.problem(
                format!("there is no format {format:?} for a rule of type sha"),
                nearest(&format, &["short", "long"]),
            )),
        }
    }

    /// What nothing has read, with the nearest attribute that exists.
    fn unread(&self) -> Vec<String> {
        let left = self
            .order
            .iter()
            .filter(|key| self.values.contains_key(*key));
        left.map(|key| match closest(key, &ATTRIBUTES) {
            Some(near) if near != key => format!("{key} (do you mean {near}?)"),
            _ => key.clone(),
        })
        .collect()
    }

    fn problem(&self, why: String, accepted: String) -> InputProblem {
        let Entry { text, line, column } = self.entry;
        InputProblem::new("tags", text, why, accepted).at(*line, *column)
    }
}

fn closest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let distance = |other: &&&str| strsim::damerau_levenshtein(word, other);
    let near = words.iter().min_by_key(distance)?;
    (distance(&near) <= 2).then_some(near)
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
