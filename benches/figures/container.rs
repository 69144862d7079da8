//! A builder in a container, made for the run and removed after it: the action,
//! against the bare commands. Cold builder, in turns.

use std::error::Error;
use std::time::Duration;

use crate::action::Action;
use crate::bare::Bare;
use crate::place::{Place, lab};
use crate::table::Figure;
use crate::timing::{median, range};

const ROUNDS: usize = 9;
const DRIVER: (&str, &str) = ("driver", "docker-container");

pub(crate) fn figure(place: &Place) -> Result<Figure, Box<dyn Error>> {
    let engine = lab("STEVEDORE_LAB_CLASSIC_HOST")?;
    let bare = Bare::prepare(place, "bench-builder", &[DRIVER])?.on(&engine);
    let action = Action::prepare(place)?;
    let mut times: [Vec<Duration>; 2] = Default::default();
    // The first round is not counted: the engine has to read the image first.
    for round in 0..=ROUNDS {
        let ours = action.time(place, |step| {
            step.env("DOCKER_HOST", &engine).with(DRIVER.0, DRIVER.1)
        });
        for (times, taken) in times.iter_mut().zip([bare.time(place)?, ours?]) {
            if round > 0 {
                times.push(taken);
            }
        }
    }
    let [bare, ours] = &times;
    Ok(Figure {
        name: "a builder of the run's own, to the bare one",
        measured: median(ours) / median(bare),
        bound: 1.1,
        unit: "x",
        how: format!(
            "medians of {ROUNDS}: {:.3} s ({}) to {:.3} s ({})",
            median(ours),
            range(ours),
            median(bare),
            range(bare)
        ),
    })
}
