//! The job summary: what was published, in Markdown.

use std::fmt::Write as _;

use crate::execute::Outcome;
use crate::plan::Plan;

/// The summary of a run that ended well.
pub fn summary(plan: &Plan, outcome: &Outcome) -> String {
    let mut text = String::new();
    let digest = outcome.build.digest.as_ref().map(ToString::to_string);
    if !plan.publication.build {
        let _ = writeln!(text, "### Looked at, not built\n");
        let _ = writeln!(text, "{}.", escape(&plan.publication.reason));
    } else if plan.publication.push {
        published(&mut text, plan, outcome, digest.as_deref());
    } else if plan.publication.by_outputs {
        let _ = writeln!(text, "### Built, and pushed as `outputs` says");
    } else {
        let _ = writeln!(text, "### Built, not published\n");
        let _ = writeln!(text, "{}.\n", escape(&plan.publication.reason));
        let tags: Vec<String> = plan.tags.iter().map(|tag| code(tag)).collect();
        if !tags.is_empty() {
            let _ = writeln!(text, "It would be {}.", tags.join(", "));
        }
    }
    text
}

fn published(text: &mut String, plan: &Plan, outcome: &Outcome, digest: Option<&str>) {
    // Without a tag the names stand in `outputs`.
    let Some(first) = plan.tags.first() else {
        let _ = writeln!(text, "### Published as `outputs` says\n");
        let digest = digest.map(code).unwrap_or_default();
        let _ = writeln!(text, "Digest {digest}");
        return;
    };
    let _ = writeln!(text, "### Published {}\n", code(first));
    let _ = writeln!(text, "```sh\ndocker pull {first}\n```\n");
    if let Some(digest) = digest {
        let _ = writeln!(text, "Digest {}\n", code(digest));
    }
    let _ = writeln!(text, "| Tag | Read back |\n| --- | --- |");
    for tag in &plan.tags {
        let read = outcome.verified.references.contains(tag);
        let _ = writeln!(
            text,
            "| {} | {} |",
            code(tag),
            if read { "same digest" } else { "not reached" }
        );
    }
    if !outcome.verified.platforms.is_empty() {
        let _ = writeln!(
            text,
            "\n| Platform | Pull size | Digest |\n| --- | --- | --- |"
        );
    }
    for platform in &outcome.verified.platforms {
        let size = platform.size.map_or_else(|| "unknown".to_owned(), bytes);
        let _ = writeln!(
            text,
            "| {} | {size} | {} |",
            code(&platform.platform),
            code(platform.digest.as_str())
        );
    }
    if outcome.verified.attestations > 0 {
        let count = outcome.verified.attestations;
        let _ = writeln!(
            text,
            "\n{count} attestation manifests beside them: registries list them as `unknown/unknown`."
        );
    }
}

/// A size as people read it, in decimal units as registries show it.
fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// A code span that its text cannot leave, also in a table.
fn code(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c == '`' || c.is_control() { '?' } else { c })
        .collect();
    format!("`{}`", clean.replace('|', "\\|"))
}

/// Text in which Markdown and HTML mean nothing. Code spans stay.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (count, text) in [
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (2_340_000, "2.3 MB"),
            (1_000_000_000, "1.00 GB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(code("a`b|c\nd"), "`a?b\\|c?d`");
        assert_eq!(escape("<img> [a](b)\n# c"), "\\<img\\> \\[a\\](b) \\# c");
    }
}
