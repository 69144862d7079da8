//! Reads rules, one an entry.

use crate::error::InputProblem;
use crate::input::grammar::csv::Dialect;
use crate::input::grammar::fields::{first_record, nearest};
use crate::input::grammar::javascript::{number, trim};
use crate::input::grammar::list::Entry;
use crate::input::metadata::tags::attributes::Attributes;
use crate::input::metadata::tags::order::by_priority;
use crate::input::metadata::tags::rule::{RefEvent, TagKind, TagRule};

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
        unread: reader.unused(),
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
    use crate::input::grammar::list::entries;

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
