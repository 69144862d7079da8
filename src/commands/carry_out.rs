//! A plan that is carried out: the run's folder, the record for the post step, the
//! progress of the build in the log, and the clean-up.

use std::io::{self, BufWriter, IsTerminal as _};

use tracing::{info, warn};

use crate::env_vars;
use crate::event::RunContext;
use crate::execute::{self, EarlyChecks, Outcome, Record, RunFolder, Scope};
use crate::facts::Facts;
use crate::host::{Host, Progress};
use crate::input::Inputs;
use crate::plan::Plan;
use crate::report::commands::Fence;
use crate::report::failure::Failure;
use crate::report::{files, log};

/// Carries a plan out. What came of it is there also after an error.
pub async fn carry_out(
    plan: &Plan,
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    host: &Host,
    early_checks: Option<EarlyChecks>,
) -> Result<(Outcome, Result<(), execute::Error>), Failure> {
    can_write_outputs(host)?;
    let folder = RunFolder::make(host).map_err(|error| io_failure("the run's folder", error))?;
    // The last value under a name holds.
    let save = |state: &str| {
        files::set(
            host,
            env_vars::GITHUB_STATE,
            env_vars::STATE_TAKE_DOWN,
            state,
        )
    };
    let record =
        Record::begin(plan, &folder, &save).map_err(|error| io_failure("GITHUB_STATE", error))?;

    let scope = Scope {
        plan,
        secrets: inputs.secret_values(),
        context,
        facts,
        host,
        folder: &folder,
        record: &record,
        early_checks,
    };
    let (outcome, result) = {
        let mut fence;
        let mut plain;
        let progress = if host.is_github_actions() {
            fence = Fence::around(BufWriter::new(log::writer()))
                .map_err(|error| io_failure("log", error))?;
            Progress::Through(&mut fence)
        } else if io::stderr().is_terminal() {
            Progress::Terminal
        } else {
            plain = log::writer();
            Progress::Through(&mut plain)
        };
        scope.execute(progress).await
    };
    clean_up(folder, record, outcome.is_unclean, host);
    for warning in &outcome.warnings {
        warn!(title = "Publish", "{warning}");
    }
    if let Some(reason) = &outcome.run_state.withheld {
        info!(title = "Not published", notice = true, "{reason}");
    }
    for notice in &outcome.notices {
        info!(title = "Published", notice = true, "{notice}");
    }
    Ok((outcome, result))
}

/// Removes the run's files. What an engine that did not answer may still hold is
/// left to the post step, if there is one.
fn clean_up(folder: RunFolder, record: Record<'_>, is_unclean: bool, host: &Host) {
    let path = folder.path().display().to_string();
    let has_post = host.var(env_vars::GITHUB_STATE).is_some();
    if is_unclean {
        let then = if has_post {
            "the post step tries to remove it"
        } else {
            "remove it by hand"
        };
        warn!(
            title = "Clean-up",
            "the engine did not answer in time, and what the run made there may still be there: {then}"
        );
    }
    let closed = if is_unclean && has_post {
        folder.leave_notes()
    } else {
        folder.close()
    };
    let ended = match closed {
        Err(error) => Err(format!("{path} is still there: {error}")),
        // The record stays as it is for the post step.
        Ok(()) if is_unclean => Ok(()),
        Ok(()) => record.end().map_err(|error| error.to_string()),
    };
    if let Err(why) = ended {
        warn!(title = "Clean-up", "{why}");
    }
}

/// Stops a run whose outputs would be lost, before anything is built.
fn can_write_outputs(host: &Host) -> Result<(), Failure> {
    let probed = files::probe(host, env_vars::GITHUB_OUTPUT);
    probed.map_err(|error| {
        Failure::Own(format!(
            "the outputs of this step would be lost, so nothing is built: {error}. \
             Free space on the runner's disk, or look at who owns the file"
        ))
    })
}

/// The post step: removes what a killed run left behind, and the images that
/// were to last until the end of the job.
pub async fn post(host: &Host) -> u8 {
    let warnings = match host.var(&format!("STATE_{}", env_vars::STATE_TAKE_DOWN)) {
        Some(state) => execute::post(host, state).await,
        None => Vec::new(),
    };
    for warning in &warnings {
        warn!(title = "Clean-up", "{warning}");
    }
    u8::from(!warnings.is_empty())
}

fn io_failure(what: &str, error: io::Error) -> Failure {
    Failure::Own(format!("{what}: {error}"))
}
