//! A large context that nothing is left out of.

use crate::advice::model::{Advice, Measured};
use crate::advice::outline::{Outline, Step};
use crate::advice::question::Question;
use crate::units::bytes;

/// How much must be sent to be worth a word, in bytes.
const LARGE: u64 = 50_000_000;
/// How much a folder must weigh to be named, in bytes.
const HEAVY: u64 = 5_000_000;
/// What no image needs from its repository.
const NOT_NEEDED: [&str; 14] = [
    ".git",
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".gradle",
    ".next",
    ".cache",
    ".terraform",
    "coverage",
    ".tox",
    ".mypy_cache",
    "tmp",
];

/// The step that sends the context.
fn context_step(steps: &[Measured]) -> Option<&Measured> {
    let mut steps = steps.iter();
    steps.find(|step| step.name.ends_with("load build context"))
}

/// True where so much was sent that what the context is made of is worth a look.
pub fn is_large(steps: &[Measured]) -> bool {
    context_step(steps).is_some_and(|sent| sent.bytes >= LARGE)
}

pub fn advise(question: &Question<'_>, outline: &Outline<'_>) -> Option<Advice> {
    let context = question
        .context
        .filter(|context| !context.has_dockerignore)?;
    let mut steps = outline.stages.iter().flat_map(|stage| &stage.steps);
    // Only what is copied is sent.
    let copy = steps.find(|step| Step::copies_everything(step))?;
    let sent = context_step(question.steps);
    let is_large = match sent {
        Some(_) => is_large(question.steps),
        None => context.largest.iter().map(|(_, bytes)| bytes).sum::<u64>() >= LARGE,
    };
    let heavy: Vec<&(String, u64)> = context
        .largest
        .iter()
        .filter(|(name, bytes)| *bytes >= HEAVY && NOT_NEEDED.contains(&name.as_str()))
        .collect();
    if !is_large || heavy.is_empty() {
        return None;
    }
    let named: Vec<String> = heavy
        .iter()
        .map(|(name, weight)| format!("`{name}` with {}", bytes(*weight)))
        .collect();
    let lines: Vec<&str> = heavy.iter().map(|(name, _)| name.as_str()).collect();
    Some(Advice {
        rule: "large-context".to_owned(),
        file: question.file.to_owned(),
        lines: outline.lines(&copy.span),
        seconds: sent.map(|sent| sent.seconds),
        message: format!(
            "Everything in the context is sent to the builder, {}, and each change in it makes \
             this step run again. A .dockerignore leaves it out",
            named.join(", ")
        ),
        rewrite: lines.join("\n"),
        into: ".dockerignore".to_owned(),
    })
}
