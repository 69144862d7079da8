//! A dry run of an event with a full payload: time and memory.

use std::error::Error;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

use crate::bare::start_of_buildx;
use crate::place::Place;
use crate::table::Figure;
use crate::timing::{median, range, time};

const RUNS: usize = 21;

/// Dry runs, and the peak of their memory.
pub(crate) struct Runs {
    times: Vec<Duration>,
    peak: f64,
}

/// Before anything larger is run: the peak is that of the largest child until then.
pub(crate) fn runs(place: &Place) -> Result<Runs, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        times.push(time(&mut place.publish(&["--dry-run"]))?);
    }
    let peak = peak_of_children()?;
    Ok(Runs { times, peak })
}

pub(crate) fn figures(place: &Place, of: &Runs) -> Result<[Figure; 2], Box<dyn Error>> {
    let Runs { times, peak } = of;
    let middle = median(times);
    let buildx = start_of_buildx(place)?;
    Ok([
        Figure {
            name: "dry run, to a start of buildx",
            measured: middle / buildx,
            bound: 0.5,
            unit: "x",
            how: format!(
                "medians of {RUNS}: {:.1} ms ({}) to {:.1} ms",
                middle * 1e3,
                range(times),
                buildx * 1e3
            ),
        },
        Figure {
            name: "dry run, peak memory",
            measured: *peak,
            bound: 25.0,
            unit: "MiB",
            how: format!("resident, the largest of {RUNS}"),
        },
    ])
}

/// The largest peak of any child so far, in MiB. The kernel counts what a child
/// shares with this process before it becomes the program, so the figure can be
/// this process's few MiB where the program needs less; it is never too low.
pub(crate) fn peak_of_children() -> Result<f64, Box<dyn Error>> {
    let kib = getrusage(UsageWho::RUSAGE_CHILDREN)?.max_rss();
    Ok(f64::from(u32::try_from(kib)?) / 1024.0)
}
