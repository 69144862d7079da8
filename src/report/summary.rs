//! The job summary: what was published, in Markdown.

use std::fmt::Write as _;

use crate::execute::{Conclusion, FailedTest, ImageOutcome, Outcome, Verified};
use crate::input::Preflight;
use crate::plan::{Build, Plan};
use crate::report::cache;
use crate::units::bytes;

/// How much of an annotation's value is shown, in characters.
const LONGEST_VALUE: usize = 200;

/// The summary of a run, also of one that failed in part; empty when there is
/// nothing to show.
pub fn summary(plan: &Plan, outcome: &Outcome, success: bool) -> String {
    let mut text = String::new();
    let look = plan.preflight.mode == Preflight::Only;
    let withheld = outcome.run_state.withheld.as_deref();
    if plan.builds.iter().any(|build| build.target.is_some()) && !look {
        targets(&mut text, plan, outcome);
    }
    for (build, built) in plan.builds.iter().zip(&outcome.builds) {
        let mut of_one = String::new();
        if let Some(failed) = &built.failed_test {
            failed_test(&mut of_one, failed, built);
        } else if built.pushes.done().next().is_some() {
            published(&mut of_one, built);
            kept_back(&mut of_one, built);
        } else if built.pushes.kept_back().next().is_some() {
            let _ = writeln!(of_one, "### Built; every name stays where it is\n");
            kept_back(&mut of_one, built);
        } else if success && !look {
            unpublished(&mut of_one, build, built, withheld);
        }
        if let (false, Some(cached)) = (of_one.is_empty(), cache::cached(build, built)) {
            let _ = writeln!(of_one, "\n{}.", escape(&cached));
        }
        match &build.target {
            Some(target) if !of_one.is_empty() => {
                let _ = writeln!(text, "\n<details><summary>{}</summary>\n", escape(target));
                let _ = writeln!(text, "{of_one}\n</details>");
            }
            _ => text += &of_one,
        }
    }
    text
}

/// What became of each target of a bake file.
fn targets(text: &mut String, plan: &Plan, outcome: &Outcome) {
    let done = outcome
        .builds
        .iter()
        .filter(|built| built.ending == Conclusion::Success)
        .count();
    let all = plan.builds.len();
    let _ = writeln!(text, "### {done} of {all} targets done\n");
    let _ = writeln!(
        text,
        "| Target | | First tag | Digest |\n| --- | --- | --- | --- |"
    );
    for (build, built) in plan.builds.iter().zip(&outcome.builds) {
        let target = code(build.target.as_deref().unwrap_or_default());
        let pushed = built.pushes.done().next();
        let state = match (built.ending, pushed) {
            (Conclusion::Success, Some(_)) => "published",
            (Conclusion::Success, None) => "built, not published",
            (_, Some(_)) => "published in part",
            (Conclusion::Failure, None) => "**failed**",
            (Conclusion::Cancelled, None) => "cancelled",
            (Conclusion::Skipped, None) => "not begun",
        };
        let pushed = pushed.map(|push| code(&push.reference.to_string()));
        let digest = built.result.digest.as_ref();
        let digest = digest.map(|digest| code(digest.as_str()));
        let (pushed, digest) = (pushed.unwrap_or_default(), digest.unwrap_or_default());
        let _ = writeln!(text, "| {target} | {state} | {pushed} | {digest} |");
    }
}

/// An image of which nothing was pushed under the tags of the plan.
fn unpublished(text: &mut String, build: &Build, built: &ImageOutcome, withheld: Option<&str>) {
    let publication = &build.publication;
    let reason = withheld.unwrap_or(&publication.reason);
    if !publication.builds() {
        let _ = writeln!(text, "### Looked at, not built\n");
    } else if publication.pushes() && withheld.is_none() {
        // The names stand in `outputs`.
        let digest = built.result.digest.as_ref();
        let digest = digest
            .map(|digest| code(digest.as_str()))
            .unwrap_or_default();
        let _ = writeln!(text, "### Built, and pushed as `outputs` says\n");
        let _ = writeln!(text, "Digest {digest}");
        return;
    } else {
        let _ = writeln!(text, "### Built, not published\n");
    }
    let _ = writeln!(text, "{}.\n", escape(reason));
    let tags: Vec<String> = build.tags.iter().map(|tag| code(tag)).collect();
    if publication.builds() && !tags.is_empty() {
        let _ = writeln!(text, "It would be {}.", tags.join(", "));
    }
}

