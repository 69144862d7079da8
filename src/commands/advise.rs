//! `stevedore advise`: what costs time in a Dockerfile, from its text or from the report
//! of a run.

use std::path::Path;

use serde::Serialize as _;
use tracing::info;

use crate::advice::{self, Advice, Measured, Question};
use crate::cli::{Advise, Format};
use crate::commands::session;
use crate::document;
use crate::facts::ContextFolder;
use crate::host::{Host, file};
use crate::plan::{Build, ContextKind};
use crate::report::advice as shown;
use crate::report::failure::Failure;
use crate::report::run::model::{Image, Report, Step};

/// What to do about a build, as it was measured.
pub fn of_build(build: &Build, image: &Image, host: &Host) -> Vec<Advice> {
    let Some(dockerfile) = &build.dockerfile else {
        return Vec::new();
    };
    let Some(text) = &dockerfile.text else {
        return Vec::new();
    };
    let steps = measure_steps(&image.steps);
    let context = (build.context.kind == ContextKind::Local).then(|| {
        let weighs = advice::is_large_context(&steps);
        ContextFolder::inspect(&host.path(&build.context.location), weighs)
    });
    advice::advise(&Question {
        file: &dockerfile.path,
        text,
        steps: &steps,
        context: context.as_ref(),
        is_emulated: image.steps.iter().any(|step| step.emulated),
    })
}

fn measure_steps(steps: &[Step]) -> Vec<Measured> {
    let own = steps.iter().filter(|step| step.target.is_empty());
    own.map(|step| Measured {
        name: step.name.clone(),
        stage: step.stage.clone(),
        number: step.number,
        seconds: if step.is_cached() { 0.0 } else { step.seconds },
        emulated: step.emulated,
        bytes: step.bytes,
    })
    .collect()
}

/// Prints what costs time. The result is the exit code.
pub fn advise(options: &Advise, host: &Host) -> u8 {
    session::exit_code(try_advise(options, host))
}

fn try_advise(options: &Advise, host: &Host) -> Result<(), Failure> {
    let own = |error: String| Failure::Own(error);
    let mut all = Vec::new();
    match &options.report {
        None => all.extend(of_file(&options.file, &[], options, host).map_err(own)?),
        Some(path) => {
            let report = read_report(&host.path(path)).map_err(own)?;
            let files = report.images.iter();
            for image in files.filter(|image| !image.dockerfile.is_empty()) {
                let place = Path::new(&image.dockerfile);
                all.extend(of_file(place, &image.steps, options, host).map_err(own)?);
            }
        }
    }
    let text = match options.format {
        Format::Text => shown::as_text(&all),
        Format::Json => {
            let value = all.serialize(serde_json::value::Serializer);
            let value = value.map_err(|error| own(error.to_string()))?;
            format!("{value:#}\n")
        }
    };
    if all.is_empty() {
        info!("nothing that costs time was found");
    }
    session::print(&text)
}

fn of_file(
    place: &Path,
    steps: &[Step],
    options: &Advise,
    host: &Host,
) -> Result<Vec<Advice>, String> {
    let path = host.path(place);
    let text = file::read_text(&path, file::DATA);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    let folder = match &options.context {
        Some(folder) => host.path(folder),
        None => path.parent().map(Path::to_owned).unwrap_or_default(),
    };
    Ok(advice::advise(&Question {
        file: &place.display().to_string(),
        text: &text,
        steps: &measure_steps(steps),
        context: Some(&ContextFolder::inspect(&folder, true)),
        is_emulated: steps.is_empty() || steps.iter().any(|step| step.emulated),
    }))
}

fn read_report(path: &Path) -> Result<Report, String> {
    let why = |error: String| format!("{} is not a report: {error}", path.display());
    let text = file::read_text(path, file::DATA).map_err(|error| why(error.to_string()))?;
    let value = document::json(text.as_bytes()).map_err(|error| why(error.to_string()))?;
    serde_json::from_value(value).map_err(|error| why(error.to_string()))
}
