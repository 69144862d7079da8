//! `stevedore publish`: the one direction of data, from inputs to report.

use std::io::{self, BufWriter, IsTerminal as _};
use std::time::Instant;

use tracing::{info, warn};

use crate::cli::{Format, Publish};
use crate::commands::advise;
use crate::commands::session::{self, Session};
use crate::env_vars;
use crate::event::RunContext;
use crate::execute::{self, EarlyChecks, ImageOutcome, Outcome, Record, RunFolder, Scope};
use crate::facts::Facts;
use crate::host::{Host, Progress};
use crate::input::grammar::boolean;
use crate::input::spec::ActionKind;
use crate::input::{Inputs, Preflight};
use crate::plan::{self, Build, Level, Plan, Publication};
use crate::report::commands::{self, Fence};
use crate::report::failure::Failure;
use crate::report::run::model::Report;
use crate::report::run::{collect, file};
use crate::report::{cache, checks, files, leg, log, outputs, summary};

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
    let mut facts = Facts::local(&host, &inputs, &context);
    hide_docker(&mut host, &facts);
    // From here on a signal ends the run in order, also as process 1.
    host.catch_signals()
        .map_err(|error| io_failure("signals", error))?;
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
    show(&plan);
    let (outcome, result) =
        carry_out(&plan, &inputs, &context, &facts, &host, early_checks).await?;
    let seconds = began.elapsed().as_secs_f64();
    let of_leg = leg::result(&plan, &outcome, result.is_ok(), seconds);
    let mut did = collect::collect(&plan, &outcome, &result, seconds);
    for (build, image) in plan.builds.iter().zip(&mut did.images) {
        image.advice = advise::of_build(build, image, &host);
    }
    let reported = report(&plan, &outcome, &host, &did, of_leg);
    end(result, reported)
}

/// Starts to ask the registries, where it is known by now what to ask: bake files have
/// names of their own, and GitHub's API may decide that there is no name.
fn start_early_checks(
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    host: &Host,
) -> Option<EarlyChecks> {
    if inputs.bake.is_some() || !facts.event.is_complete(inputs) {
        return None;
    }
    let plan = plan::plan(inputs, context, facts).ok()?;
    Some(EarlyChecks::start(
        &plan,
        inputs.secret_values(),
        facts,
        host,
    ))
}

/// The end of a run: what stopped it goes before what could not be reported.
pub fn end(
    result: Result<(), execute::Error>,
    reported: Result<(), Failure>,
) -> Result<(), Failure> {
    if let (Err(_), Err(unwritten)) = (&result, &reported) {
        unwritten.print();
    }
    result?;
    reported
}

/// Hides the passwords of the user's own Docker.
pub fn hide_docker(host: &mut Host, facts: &Facts) {
    for secret in facts.docker.secrets() {
        host.hide(&secret);
        log::hide(&secret);
    }
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

/// What the person at the workflow page should know of a plan, and what images are
/// called.
pub fn show(plan: &Plan) {
    for notice in &plan.notices {
        let (title, message) = (notice.title.as_str(), &notice.message);
        match notice.level {
            Level::Warning => warn!(title, "{message}"),
            Level::Notice => info!(title, notice = true, "{message}"),
            Level::Info => info!("{message}"),
        }
    }
    if plan.preflight.mode == Preflight::Only {
        return;
    }
    for build in &plan.builds {
        let title = match &build.target {
            Some(target) => format!("Tags and labels of target {target}"),
            None => "Tags and labels".to_owned(),
        };
        let lines = build.tags.iter().chain(&build.labels);
        log::group(&title, lines.map(String::as_str));
    }
}

pub fn io_failure(what: &str, error: io::Error) -> Failure {
    Failure::Own(format!("{what}: {error}"))
}

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
    let keep = |state: &str| {
        files::set(
            host,
            env_vars::GITHUB_STATE,
            env_vars::STATE_TAKE_DOWN,
            state,
        )
    };
    let record =
        Record::begin(plan, &folder, &keep).map_err(|error| io_failure("GITHUB_STATE", error))?;

    let job = Scope {
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
        job.execute(progress).await
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

/// Log, outputs and summary: also after a failure, with whatever exists by then.
/// What cannot be written keeps nothing else from being written.
pub fn report(
    plan: &Plan,
    outcome: &Outcome,
    host: &Host,
    did: &Report,
    more: impl IntoIterator<Item = (String, String)>,
) -> Result<(), Failure> {
    checks::annotate(plan, outcome);
    log_outcome(plan, outcome, did.success);
    let mut all = outputs::outputs(plan, outcome);
    all.extend(more);
    all.push(("report".to_owned(), write_report(host, did)));
    let record = outcome.record.as_ref();
    let record = record.map(|path| path.display().to_string());
    all.push(("record".to_owned(), record.unwrap_or_default()));
    let written = outputs::write(host, &all);
    write_summary(host, &summary::summary(plan, outcome, did));
    written.map_err(|why| {
        Failure::Own(format!(
            "outputs are missing, and the log has what was published: {why}"
        ))
    })
}

/// The report's place; one that cannot be written is a warning.
fn write_report(host: &Host, report: &Report) -> String {
    let path = file::write(host, report).unwrap_or_else(|error| {
        warn!(title = "Report", "the report is missing: {error}");
        None
    });
    path.map(|path| path.display().to_string())
        .unwrap_or_default()
}

/// The job summary; one that cannot be written is a warning.
pub fn write_summary(host: &Host, text: &str) {
    // The variable is docker/build-push-action's.
    let variable = host.var(env_vars::DOCKER_BUILD_SUMMARY);
    if variable.and_then(boolean::parse) == Some(false) {
        return;
    }
    if let Err(error) = files::append(host, env_vars::GITHUB_STEP_SUMMARY, text) {
        warn!(title = "Summary", "the job summary is missing: {error}");
    }
}

/// The last lines of the log: what is where.
fn log_outcome(plan: &Plan, outcome: &Outcome, success: bool) {
    for (build, built) in plan.builds.iter().zip(&outcome.builds) {
        log_image(build, built);
    }
    if !success || outcome.done().next().is_some() {
        return;
    }
    let publications = plan.builds.iter().map(|build| &build.publication);
    let mut lines: Vec<String> = match (plan.preflight.mode, &outcome.run_state.withheld) {
        (Preflight::Only, None) if plan.preflight.is_empty() => publications
            .map(|publication| format!("nothing to ask: {publication}"))
            .collect(),
        (Preflight::Only, _) => vec!["asked, and nothing built: `preflight: only`".to_owned()],
        (_, Some(_)) => Vec::new(),
        (_, None) => publications.map(describe_unpublished).collect(),
    };
    lines.dedup();
    for line in lines {
        info!("{line}");
    }
}

fn describe_unpublished(publication: &Publication) -> String {
    if publication.pushes() {
        "built, and pushed as `outputs` says".to_owned()
    } else {
        format!("not pushed: {}", publication.reason)
    }
}

fn log_image(build: &Build, built: &ImageOutcome) {
    let of_target = match &build.target {
        Some(target) => format!("target {target}: "),
        None => String::new(),
    };
    for push in built.pushes.done() {
        let digest = push
            .digest
            .as_ref()
            .or(built.result.digest.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default();
        info!("{of_target}published {} {digest}", push.reference);
    }
    if let (None, Some(digest)) = (built.pushes.done().next(), &built.result.digest) {
        info!("{of_target}built {digest}");
    }
    for platform in &built.verified.platforms {
        info!("  {} {}", platform.platform, platform.digest);
    }
    if let Some(cached) = cache::cached(build, built) {
        info!("{of_target}{cached}");
    }
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
