//! The attributes of a rule, and which of them each kind of rule has.

use crate::error;
use std::collections::HashMap;

use crate::error::InputProblem;
use crate::input::grammar::fields::nearest;
use crate::input::grammar::javascript::number;
use crate::input::grammar::list::Entry;
use crate::input::metadata::tags::rule::{RefEvent, ShaFormat, TagKind, VersionRule};

const ATTRIBUTES: [&str; 12] = [
    "type", "enable", "priority", "prefix", "suffix", "value", "pattern", "group", "match",
    "branch", "event", "format",
];
/// The attributes of one rule. The last of a name wins.
pub struct Attributes<'a> {
    entry: &'a Entry,
    values: HashMap<String, String>,
    order: Vec<String>,
}

impl<'a> Attributes<'a> {
    pub fn new(entry: &'a Entry) -> Self {
        Self {
            entry,
            values: HashMap::new(),
            order: Vec::new(),
        }
    }

    pub fn set(&mut self, key: String, value: &str) {
        if self.values.insert(key.clone(), value.to_owned()).is_none() {
            self.order.push(key);
        }
    }

    pub fn take(&mut self, key: &str) -> Option<String> {
        self.values.remove(key)
    }

    fn text(&mut self, key: &str) -> String {
        self.take(key).unwrap_or_default()
    }

    fn required(&mut self, key: &str, kind: &str, example: &str) -> Result<String, InputProblem> {
        self.take(key).ok_or_else(|| {
            let mut why = format!("a rule of type {kind} needs {key}=");
            if let Some(other) = error::nearest(key, self.order.iter().map(String::as_str)) {
                why = format!("{why}; {other:?} is not one of its attributes");
            }
            self.problem(why, example.to_owned())
        })
    }

    /// The rule's kind, and its priority unless the rule has one.
    pub fn kind(&mut self, kind: &str) -> Result<(TagKind, f64), InputProblem> {
        Ok(match kind {
            "schedule" => {
                let pattern = self.take("pattern").unwrap_or_else(|| "nightly".to_owned());
                (TagKind::Schedule { pattern }, 1000.0)
            }
            "semver" => (TagKind::Semver(self.version(kind)?), 900.0),
            "pep440" => (TagKind::Pep440(self.version(kind)?), 900.0),
            "match" => (self.match_kind()?, 800.0),
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

    fn match_kind(&mut self) -> Result<TagKind, InputProblem> {
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
    pub fn unused(&self) -> Vec<String> {
        let left = self
            .order
            .iter()
            .filter(|key| self.values.contains_key(*key));
        left.map(|key| match error::nearest(key, ATTRIBUTES) {
            Some(near) if near != key => format!("{key} (did you mean {near}?)"),
            _ => key.clone(),
        })
        .collect()
    }

    pub fn problem(&self, why: String, accepted: String) -> InputProblem {
        let Entry { text, line, column } = self.entry;
        InputProblem::new("tags", text, why, accepted).at(*line, *column)
    }
}
