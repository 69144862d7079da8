//! What the person at the workflow page should know of the result.
//!
//! Owns the warnings of the original, in its words, and the notices that it
//! lacks: why nothing came of the rules, tags that are given twice, rules for
//! other events, `latest` on a pre-release.

use std::collections::HashMap;

use crate::metadata::model::{Applied, Metadata, Notice, Severity};
use crate::metadata::rules::{Outcome, Rules, sanitize};

fn notice(severity: Severity, text: impl Into<String>) -> Notice {
    let text = text.into();
    Notice { severity, text }
}

pub fn collect(
    rules: &Rules<'_>,
    applied: &Applied<'_>,
    metadata: &Metadata,
    latest: bool,
) -> Vec<Notice> {
    let warnings = rules.warnings.iter();
    let mut notices: Vec<_> = warnings
        .map(|text| notice(Severity::Warning, text))
        .collect();
    if metadata.version.is_none() {
        for what in ["image version", "tag"] {
            let text = format!("No Docker {what} has been generated. Check tags input.");
            notices.push(notice(Severity::Warning, text));
        }
        notices.push(notice(Severity::Notice, nothing_came(rules, applied)));
    } else if !rules.inputs.default_tags {
        notices.extend(other_events(rules, applied));
    }
    notices.extend(given_twice(applied));
    notices.extend(unused_attributes(applied));
    let version = metadata.version.as_deref().filter(|_| latest);
    if let Some(version) = version.filter(|_| is_prerelease(applied)) {
        let text = format!(
            "latest goes to the pre-release {version}; flavor: latest=false leaves it where it is"
        );
        notices.push(notice(Severity::Notice, text));
    }
    notices
}

/// True when the first tag, which is the version, stands for a pre-release.
fn is_prerelease(applied: &Applied<'_>) -> bool {
    let mut tags = applied.iter().filter_map(|(_, outcome)| match outcome {
        Outcome::Tag { prerelease, .. } => Some(*prerelease),
        _ => None,
    });
    tags.next() == Some(true)
}

fn event(rules: &Rules<'_>) -> String {
    let context = rules.expressions.context;
    format!("the event {} on {:?}", context.event_name, context.git_ref)
}

fn reasons<'a>(applied: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let reason = |(rule, why)| format!("{rule}: {why}");
    applied.map(reason).collect::<Vec<_>>().join("; ")
}

/// The most asked question: why there is no tag.
fn nothing_came(rules: &Rules<'_>, applied: &Applied<'_>) -> String {
    let considered = applied.iter().filter_map(|(rule, outcome)| match outcome {
        Outcome::Tag { .. } => None,
        Outcome::OtherEvent(why) | Outcome::Nothing(why) => {
            Some((rule.text.as_str(), why.as_str()))
        }
    });
    format!(
        "No rule gave a tag for {}: {}",
        event(rules),
        reasons(considered)
    )
}

/// Rules that cannot match this event. Workflows for several events have such
/// rules on purpose, so this is for the log.
fn other_events(rules: &Rules<'_>, applied: &Applied<'_>) -> Option<Notice> {
    let mut others = applied.iter().filter_map(|(rule, outcome)| match outcome {
        Outcome::OtherEvent(why) => Some((rule.text.as_str(), why.as_str())),
        _ => None,
    });
    let first = others.next()?;
    let list = reasons(std::iter::once(first).chain(others));
    let text = format!("These rules can give no tag for {}: {list}", event(rules));
    Some(notice(Severity::Info, text))
}

fn given_twice(applied: &Applied<'_>) -> Vec<Notice> {
    let mut first: HashMap<String, &str> = HashMap::new();
    let mut notices = Vec::new();
    for (rule, outcome) in applied {
        let Outcome::Tag { value, .. } = outcome else {
            continue;
        };
        let tag = sanitize(value);
        if let Some(other) = first.get(&tag) {
            let text = format!(
                "The rules {other} and {} give the same tag {tag}",
                rule.text
            );
            notices.push(notice(Severity::Notice, text));
        } else {
            first.insert(tag, &rule.text);
        }
    }
    notices
}

fn unused_attributes(applied: &Applied<'_>) -> impl Iterator<Item = Notice> {
    let unread = applied.iter().filter(|(rule, _)| !rule.unread.is_empty());
    unread.map(|(rule, _)| {
        let text = format!(
            "The rule {} does not use {}",
            rule.text,
            rule.unread.join(", ")
        );
        notice(Severity::Notice, text)
    })
}
