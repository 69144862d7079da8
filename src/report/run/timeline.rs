//! When the steps of a build ran: a Gantt chart in Mermaid, which GitHub draws.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::run::model::{Step, StepOutcome};

/// How many steps are drawn.
const MOST: usize = 40;
/// How long a step must have run to be drawn, in seconds.
const SHORTEST: f64 = 0.1;
/// How long nothing of a platform must have run to be drawn as waiting, in seconds.
const PAUSE: f64 = 1.0;
/// How much of what a step does is drawn, in characters.
const TITLE: usize = 50;

/// The chart, as Markdown; `None` where there is nothing to draw. Red is emulated or
/// failed, grey is waiting.
pub fn timeline(steps: &[Step]) -> Option<String> {
    let drawn = longest(steps);
    if drawn.is_empty() {
        return None;
    }
    let mut sections: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in drawn {
        sections.entry(&step.platform).or_default().push(step);
    }
    let mut text =
        "```mermaid\ngantt\n    dateFormat x\n    axisFormat %M:%S\n    todayMarker off\n"
            .to_owned();
    for (platform, mut steps) in sections {
        let _ = writeln!(
            text,
            "    section {}",
            match platform {
                "" => "all platforms",
                platform => platform,
            }
        );
        steps.sort_by(|one, other| one.began.total_cmp(&other.began));
        let mut until = 0.0;
        for step in steps {
            if step.number > 0 && step.began - until >= PAUSE {
                let _ = writeln!(text, "    waiting :done, {}", span(until, step.began));
            }
            let end = step.began + step.seconds;
            until = f64::max(until, end);
            let title = title(step);
            let tag = tag(step);
            let _ = writeln!(text, "    {title} :{tag}{}", span(step.began, end));
        }
    }
    text += "```\n";
    Some(text)
}

/// The steps that took longest, of those that took long enough to be seen.
fn longest(steps: &[Step]) -> Vec<&Step> {
    let mut drawn: Vec<&Step> = steps
        .iter()
        .filter(|step| step.seconds >= SHORTEST && !step.is_cached())
        .collect();
    drawn.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    drawn.truncate(MOST);
    drawn
}

fn tag(step: &Step) -> &'static str {
    match step.outcome {
        StepOutcome::Failed => "crit, ",
        _ if step.emulated => "crit, ",
        _ => "active, ",
    }
}

/// Milliseconds, at least one of them.
fn span(from: f64, to: f64) -> String {
    let from = (from * 1000.0).round().max(0.0) as u64;
    let to = (to * 1000.0).round().max(0.0) as u64;
    format!("{from}, {}", to.max(from + 1))
}

/// Letters, digits and blanks: all else may mean something to Mermaid.
fn title(step: &Step) -> String {
    let mark = match (step.outcome, step.emulated) {
        (StepOutcome::Failed, _) => "failed ",
        (StepOutcome::Cancelled, _) => "cancelled ",
        (_, true) => "emulated ",
        _ => "",
    };
    let text: String = step
        .short_name()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_./=".contains(c) {
                c
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    let short: String = words.join(" ").chars().take(TITLE).collect();
    format!("{mark}{short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(platform: &str, instruction: &str, began: f64, seconds: f64) -> Step {
        Step {
            platform: platform.to_owned(),
            stage: "build".to_owned(),
            number: 2,
            instruction: instruction.to_owned(),
            began,
            seconds,
            outcome: StepOutcome::Done,
            ..Step::default()
        }
    }

    #[test]
    fn each_platform_has_a_section() {
        let emulated = Step {
            emulated: true,
            ..step("linux/arm64", "RUN make", 3.0, 60.0)
        };
        let steps = [step("linux/amd64", "RUN make", 0.5, 6.0), emulated];
        let text = timeline(&steps).unwrap();
        assert_eq!(
            text,
            "```mermaid\ngantt\n    dateFormat x\n    axisFormat %M:%S\n    todayMarker off\n    \
             section linux/amd64\n    build 2 RUN make :active, 500, 6500\n    \
             section linux/arm64\n    waiting :done, 0, 3000\n    \
             emulated build 2 RUN make :crit, 3000, 63000\n```\n"
        );
        assert_eq!(timeline(&[step("a", "RUN x", 0.0, 0.01)]), None);
    }

    #[test]
    fn a_title_means_nothing_to_mermaid_or_markdown() {
        let hostile = "RUN echo ':crit, 1, 2'; \n```\n%%{init}%% <img> #quot; click";
        let text = timeline(&[step("linux/amd64", hostile, 0.0, 1.0)]).unwrap();
        let line = text.lines().find(|line| line.contains("echo")).unwrap();
        assert_eq!(
            line.matches([':', '#', '<', '`', '%', ';', '{']).count(),
            1,
            "{line}"
        );
        assert_eq!(text.matches("```").count(), 2);
    }
}
