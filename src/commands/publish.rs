//! `stevedore publish`: the one direction of data, from inputs to report.

use std::time::Instant;

use tracing::{info, warn};

use crate::cli::{Format, Publish};
use crate::commands::advise;
use crate::commands::carry_out::carry_out;
use crate::commands::results::{conclude, report_results, show_plan};
use crate::commands::session::{self, Session};
use crate::env_vars;
use crate::event::RunContext;
use crate::execute::{self, EarlyChecks};
use crate::facts::Facts;
use crate::host::Host;
use crate::input::spec::ActionKind;
use crate::input::{Inputs, Preflight};
use crate::plan::{self, Plan};
use crate::report::failure::Failure;
use crate::report::run::{collect, file};
use crate::report::{commands, leg, log};

/// Builds and publishes, or prints the plan of it. The result is the exit code.
pub async fn publish(options: &Publish, host: Host) -> u8 {
    session::exit_code(try_publish(options, host).await)
}

async fn try_publish(options: &Publish, mut host: Host) -> Result<(), Failure> {
    let began = Instant::now();
    let session = Session::begin(
        ActionKind::Publish,
        &options.step,
        options.dry_run,
        &mut host,
    )?;
    let Session {
        context,
        mut inputs,
        mut problems,
    } = session;
    if options.preflight_only {
        inputs.preflight = Preflight::Only;
    }
    if let Some(leg) = &inputs.leg {
        // Tags, labels and build arguments have one clock in all legs.
        host.set_var(env_vars::STEVEDORE_NOW, &leg.plan.now);
        problems.extend(host.fix_clock());
    }
    let mut facts = session::local_facts(&mut host, &inputs, &context)?;
    // What registries say depends on names alone, which are known.
    let needs_facts = !options.dry_run && inputs.preflight != Preflight::Only;
    let mut early_checks = None;
    if problems.is_empty() {
        let asked = async {
            if needs_facts && facts.event.problem.is_none() {
                early_checks = start_early_checks(&inputs, &context, &facts, &host);
                facts.ask(&host, &inputs).await
            } else {
                facts.read_bake(&host, &inputs).await
            }
        };
        let asked = host
            .unless_cancelled(asked)
            .await
            .map_err(execute::Error::Cancelled)?;
        problems.extend(asked.err());
        let secrets = facts.bake.secrets.iter();
        session::hide(&mut host, secrets.map(|secret| (secret, None)));
    }
    let planned = session::unless_problems(plan::plan(&inputs, &context, &facts), problems);
    if let (Err(_), Some(early_checks)) = (&planned, &early_checks) {
        early_checks.cancel().await;
    }
    let plan = planned?;
    if options.dry_run {
        return print(&plan, options.format, &host);
    }
    for warning in facts.warnings() {
        warn!(title = "Facts", "{warning}");
    }
    for decision in &plan.decisions {
        info!("{decision}");
    }
    show_plan(&plan);
    let (outcome, result) =
        carry_out(&plan, &inputs, &context, &facts, &host, early_checks).await?;
    let seconds = began.elapsed().as_secs_f64();
    let of_leg = leg::result(&plan, &outcome, result.is_ok(), seconds);
    let mut did = collect::collect(&plan, &outcome, &result, seconds);
    for (build, image) in plan.builds.iter().zip(&mut did.images) {
        image.advice = advise::of_build(build, image, &host);
    }
    let reported = report_results(&plan, &outcome, &host, &did, of_leg);
    conclude(result, reported)
}

/// Starts the checks of the preflight where the names are known already: not with bake
/// files, which have names of their own, and not before GitHub's API has answered.
fn start_early_checks(
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    host: &Host,
) -> Option<EarlyChecks> {
    let is_off = inputs.preflight == Preflight::Off;
    if is_off || inputs.bake.is_some() || !facts.event.is_complete(inputs) {
        return None;
    }
    let plan = plan::plan(inputs, context, facts).ok()?;
    let secrets = inputs.secret_values();
    let has_checks = !plan.preflight.checks.is_empty();
    has_checks.then(|| EarlyChecks::start(&plan, secrets, facts, host))
}

/// Prints the plan. Where GitHub's runner reads it, nothing in it is a command.
fn print(plan: &Plan, format: Format, host: &Host) -> Result<(), Failure> {
    let own = |error: serde_json::Error| Failure::Own(error.to_string());
    let text = match format {
        Format::Text => {
            let lines = log::without_secrets(&plan.to_string());
            let is_read = host.is_github_actions();
            let lines = lines.lines().map(|line| {
                if is_read {
                    commands::plain(line) + "\n"
                } else {
                    format!("{line}\n")
                }
            });
            lines.collect()
        }
        Format::Json => {
            let plan = plan.to_json().and_then(|text| serde_json::from_str(&text));
            let plan = file::without_secrets(plan.map_err(own)?);
            let text = serde_json::to_string_pretty(&plan).map_err(own)?;
            // The same JSON, spelt so that the runner's older commands are none.
            text.replace("##[", "#\\u0023[") + "\n"
        }
    };
    session::print(&text)
}
