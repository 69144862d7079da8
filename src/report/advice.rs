//! Advice, as the summary and a terminal show it.

use std::fmt::Write as _;

use crate::advice::Advice;
use crate::report::text::{code, escape, fenced};
use crate::units::seconds;

/// The part of the summary; empty where there is none.
pub fn as_markdown(all: &[Advice]) -> String {
    let mut text = String::new();
    if all.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\n### How to make it faster\n");
    for advice in all {
        let cost = advice.seconds.map(|cost| format!(", {}", seconds(cost)));
        let _ = writeln!(
            text,
            "**{}**{}: {}. {}:\n",
            code(&place(advice)),
            cost.unwrap_or_default(),
            escape(&advice.message),
            escape(&where_to_put(advice))
        );
        let language = match advice.into.as_str() {
            "" => "dockerfile",
            into if into.ends_with(".yml") => "yaml",
            _ => "",
        };
        text += &fenced(language, &advice.rewrite);
    }
    text
}

/// The same for a terminal.
pub fn as_text(all: &[Advice]) -> String {
    let mut text = String::new();
    for advice in all {
        let cost = advice.seconds.map(|cost| format!(" ({})", seconds(cost)));
        let _ = writeln!(
            text,
            "{}: {}{}\n  {}.\n  {}:",
            place(advice),
            advice.rule,
            cost.unwrap_or_default(),
            advice.message,
            where_to_put(advice)
        );
        for line in advice.rewrite.lines() {
            let _ = writeln!(text, "    {line}");
        }
        text.push('\n');
    }
    text
}

fn place(advice: &Advice) -> String {
    let (first, last) = advice.lines;
    if !advice.into.is_empty() || first == last {
        format!("{}:{first}", advice.file)
    } else {
        format!("{}:{first}-{last}", advice.file)
    }
}

fn where_to_put(advice: &Advice) -> String {
    match (advice.into.as_str(), advice.lines) {
        ("", (first, last)) if first == last => "In place of that line".to_owned(),
        ("", _) => "In place of those lines".to_owned(),
        (into, _) => format!("In {into}"),
    }
}
