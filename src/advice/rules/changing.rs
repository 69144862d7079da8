//! A build argument that changes with every build, before steps that do not use it.

use crate::advice::model::Advice;
use crate::advice::outline::{Outline, Stage, Step, StepKind};
use crate::advice::question::Question;

/// How many arguments of a stage are looked at.
const MOST: usize = 20;
/// What the names of such arguments hold.
const CHANGING: [&str; 11] = [
    "VERSION",
    "REVISION",
    "COMMIT",
    "GIT_SHA",
    "GITSHA",
    "VCS_REF",
    "BUILD_DATE",
    "BUILD_TIME",
    "BUILD_NUMBER",
    "BUILD_ID",
    "TIMESTAMP",
];
/// What such names hold that choose something else, such as the version of a tool.
const CHOSEN: [&str; 14] = [
    "NODE", "PYTHON", "GO_", "GOLANG", "RUST", "JAVA", "PHP", "RUBY", "ALPINE", "DEBIAN", "UBUNTU",
    "NGINX", "BASE", "TOOL",
];

pub fn advise(question: &Question<'_>, outline: &Outline<'_>, stage: &Stage) -> Option<Advice> {
    let steps = stage.steps.iter().enumerate();
    let arguments = steps.filter_map(|(place, step)| match &step.kind {
        StepKind::Arg(name) if changes(name) => Some((place, name)),
        _ => None,
    });
    arguments
        .take(MOST)
        .find_map(|(place, name)| of_argument(question, outline, stage, place, name))
}

/// True for the version of what is built, not of what it is built with.
fn changes(name: &str) -> bool {
    let is_one = CHANGING.iter().any(|one| match *one {
        // `NODE_VERSION` is another's.
        "VERSION" => ["VERSION", "APP_VERSION", "BUILD_VERSION"].contains(&name),
        one => name.contains(one),
    });
    is_one && !CHOSEN.iter().any(|one| name.contains(one))
}

fn of_argument(
    question: &Question<'_>,
    outline: &Outline<'_>,
    stage: &Stage,
    place: usize,
    name: &str,
) -> Option<Advice> {
    let uses = |step: &Step| outline.source(&step.span).contains(name);
    let after = &stage.steps[place + 1..];
    let used = after.iter().position(uses).unwrap_or(after.len());
    // BuildKit gives every argument to every command, so that all of them run again.
    let runs = after[..used].iter().filter(|step| step.command().is_some());
    let runs: Vec<&Step> = runs.collect();
    let last = runs.last()?;
    let seconds = runs
        .iter()
        .filter_map(|step| question.seconds(&stage.shown, step.number))
        .reduce(|one, other| one + other);
    if question.is_cheap(seconds) {
        return None;
    }
    let argument = &stage.steps[place];
    let between = after[..used].iter().map(|step| outline.source(&step.span));
    let mut lines: Vec<&str> = between.collect();
    lines.push(outline.source(&argument.span));
    let end = after[..used].last().unwrap_or(last);
    Some(Advice {
        rule: "changing-argument".to_owned(),
        file: question.file.to_owned(),
        lines: (
            outline.line(argument.span.start),
            outline.lines(&end.span).1,
        ),
        seconds,
        message: format!(
            "`{name}` changes with every build, and the commands behind it run again when it \
             does, although they do not use it. Declare it right before it is used"
        ),
        rewrite: lines.join("\n"),
        into: String::new(),
    })
}
