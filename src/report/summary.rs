//! The job summary: what was published, in Markdown.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::execute::{
    Conclusion, FailedTest, ImageOutcome, Outcome, PublishedPlatform, Push, Verified,
};
use crate::image::ImageName;
use crate::input::Preflight;
use crate::plan::{Build, Plan};
use crate::report::run::model::{Change, Report};
use crate::report::run::{change, markdown};
use crate::report::text::{code, escape};
use crate::report::{advice, cache};
use crate::units::bytes;

/// How much of an annotation's value is shown, in characters.
const LONGEST_VALUE: usize = 200;

/// How long the summary may be, in bytes: GitHub shows a mebibyte for a step.
const LONGEST: usize = 1_000_000;
/// How many references are shown.
const MOST_TAGS: usize = 100;

/// The summary of a run, also of one that failed in part; empty when there is
/// nothing to show.
pub fn summary(plan: &Plan, outcome: &Outcome, report: &Report) -> String {
    let success = report.success;
    let mut text = String::new();
    let look = plan.preflight.mode == Preflight::Only;
    let withheld = outcome.run_state.withheld.as_deref();
    if plan.builds.iter().any(|build| build.target.is_some()) && !look {
        targets(&mut text, plan, outcome);
    }
    text += &markdown::errors(report);
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
    text += &markdown::build_times(report);
    for image in &report.images {
        text += &advice::as_markdown(&image.advice);
    }
    if !text.is_empty() {
        text += &markdown::background(report);
    }
    bounded(text)
}

/// The text, cut where GitHub would show nothing of it.
fn bounded(mut text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    // No line is longer than what is shown of a value.
    let end = text.bytes().take(LONGEST).rposition(|byte| byte == b'\n');
    text.truncate(end.unwrap_or_default());
    text + "\n\nThe rest is longer than GitHub shows: the log and the output `report` have it.\n"
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
            "\nNot moved, as they stand for something newer: {list}.\n"
        );
        for why in built.kept_back_because.iter().take(MOST_TAGS) {
            let _ = writeln!(text, "- {}", escape(why));
        }
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
    changes(text, &built.verified);
    packages(text, built);
    annotations(text, &built.verified);
}

/// Every reference, and whether it is in its registry.
fn tags(text: &mut String, built: &ImageOutcome) {
    let _ = writeln!(text, "| Tag | Read back |\n| --- | --- |");
    for push in built.pushes.done().take(MOST_TAGS) {
        let read = built
            .verified
            .references
            .contains(&push.reference.to_string());
        let state = if read { "same digest" } else { "not reached" };
        let _ = writeln!(text, "| {} | {state} |", code(&push.reference.to_string()));
    }
    let more = built.pushes.done().skip(MOST_TAGS).count();
    if more > 0 {
        let _ = writeln!(text, "| and {more} more, which the log names | |");
    }
    for (push, _) in built.pushes.failed().take(MOST_TAGS) {
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

/// What has changed against what the name that moves most stood for.
fn changes(text: &mut String, verified: &Verified) {
    let Some(former) = &verified.former else {
        return;
    };
    let known: Vec<(&PublishedPlatform, Change)> = verified
        .platforms
        .iter()
        .filter_map(|platform| Some((platform, change::change(former, platform)?)))
        .collect();
    if known.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\nAgainst what {} stood for before, {}:\n",
        code(&former.reference),
        code(former.digest.as_str())
    );
    let _ = writeln!(
        text,
        "| Platform | Size | New layers | An update downloads | First layer |\n| --- | --- | --- | --- | --- |"
    );
    for (platform, change) in known {
        let now = platform.size.unwrap_or_default();
        let size = match now.cmp(&change.bytes_before) {
            Ordering::Equal => "the same".to_owned(),
            Ordering::Greater => format!("+ {}", bytes(now - change.bytes_before)),
            Ordering::Less => format!("- {}", bytes(change.bytes_before - now)),
        };
        let first = if change.same_first_layer {
            "the same"
        } else {
            "another: the base has changed, if there is one"
        };
        let _ = writeln!(
            text,
            "| {} | {size} | {} of {} | {} | {first} |",
            code(&platform.platform),
            change.new_layers,
            change.layers,
            bytes(change.download),
        );
    }
}

/// Where packages are looked at. Names of images hold nothing that could leave a link.
fn packages(text: &mut String, built: &ImageOutcome) {
    let images = built.pushes.done().map(Push::image);
    let pages: BTreeSet<String> = images.filter_map(package_page).collect();
    for page in pages {
        let _ = writeln!(text, "\n<{page}>");
    }
}

/// The page of a package, for registries that have one under an address of this form.
fn package_page(image: &ImageName) -> Option<String> {
    let repository = &image.repository;
    match image.registry.to_string().as_str() {
        // It leads to the page on GitHub, whoever the owner is.
        "ghcr.io" => Some(format!("https://ghcr.io/{repository}")),
        "docker.io" => Some(format!("https://hub.docker.com/r/{repository}")),
        "quay.io" => Some(format!("https://quay.io/repository/{repository}")),
        _ => None,
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
