//! The part of the summary that says where the time went.

use std::fmt::Write as _;

use crate::report::run::model::{Report, Step, StepOutcome};
use crate::report::run::steps::{Emulated, emulated, slowest};
use crate::report::run::timeline::timeline;
use crate::report::text::{code, escape, fenced};
use crate::units::{bytes, seconds};

/// How many steps in emulation are shown.
const MOST: usize = 10;
/// How many decisions and warnings are shown.
const MOST_REMARKS: usize = 50;
/// How much of what a step does is shown, in characters.
const INSTRUCTION: usize = 100;

/// Timeline, slowest steps and what emulation costs; empty where nothing was built.
pub fn build_times(report: &Report) -> String {
    let steps: Vec<Step> = report
        .images
        .iter()
        .flat_map(|image| image.steps.iter().map(|step| of_image(step, &image.target)))
        .collect();
    let mut text = String::new();
    if let Some(chart) = timeline(&steps) {
        let legend = "Red is emulated or failed, grey is waiting.";
        let _ = writeln!(text, "\n### Where the time went\n\n{chart}\n{legend}\n");
    }
    slowest_steps(&mut text, &slowest(&steps));
    emulation(&mut text, &emulated(&steps));
    text
}

/// With several targets each step says whose it is.
fn of_image(step: &Step, target: &str) -> Step {
    let mut step = step.clone();
    if step.target.is_empty() {
        target.clone_into(&mut step.target);
    }
    step
}

fn slowest_steps(text: &mut String, steps: &[&Step]) {
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "<details><summary>Slowest steps</summary>\n\n| Step | Platform | Time | |\n| --- | --- | --: | --- |"
    );
    for step in steps {
        let platform = match step.platform.as_str() {
            "" => String::new(),
            platform => code(platform),
        };
        let _ = writeln!(
            text,
            "| {} | {platform} | {} | {} |",
            name(step),
            seconds(step.seconds),
            remarks(step)
        );
    }
    let _ = writeln!(text, "\n</details>");
}

fn name(step: &Step) -> String {
    let target = match step.target.as_str() {
        "" => String::new(),
        target => format!("{target}: "),
    };
    let text: String = format!("{target}{}", step.short_name())
        .chars()
        .take(INSTRUCTION)
        .collect();
    code(&text)
}

fn remarks(step: &Step) -> String {
    let mut remarks = Vec::new();
    if step.emulated {
        remarks.push("emulated".to_owned());
    }
    if step.outcome != StepOutcome::Done {
        remarks.push(step.outcome.as_str().to_owned());
    }
    if step.bytes >= 1_000_000 {
        remarks.push(bytes(step.bytes));
    }
    remarks.join(", ")
}

/// The same step native and emulated, side by side.
fn emulation(text: &mut String, all: &[Emulated<'_>]) {
    if all.is_empty() {
        return;
    }
    let both: Vec<(f64, f64)> = all
        .iter()
        .filter_map(|one| Some((one.step.seconds, one.native?.seconds)))
        .collect();
    let spent: f64 = all.iter().map(|one| one.step.seconds).sum();
    let _ = writeln!(text, "\n### What emulation costs\n");
    let _ = write!(text, "Steps in emulation took {} together", seconds(spent));
    let (emulated, native) = both.iter().fold((0.0, 0.0), |(emulated, native), both| {
        (emulated + both.0, native + both.1)
    });
    if native > 0.0 {
        let _ = write!(
            text,
            "; those that also ran natively took {} emulated and {} native ({:.0} ×)",
            seconds(emulated),
            seconds(native),
            emulated / native
        );
    }
    let _ = writeln!(
        text,
        ".\n\n| Step | Emulated | Native | |\n| --- | --: | --: | --: |"
    );
    for one in all.iter().take(MOST) {
        let native = one.native;
        let of_native = native.map_or_else(
            || "–".to_owned(),
            |native| format!("{} ({})", seconds(native.seconds), native.platform),
        );
        let times = native.filter(|native| native.seconds > 0.0);
        let times = times.map(|native| format!("{:.1} ×", one.step.seconds / native.seconds));
        let _ = writeln!(
            text,
            "| {} | {} ({}) | {of_native} | {} |",
            name(one.step),
            seconds(one.step.seconds),
            one.step.platform,
            times.unwrap_or_default()
        );
    }
}

/// What the run decided by itself, and what went wrong without stopping it.
pub fn background(report: &Report) -> String {
    let mut text = String::new();
    list(&mut text, "Warnings", &report.warnings);
    list(&mut text, "Decisions", &report.decisions);
    text
}

fn list(text: &mut String, title: &str, all: &[String]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n<details><summary>{title}</summary>\n");
    for one in all.iter().take(MOST_REMARKS) {
        let _ = writeln!(text, "- {}", escape(one));
    }
    let _ = writeln!(text, "\n</details>");
}

/// What failed, with its place and the last words of what it printed.
pub fn errors(report: &Report) -> String {
    let mut text = String::new();
    for failed in report.errors.iter().take(MOST_REMARKS) {
        let _ = writeln!(text, "### Failed: {}\n", escape(&failed.title));
        if !failed.file.is_empty() {
            let place = format!("{}:{}", failed.file, failed.line);
            let _ = writeln!(text, "{}\n", code(&place));
        }
        text += &fenced("text", &failed.message);
    }
    text
}