/// A test that failed, with the last lines that it printed.
fn failed_test(text: &mut String, failed: &FailedTest, built: &ImageOutcome) {
    let _ = writeln!(text, "### The test failed for {}\n", failed.platform);
    let digest = built.result.digest.as_ref();
    let digest = digest.map(|digest| code(digest.as_str()));
    let _ = writeln!(
        text,
        "No tag was written. The image is {}.\n",
        digest.unwrap_or_default()
    );
    for line in failed.last_lines.lines() {
        let clean: String = line.chars().filter(|c| !c.is_control()).collect();
        // Indented, it is neither Markdown nor HTML.
        let _ = writeln!(text, "    {clean}");
    }
}

/// The names that were left where they are.
fn kept_back(text: &mut String, built: &ImageOutcome) {
    let names: Vec<String> = built
        .pushes
        .kept_back()
        .map(|push| code(&push.reference.to_string()))
        .collect();
    if !names.is_empty() {
        let list = names.join(", ");
        let _ = writeln!(
            text,
            "\nNot moved, as they stand for something newer: {list}."
        );
    }
}

fn published(text: &mut String, built: &ImageOutcome) {
    let first = built
        .pushes
        .done()
        .next()
        .map_or_else(String::new, |push| push.reference.to_string());
    let in_part = match built.pushes.failed().next() {
        Some(_) => " in part",
        None => "",
    };
    let _ = writeln!(text, "### Published{in_part} {}\n", code(&first));
    let _ = writeln!(text, "```sh\ndocker pull {first}\n```\n");
    if let Some(digest) = &built.result.digest {
        let _ = writeln!(text, "Digest {}\n", code(digest.as_str()));
    }
    tags(text, built);
    platforms(text, &built.verified);
    annotations(text, &built.verified);
}

/// Every reference, and whether it is in its registry.
fn tags(text: &mut String, built: &ImageOutcome) {
    let _ = writeln!(text, "| Tag | Read back |\n| --- | --- |");
    for push in built.pushes.done() {
        let read = built
            .verified
            .references
            .contains(&push.reference.to_string());
        let state = if read { "same digest" } else { "not reached" };
        let _ = writeln!(text, "| {} | {state} |", code(&push.reference.to_string()));
    }
    for (push, _) in built.pushes.failed() {
        let _ = writeln!(
            text,
            "| {} | not pushed |",
            code(&push.reference.to_string())
        );
    }
}

fn platforms(text: &mut String, verified: &Verified) {
    if !verified.platforms.is_empty() {
        let _ = writeln!(
            text,
            "\n| Platform | Pull size | Digest |\n| --- | --- | --- |"
        );
    }
    for platform in &verified.platforms {
        let size = platform.size.map_or_else(|| "unknown".to_owned(), bytes);
        let digest = code(platform.digest.as_str());
        let _ = writeln!(text, "| {} | {size} | {digest} |", code(&platform.platform));
    }
    if verified.attestations > 0 {
        let count = verified.attestations;
        let _ = writeln!(
            text,
            "\n{count} attestation manifests beside them: registries list them as `unknown/unknown`."
        );
    }
}

/// What package pages show of the image.
fn annotations(text: &mut String, verified: &Verified) {
    if verified.annotations.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n<details><summary>Annotations</summary>\n");
    let _ = writeln!(text, "| Annotation | Value |\n| --- | --- |");
    for (name, value) in &verified.annotations {
        let value: String = value.chars().take(LONGEST_VALUE).collect();
        let _ = writeln!(text, "| {} | {} |", code(name), code(&value));
    }
    let _ = writeln!(text, "\n</details>");
}

/// A code span that its text cannot leave, also in a table.
pub fn code(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c == '`' || c.is_control() { '?' } else { c })
        .collect();
    format!("`{}`", clean.replace('|', "\\|"))
}

/// Text in which Markdown and HTML mean nothing. Code spans stay.
pub fn escape(text: &str) -> String {
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
    fn text_cannot_leave_its_place() {
        assert_eq!(code("a`b|c\nd"), "`a?b\\|c?d`");
        assert_eq!(escape("<img> [a](b)\n# c"), "\\<img\\> \\[a\\](b) \\# c");
    }
}
