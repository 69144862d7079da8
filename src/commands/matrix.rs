//! `stevedore plan` and `stevedore merge`: the first and the last job of a matrix. The
//! jobs between them are `stevedore publish` with the plan.

use std::fmt::Write as _;
use std::time::Instant;

use tracing::{info, warn};

use crate::cli::{Format, Metadata as Options, StepOptions};
use crate::commands::carry_out::carry_out;
use crate::commands::results::{conclude, report_results, show_plan, write_summary};
use crate::commands::session::{self, Session};
use crate::execute::{self, Outcome};
use crate::host::Host;
use crate::input::matrix::MatrixPlan;
use crate::input::spec::ActionKind;
use crate::input::{Inputs, Preflight};
use crate::plan::{self, Plan};
use crate::report::failure::Failure;
use crate::report::run::collect;
use crate::report::{log, matrix, outputs};

/// What is known before anything is built.
const OF_THE_EVENT: [&str; 6] = [
    "version",
    "tags",
    "tag-names",
    "labels",
    "annotations",
    "json",
];

/// Works out what all jobs of a matrix have in common, and asks the registries. Under
/// GitHub Actions that means outputs; elsewhere the result is printed, and no registry
/// is asked. The result is the exit code.
pub async fn plan(options: &Options, host: Host) -> u8 {
    session::exit_code(try_plan(options, host).await)
}

async fn try_plan(options: &Options, mut host: Host) -> Result<(), Failure> {
    let invent = !host.is_github_actions();
    let session = Session::begin(ActionKind::Plan, &options.step, invent, &mut host)?;
    let Session {
        context,
        inputs,
        mut problems,
    } = session;
    let mut facts = session::local_facts(&mut host, &inputs, &context)?;
    if problems.is_empty() {
        let asked = async {
            if host.is_github_actions() && facts.event.problem.is_none() {
                facts.event.ask(&inputs).await;
            }
            facts.read_bake(&host, &inputs).await
        };
        let asked = host.unless_cancelled(asked).await;
        problems.extend(asked.map_err(execute::Error::Cancelled)?.err());
        let secrets = facts.bake.secrets.iter();
        session::hide(&mut host, secrets.map(|secret| (secret, None)));
    }
    let planned = plan::plan(&inputs, &context, &facts);
    let mut plan = session::unless_problems(planned, problems)?;
    let (now, nonce) = (
        host.now().to_string(),
        format!("{:016x}", fastrand::u64(..)),
    );
    let shared = plan::share(&plan, &inputs, &context, (&now, &nonce))
        .map_err(|problem| Failure::Inputs(vec![problem]))?;
    if !host.is_github_actions() {
        return print(&shared, &inputs, options.format);
    }
    for warning in facts.warnings() {
        warn!(title = "Facts", "{warning}");
    }
    show_plan(&plan);
    // The caches are up to the machines of the legs.
    plan.preflight.services.clear();
    plan.preflight.mode = Preflight::Only;
    let (outcome, result) = carry_out(&plan, &inputs, &context, &facts, &host, None).await?;
    result?;
    let shared = MatrixPlan {
        publishes: shared.publishes && outcome.run_state.withheld.is_none(),
        ..shared
    }
    .with_identity();
    let shared = if outcome.is_begun(&plan) {
        info!("the version is there already, so one job finishes it, without a build");
        shared.in_one_job()
    } else {
        shared
    };
    write(&plan, &outcome, &shared, &inputs, &host)
}

/// Outputs, log and summary of a plan.
fn write(
    plan: &Plan,
    outcome: &Outcome,
    shared: &MatrixPlan,
    inputs: &Inputs,
    host: &Host,
) -> Result<(), Failure> {
    for decision in plan::matrix_decisions(shared, &inputs.runners) {
        info!("{decision}");
    }
    let text = shared.to_json().map_err(Failure::Own)?;
    if log::without_secrets(&text) != text {
        return Err(Failure::Own(
            "the plan holds a secret of this step in a name, label or annotation, so GitHub would \
             drop the output: take the secret out of it"
                .to_owned(),
        ));
    }
    let is_joined = shared.publishes && !shared.is_alone();
    let own = [
        ("plan", text),
        ("matrix", plan::matrix(shared).to_string()),
        ("merge", is_joined.to_string()),
    ];
    let mut all = outputs::outputs(plan, outcome);
    all.retain(|(name, _)| OF_THE_EVENT.contains(&name.as_str()));
    all.extend(own.map(|(name, value)| (name.to_owned(), value)));
    let written = outputs::write(host, &all);
    write_summary(host, &matrix::of_plan(shared));
    written.map_err(Failure::Own)
}

fn print(shared: &MatrixPlan, inputs: &Inputs, format: Format) -> Result<(), Failure> {
    let mut text = String::new();
    let written = match format {
        Format::Json => serde_json::to_string_pretty(shared)
            .map_err(|error| Failure::Own(error.to_string()))
            .map(|json| text = json + "\n"),
        Format::Text => {
            as_text(&mut text, shared, inputs).map_err(|error| Failure::Own(error.to_string()))
        }
    };
    written?;
    session::print(&log::without_secrets(&text))
}

fn as_text(text: &mut String, shared: &MatrixPlan, inputs: &Inputs) -> std::fmt::Result {
    for image in &shared.images {
        if let Some(target) = &image.target {
            plan::line(text, "target", target)?;
        }
        plan::line(text, "version", &image.version)?;
        plan::list(text, "tags", &image.tags)?;
    }
    for decision in plan::matrix_decisions(shared, &inputs.runners) {
        writeln!(text, "{decision}")?;
    }
    Ok(())
}

/// Joins and names what the legs have built. The result is the exit code.
pub async fn merge(options: &StepOptions, host: Host) -> u8 {
    session::exit_code(try_merge(options, host).await)
}

async fn try_merge(options: &StepOptions, mut host: Host) -> Result<(), Failure> {
    let began = Instant::now();
    let session = Session::begin(ActionKind::Merge, options, false, &mut host)?;
    let Session {
        context,
        inputs,
        problems,
    } = session;
    let facts = session::local_facts(&mut host, &inputs, &context)?;
    let Some(merge) = &inputs.merge else {
        return Err(Failure::Inputs(problems));
    };
    let planned = plan::merge(&inputs, merge, &context, &facts);
    if planned.is_err() {
        let summary = matrix::of_unnamed(merge, plan::count_unnamed(merge));
        write_summary(&host, &summary);
    }
    let plan = session::unless_problems(planned, problems)?;
    for decision in &plan.decisions {
        info!("{decision}");
    }
    show_plan(&plan);
    let (outcome, result) = carry_out(&plan, &inputs, &context, &facts, &host, None).await?;
    let seconds = began.elapsed().as_secs_f64();
    let did = collect::collect(&plan, &outcome, &result, seconds);
    let reported = report_results(&plan, &outcome, &host, &did, None);
    conclude(result, reported)
}
