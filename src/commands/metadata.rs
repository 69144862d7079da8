//! `stevedore metadata`: what an image is called, and nothing else. No engine
//! and no buildx is looked for.

use std::fmt::{self, Write as _};
use std::io;

use tracing::{info, warn};

use crate::cli::{Format, Metadata as Options};
use crate::commands::session::{self, Session};
use crate::event::RunContext;
use crate::facts::EventFacts;
use crate::host::Host;
use crate::input::spec::ActionKind;
use crate::metadata::{self, Metadata, Severity};
use crate::report::failure::Failure;
use crate::report::log::group;
use crate::report::metadata::{MetadataOutputs, bake_files, exports_variables, write};
use crate::{env_vars, plan};

/// Names the image. Under GitHub Actions that means outputs, variables and bake
/// files; elsewhere the result is printed. The result is the exit code.
pub async fn name(options: &Options, host: Host) -> u8 {
    session::exit_code(try_name(options, host).await)
}

async fn try_name(options: &Options, mut host: Host) -> Result<(), Failure> {
    let session = Session::begin(ActionKind::Metadata, &options.step, true, &mut host)?;
    let Session {
        context,
        inputs,
        mut problems,
    } = session;
    let exports = exports_variables(&host).unwrap_or_else(|problem| {
        problems.push(problem);
        false
    });
    let mut facts = EventFacts::local(&host, &inputs, &context);
    problems.extend(facts.problem.clone());
    // GitHub knows nothing of an event that was made up.
    let told = host.is_github_actions() || host.var(env_vars::GITHUB_EVENT_PATH).is_some();
    if problems.is_empty() && told {
        facts.ask(&inputs).await;
    }
    let resolved = metadata::resolve(&inputs.metadata, &facts.context, &facts.metadata);
    let metadata = session::unless_problems(resolved, problems)?;
    tell_context(&host, &facts);
    log_metadata(&facts, &metadata);
    if !host.is_github_actions() {
        return print(&metadata, options.format);
    }
    let own = |error: io::Error| Failure::Own(format!("outputs: {error}"));
    let naming = MetadataOutputs {
        files: bake_files(&host, &metadata.bake_files(&inputs.metadata)).map_err(own)?,
        outputs: metadata.outputs(&inputs.metadata),
    };
    naming.log(&metadata);
    write(&host, &naming, exports).map_err(own)
}

/// What the rules read, where it is not known from the command line.
fn tell_context(host: &Host, facts: &EventFacts) {
    if !host.is_github_actions() {
        return;
    }
    let RunContext {
        event_name,
        git_ref,
        sha,
        repository,
        actor,
        run_id,
        ..
    } = &facts.context.0;
    let date = facts.metadata.commit_date.map(|date| date.to_string());
    let fields = [
        ("event", event_name),
        ("ref", git_ref),
        ("sha", sha),
        ("repository", repository),
        ("actor", actor),
        ("run", run_id),
        ("committed", &date.unwrap_or_default()),
    ]
    .map(|(name, value)| format!("{name}: {value}"));
    let lines = facts.decision.iter().chain(&fields);
    group("Context info", lines.map(String::as_str));
}

/// What the person at the workflow page should know. A tag that no registry
/// accepts is in the outputs all the same: what becomes of it is not ours.
fn log_metadata(facts: &EventFacts, metadata: &Metadata) {
    for warning in &facts.warnings {
        warn!(title = "Facts", "{warning}");
    }
    for notice in &metadata.notices {
        let text = &notice.text;
        match notice.severity {
            Severity::Warning => warn!(title = "Tags", "{text}"),
            Severity::Notice => info!(title = "Tags", notice = true, "{text}"),
            Severity::Info => info!("{text}"),
        }
    }
    for problem in &metadata.unpublishable {
        warn!(title = "No registry accepts this", "{problem}");
    }
}

fn print(metadata: &Metadata, format: Format) -> Result<(), Failure> {
    let mut text = String::new();
    let written = match format {
        Format::Json => writeln!(text, "{}", metadata.json()),
        Format::Text => as_text(&mut text, metadata),
    };
    written.map_err(|error| Failure::Own(error.to_string()))?;
    session::print(&text)
}

fn as_text(text: &mut String, metadata: &Metadata) -> fmt::Result {
    let version = metadata.version.as_deref().unwrap_or_default();
    plan::line(text, "version", version)?;
    plan::list(text, "tags", &metadata.tags)?;
    plan::list(text, "labels", &metadata.labels)?;
    plan::list(text, "annotations", &metadata.annotations)
}
