//! `stevedore publish`: the one direction of data, from inputs to report.

use std::io::{self, IsTerminal as _, Write};

use tracing::{info, warn};

use crate::cli::{Format, Publish};
use crate::error::InputProblem;
use crate::event::RunContext;
use crate::execute::{self, Outcome, RunFolder};
use crate::facts::Facts;
use crate::host::{Host, Progress, Signals};
use crate::input::{Inputs, RawInputs, spec};
use crate::plan::{self, Level, Plan};
use crate::report::commands::Fence;
use crate::report::failure::Failure;
use crate::report::{files, log, outputs, summary};
use crate::{vars, workflow};

/// Builds and publishes, or prints the plan of it. The result is the exit code.
pub async fn publish(options: &Publish, host: Host) -> u8 {
    match go(options, host).await {
        Ok(()) => 0,
        Err(failure) => {
            failure.print();
            failure.exit_code()
        }
    }
}

async fn go(options: &Publish, mut host: Host) -> Result<(), Failure> {
    options.apply(&mut host);
    let mut problems = Vec::new();
    problems.extend(host.fix_clock());
    let (mut context, more) = RunContext::read(&host);
    problems.extend(more);
    if !host.is_github_actions() {
        context = context.with_made_up_payload();
    }
    let (raw, open) = raw_inputs(options, &host, &context, &mut problems);
    let (inputs, more) = Inputs::parse(&raw, &host);
    problems.extend(more);
    // Before anything else is printed, secrets are hidden.
    log::mask(&host, inputs.secrets());
    for expression in open {
        warn!(title = "Workflow", "{expression}");
    }
    warn_of_unknown(&raw);

    let mut facts = Facts::local(&host, &inputs, &context);
    if problems.is_empty() && !options.dry_run {
        facts.ask(&host, &inputs, &context).await;
    }
    let plan = match plan::plan(&inputs, &context, &facts) {
        Ok(plan) if problems.is_empty() => plan,
        Ok(_) => return Err(Failure::Inputs(problems)),
        Err(more) => {
            problems.extend(
                more.into_iter()
                    .filter(|p| !problems.contains(p))
                    .collect::<Vec<_>>(),
            );
            return Err(Failure::Inputs(problems));
        }
    };
    if options.dry_run {
        return print(&plan, options.format);
    }
    show(&plan, &facts);
    carry_out(&plan, &inputs, &facts, &host).await
}

/// The inputs as strings: of the environment, under those of a workflow's step,
/// under those of the command line. With them come the expressions that are
/// left open.
fn raw_inputs(
    options: &Publish,
    host: &Host,
    context: &RunContext,
    problems: &mut Vec<InputProblem>,
) -> (RawInputs, Vec<String>) {
    let mut raw = RawInputs::from_environment(host);
    let mut open = Vec::new();
    if let Some(file) = &options.workflow {
        match workflow::read(&host.path(file), options.job.as_deref(), context) {
            Ok(step) => {
                let given = |name: &str| options.with.iter().any(|(with, _)| with == name);
                open = step.apply(&mut raw, given);
            }
            Err(problem) => problems.push(problem),
        }
    }
    for (name, value) in &options.with {
        raw.set(name, value);
    }
    (raw, open)
}

/// Inputs that nobody reads are likely misspelt.
fn warn_of_unknown(raw: &RawInputs) {
    for name in raw.unknown() {
        let hint = match spec::nearest(name) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "README.md lists the inputs".to_owned(),
        };
        warn!(
            title = "Unknown input",
            "`{name}` is no input of this action: {hint}"
        );
    }
}

fn print(plan: &Plan, format: Format) -> Result<(), Failure> {
    let text = match format {
        Format::Text => plan.to_string(),
        Format::Json => {
            plan.to_json()
                .map_err(|error| Failure::Own(error.to_string()))?
                + "\n"
        }
    };
    let written = io::stdout().write_all(text.as_bytes());
    written.map_err(|error| Failure::Own(format!("standard output: {error}")))
}

