//! A builder in a container, made for the run and removed after it: the action,
//! against the bare commands. Cold builder, in turns.

use std::error::Error;

use lab_runner::Step;

use crate::action::Action;
use crate::bare::Bare;
use crate::place::{Place, lab};
use crate::table::Figure;
use crate::timing::{in_turns, median, range};

const ROUNDS: usize = 9;
const DRIVER: (&str, &str) = ("driver", "docker-container");

pub(crate) fn figure(place: &Place) -> Result<Figure, Box<dyn Error>> {
    let engine = lab("STEVEDORE_LAB_CLASSIC_HOST")?;
    let bare = Bare::prepare(place, "bench-builder", &[DRIVER])?.on(&engine);
    let action = Action::prepare(place)?;
    let with_builder = |step: Step| step.env("DOCKER_HOST", &engine).with(DRIVER.0, DRIVER.1);
    let times = in_turns(
        ROUNDS,
        [&|| Ok(bare.time(place)?), &|| {
            action.time(place, with_builder)
        }],
    )?;
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
