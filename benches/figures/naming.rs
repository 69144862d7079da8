//! `metadata` as a step of a job, the payload complete: time, memory, growth.

use std::error::Error;
use std::fs;
use std::process::Command;

use crate::bare::start_of_buildx;
use crate::dry_run::peak_of_children;
use crate::place::{GIT_REF, Place, REPOSITORY, SHA, root};
use crate::table::Figure;
use crate::timing::{median, range, time};

const RUNS: usize = 21;
const IMAGES: usize = 5;

/// Runs with the default rules, and the peak of their memory.
pub(crate) struct Defaults {
    median: f64,
    range: String,
    peak: f64,
}

/// Before anything larger is run: the peak is that of the largest child until then.
pub(crate) fn defaults(place: &Place) -> Result<Defaults, Box<dyn Error>> {
    let (median, range) = measure(place, 0)?;
    Ok(Defaults {
        median,
        range,
        peak: peak_of_children()?,
    })
}

/// Of the default rules.
pub(crate) fn figures(place: &Place, of: &Defaults) -> Result<[Figure; 2], Box<dyn Error>> {
    let Defaults {
        median: default,
        range,
        peak,
    } = of;
    let buildx = start_of_buildx(place)?;
    Ok([
        Figure {
            name: "metadata, default rules, to a start of buildx",
            measured: default / buildx,
            bound: 0.5,
            unit: "x",
            how: format!(
                "medians of {RUNS}: {:.1} ms ({range}) to {:.1} ms",
                default * 1e3,
                buildx * 1e3
            ),
        },
        Figure {
            name: "metadata, default rules, peak memory",
            measured: *peak,
            bound: 16.0,
            unit: "MiB",
            how: format!("resident, the largest of {RUNS}"),
        },
    ])
}

/// Twice the rules should take twice the time, and less for what is the same
/// in every run; the bound leaves room for the machine.
pub(crate) fn growth(place: &Place) -> Result<[Figure; 3], Box<dyn Error>> {
    let (default, _) = measure(place, 0)?;
    let (half, _) = measure(place, 500)?;
    let (whole, range) = measure(place, 1000)?;
    let (twice, _) = measure(place, 2000)?;
    let ratio = |name, measured, how: &str| Figure {
        name,
        measured,
        bound: 2.3,
        unit: "×",
        how: how.to_owned(),
    };
    Ok([
        Figure {
            name: "metadata, 1,000 rules, to the default ones",
            measured: whole / default,
            bound: 60.0,
            unit: "x",
            how: format!("medians of {RUNS}: {:.1} ms ({range})", whole * 1e3),
        },
        ratio(
            "metadata, growth to 1,000 rules",
            whole / half,
            "to 500 rules",
        ),
        ratio(
            "metadata, growth to 2,000 rules",
            twice / whole,
            "to 1,000 rules",
        ),
    ])
}

/// The median in seconds, and the range; no rules are the default ones.
fn measure(place: &Place, rules: usize) -> Result<(f64, String), Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(time(&mut step(place, rules))?);
        // What a job would have emptied.
        for file in ["output", "variables"] {
            fs::remove_file(place.path(file))?;
        }
        fs::remove_dir_all(place.path("temp"))?;
        fs::create_dir(place.path("temp"))?;
    }
    Ok((median(&times), range(&times)))
}

fn step(place: &Place, rules: usize) -> Command {
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join("\n")
    };
    let images = if rules == 0 { 1 } else { IMAGES };
    let mut command = place.command(&place.program);
    command
        .arg("metadata")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", "push")
        .env(
            "GITHUB_EVENT_PATH",
            root().join("examples/events/push-tag.json"),
        )
        .env("GITHUB_REF", GIT_REF)
        .env("GITHUB_SHA", SHA)
        .env("GITHUB_REPOSITORY", REPOSITORY)
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("GITHUB_ENV", place.path("variables"))
        .env(
            "INPUT_IMAGES",
            list(images, &|at| format!("ghcr.io/acme/image-{at}")),
        )
        .env(
            "INPUT_TAGS",
            list(rules, &|at| format!("type=raw,value=tag-{at}-{{{{sha}}}}")),
        );
    command
}