/// The plan in the log: every decision with its reason.
fn show(plan: &Plan, facts: &Facts) {
    for warning in &facts.warnings {
        warn!(title = "Facts", "{warning}");
    }
    for decision in &plan.decisions {
        info!("{decision}");
    }
    for notice in &plan.notices {
        let (title, message) = (notice.title.as_str(), &notice.message);
        match notice.level {
            Level::Warning => warn!(title, "{message}"),
            Level::Notice => info!(title, notice = true, "{message}"),
            Level::Info => info!("{message}"),
        }
    }
    info!(group = true, "Tags and labels");
    for line in plan.tags.iter().chain(&plan.labels) {
        info!("{line}");
    }
    info!(group = false, "");
}

async fn carry_out(
    plan: &Plan,
    inputs: &Inputs,
    facts: &Facts,
    host: &Host,
) -> Result<(), Failure> {
    let own = |what: &str, error: io::Error| Failure::Own(format!("{what}: {error}"));
    let mut signals = Signals::catch().map_err(|error| own("signals", error))?;
    let folder = RunFolder::make(host).map_err(|error| own("the run's folder", error))?;
    let path = folder.path().display().to_string();
    files::set(host, vars::GITHUB_STATE, vars::STATE_RUN_FOLDER, &path)
        .map_err(|error| own("GITHUB_STATE", error))?;

    let (outcome, result) = {
        let mut fence;
        let mut plain;
        let progress = if host.is_github_actions() {
            fence = Fence::raise(log::writer(host)).map_err(|error| own("log", error))?;
            Progress::Through(&mut fence)
        } else if io::stderr().is_terminal() {
            Progress::Terminal
        } else {
            plain = log::writer(host);
            Progress::Through(&mut *plain)
        };
        execute::execute(plan, inputs, facts, host, &folder, progress, &mut signals).await
    };
    if let Err(error) = folder.close() {
        warn!(title = "Clean-up", "{path} is still there: {error}");
    }
    for warning in &outcome.warnings {
        warn!(title = "Publish", "{warning}");
    }
    let reported = report(plan, &outcome, host, result.is_ok());
    result?;
    reported
}

/// Outputs and summary: also after a failure, with whatever exists by then.
fn report(plan: &Plan, outcome: &Outcome, host: &Host, success: bool) -> Result<(), Failure> {
    let own = |error: io::Error| Failure::Own(format!("outputs: {error}"));
    outputs::write(host, &outputs::outputs(plan, outcome)).map_err(own)?;
    if success {
        let text = summary::summary(plan, outcome);
        files::append(host, vars::GITHUB_STEP_SUMMARY, &text).map_err(own)?;
        tell(plan, outcome);
    }
    Ok(())
}

/// The last lines of the log: what is where.
fn tell(plan: &Plan, outcome: &Outcome) {
    if !plan.publication.push {
        info!("built, not pushed: {}", plan.publication.reason);
        return;
    }
    let digest = outcome.build.digest.as_ref().map(ToString::to_string);
    for tag in &plan.tags {
        info!("published {tag} {}", digest.as_deref().unwrap_or_default());
    }
    for platform in &outcome.verified.platforms {
        info!("  {} {}", platform.platform, platform.digest);
    }
}

/// The post step: removes what a killed run left behind.
pub fn post(host: &Host) -> u8 {
    let state = format!("STATE_{}", vars::STATE_RUN_FOLDER);
    let Some(folder) = host.var(&state) else {
        return 0;
    };
    match execute::remove_left_over(host, folder) {
        Ok(None) => 0,
        Ok(Some(path)) => {
            info!(
                "removed {}, which the step left behind when it was ended",
                path.display()
            );
            0
        }
        Err(error) => {
            warn!(title = "Clean-up", "{folder} is still there: {error}");
            1
        }
    }
}
