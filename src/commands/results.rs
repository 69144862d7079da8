//! What a run tells: of its plan before it, and of what came of it.

use tracing::{info, warn};

use crate::env_vars;
use crate::execute::{self, ImageOutcome, Outcome};
use crate::host::Host;
use crate::input::Preflight;
use crate::input::grammar::boolean;
use crate::plan::{Build, Level, Plan, Publication};
use crate::report::failure::Failure;
use crate::report::run::file;
use crate::report::run::model::Report;
use crate::report::{cache, checks, files, log, outputs, summary};

/// What the person at the workflow page should know of a plan, and what images are
/// called.
pub fn show_plan(plan: &Plan) {
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

/// Log, outputs and summary: also after a failure, with whatever exists by then.
/// What cannot be written keeps nothing else from being written.
pub fn report_results(
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

/// The end of a run: what stopped it goes before what could not be reported.
pub fn conclude(
    result: Result<(), execute::Error>,
    reported: Result<(), Failure>,
) -> Result<(), Failure> {
    if let (Err(_), Err(unwritten)) = (&result, &reported) {
        unwritten.print();
    }
    result?;
    reported
}
