//! What the parts of the program have in common: how a run begins, from the
//! command line and the environment to typed inputs, and how it ends.
//!
//! Owns [`Session`]. Decides nothing about what is built or named.

use std::io::{self, Write as _};

use tracing::warn;

use crate::cli::StepOptions;
use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Facts;
use crate::host::Host;
use crate::input::spec::ActionKind;
use crate::input::{Inputs, RawInputs, migration};
use crate::report::failure::Failure;
use crate::report::log;
use crate::secret::Secret;
use crate::workflow;

/// What is known before anything is asked of the world.
pub struct Session {
    /// The event.
    pub context: RunContext,
    /// The inputs.
    pub inputs: Inputs,
    /// What is wrong with either, to be reported with what else is found.
    pub problems: Vec<InputProblem>,
}

impl Session {
    /// Reads event and inputs, and hides secrets before anything is printed.
    /// `invent` allows an event that nobody told of, outside a workflow.
    ///
    /// # Errors
    /// When the step cannot be read from a workflow file: what else is wrong is not
    /// known without its inputs.
    pub fn begin(
        part: ActionKind,
        options: &StepOptions,
        invent: bool,
        host: &mut Host,
    ) -> Result<Self, Failure> {
        options.apply(host, invent);
        let mut problems = Vec::new();
        problems.extend(host.fix_clock());
        let (mut context, more) = RunContext::read(host);
        problems.extend(more);
        if invent && !host.is_github_actions() {
            context = context.with_made_up_payload();
        }
        let read = raw_inputs(part, options, invent, host, &context, &mut problems);
        let (raw, open) = match read {
            Ok(read) => read,
            Err(problem) => {
                problems.push(problem);
                return Err(Failure::Inputs(problems));
            }
        };
        let (inputs, more) = Inputs::parse(&raw, host);
        problems.extend(more);
        hide(host, inputs.secrets(&context.actor));
        for expression in open {
            warn!(title = "Workflow", "{expression}");
        }
        warn_of_unknown(&raw);
        Ok(Self {
            context,
            inputs,
            problems,
        })
    }
}

/// Hides secrets in everything that is printed or that programs say.
pub fn hide<'a>(host: &mut Host, secrets: impl Iterator<Item = (&'a Secret, Option<&'a str>)>) {
    let secrets: Vec<_> = secrets.collect();
    for (secret, _) in &secrets {
        host.hide(secret);
    }
    log::mask(host, secrets.into_iter());
}

/// What is known from files alone. The passwords of the user's own Docker are hidden,
/// and from here on a signal ends the run in order, also as process 1.
///
/// # Errors
/// When the system lets no handler be set.
pub fn local_facts(
    host: &mut Host,
    inputs: &Inputs,
    context: &RunContext,
) -> Result<Facts, Failure> {
    let facts = Facts::local(host, inputs, context);
    for secret in facts.docker.secrets() {
        host.hide(&secret);
        log::hide(&secret);
    }
    let caught = host.catch_signals();
    caught.map_err(|error| Failure::Own(format!("signals: {error}")))?;
    Ok(facts)
}

/// The inputs as strings: of the environment, under those of a workflow's step,
/// under those of the command line. With them come the expressions that are
/// left open.
fn raw_inputs(
    part: ActionKind,
    options: &StepOptions,
    plan_only: bool,
    host: &Host,
    context: &RunContext,
    problems: &mut Vec<InputProblem>,
) -> Result<(RawInputs, Vec<String>), InputProblem> {
    let mut raw = RawInputs::from_environment(part, host);
    let mut open = Vec::new();
    if let Some(file) = &options.workflow {
        let path = host.path(file);
        let step = workflow::read(&path, options.job.as_deref(), part, context, plan_only)?;
        let given = |name: &str| options.with.iter().any(|(with, _)| with == name);
        let mut left = step.apply(&mut raw, plan_only, given);
        problems.append(&mut left.problems);
        open = left.warnings;
    }
    for (name, value) in &options.with {
        raw.set(name, value);
    }
    Ok((raw, open))
}

/// Inputs that nobody reads are likely misspelt.
fn warn_of_unknown(raw: &RawInputs) {
    for name in raw.unknown() {
        let of_another = match raw.part() {
            ActionKind::Publish | ActionKind::Plan => migration::advice(name),
            ActionKind::Metadata | ActionKind::Merge => None,
        };
        let hint = match (raw.part().nearest(name), of_another) {
            (Some(nearest), Some(advice)) if is_one_off(name, nearest) => {
                format!("did you mean `{nearest}`? And {advice}")
            }
            (_, Some(advice)) => advice,
            (Some(nearest), None) => format!("did you mean `{nearest}`?"),
            (None, None) => "README.md lists the inputs".to_owned(),
        };
        warn!(
            title = "Unknown input",
            "`{name}` is not an input of this action: {hint}"
        );
    }
}

/// True when one letter too many or too few is likely all that is wrong.
fn is_one_off(name: &str, other: &str) -> bool {
    strsim::levenshtein(name, other) == 1
}

/// Adds problems that are not among them yet.
fn add(problems: &mut Vec<InputProblem>, more: Vec<InputProblem>) {
    for problem in more {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
}

/// What was worked out, unless something is wrong with it or with what it is made from.
///
/// # Errors
/// With everything that is wrong.
pub fn unless_problems<T>(
    planned: Result<T, Vec<InputProblem>>,
    mut problems: Vec<InputProblem>,
) -> Result<T, Failure> {
    match planned {
        Ok(planned) if problems.is_empty() => return Ok(planned),
        Ok(_) => {}
        Err(more) => add(&mut problems, more),
    }
    Err(Failure::Inputs(problems))
}

/// Prints a result on standard output.
///
/// # Errors
/// When that is closed.
pub fn print(text: &str) -> Result<(), Failure> {
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::Own(format!("standard output: {error}")))
}

/// Prints what went wrong; the exit code.
pub fn exit_code(result: Result<(), Failure>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}
