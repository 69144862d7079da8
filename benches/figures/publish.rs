//! What the program, and the action around it, take longer than the bare
//! `docker-buildx build --push` with the same arguments. Warm cache; in turns,
//! so that whatever else the machine does meets all of them.

use std::error::Error;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::action::Action;
use crate::bare::Bare;
use crate::place::Place;
use crate::table::Figure;
use crate::timing::{in_turns, median, range, time};

const ROUNDS: usize = 25;

pub(crate) fn figures(place: &Place) -> Result<[Figure; 4], Box<dyn Error>> {
    let bare = Bare::prepare(place, "bare", &[])?;
    let action = Action::prepare(place)?;
    let times = in_turns(
        ROUNDS,
        [
            &|| Ok(bare.time(place)?),
            &|| Ok(program(place, "on")?),
            &|| Ok(program(place, "off")?),
            &|| action.time(place, |step| step),
            &|| refusal(place),
        ],
    )?;
    let [bare, program, unasked, action, refused] = &times;
    Ok([
        ratio("publish, to the bare build", program, bare, 1.1),
        ratio("the action, to the bare build", action, bare, 1.5),
        ratio("preflight, to none", program, unasked, 1.1),
        ratio(
            "a push that is refused, to the bare build",
            refused,
            bare,
            1.0,
        ),
    ])
}

fn ratio(name: &'static str, ours: &[Duration], other: &[Duration], bound: f64) -> Figure {
    let (our, their) = (median(ours), median(other));
    Figure {
        name,
        measured: our / their,
        bound,
        unit: "x",
        how: format!(
            "medians of {ROUNDS}: {our:.3} s ({}) to {their:.3} s ({})",
            range(ours),
            range(other)
        ),
    }
}

/// The program as the action runs it, without the launcher.
fn program(place: &Place, preflight: &str) -> Result<Duration, String> {
    let mut command = step(place);
    command
        .env(input("password"), &place.password)
        .env(input("preflight"), preflight);
    time(&mut command)
}

/// The same without the password that the registry asks for.
fn refusal(place: &Place) -> Result<Duration, Box<dyn Error>> {
    let mut command = step(place);
    command.env_remove(input("username"));
    let begun = Instant::now();
    let output = command.output()?;
    let took = begun.elapsed();
    let log = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() && log.contains("::error title=Push refused::") {
        Ok(took)
    } else {
        Err(log.into())
    }
}

fn step(place: &Place) -> Command {
    let mut command = place.publish(&[]);
    for (name, value) in place.inputs() {
        command.env(input(name), value);
    }
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", Place::workspace())
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("GITHUB_STEP_SUMMARY", place.path("summary"));
    command
}

fn input(name: &str) -> String {
    format!("INPUT_{}", name.to_uppercase())
}
