//! Where the time of a build went: its slowest steps, and what emulation costs.

use std::collections::BTreeMap;

use crate::report::run::model::{Step, StepOutcome};

/// How many of the slowest steps are shown.
const SLOWEST: usize = 10;
/// How long a step must have run to be worth a line, in seconds.
const SHORTEST: f64 = 0.5;

/// The slowest steps, the slowest first.
pub fn slowest(steps: &[Step]) -> Vec<&Step> {
    let mut slow: Vec<&Step> = steps
        .iter()
        .filter(|step| step.seconds >= SHORTEST && !step.is_cached())
        .collect();
    slow.sort_by(|one, other| other.seconds.total_cmp(&one.seconds));
    slow.truncate(SLOWEST);
    slow
}

/// A step that ran in emulation, beside the same step where it ran natively.
#[derive(Clone, Debug, PartialEq)]
pub struct Emulated<'a> {
    /// The step.
    pub step: &'a Step,
    /// The same step of another platform; `None` where no platform is native, or it
    /// was cached there.
    pub native: Option<&'a Step>,
}

/// The steps that ran in emulation, the slowest first.
pub fn emulated(steps: &[Step]) -> Vec<Emulated<'_>> {
    type Place<'a> = (&'a str, &'a str, usize, &'a str);
    fn place(step: &Step) -> Place<'_> {
        (&step.target, &step.stage, step.number, &step.instruction)
    }
    let ran = |step: &&Step| {
        step.is_work() && !step.is_cached() && step.outcome != StepOutcome::Cancelled
    };
    let native: BTreeMap<Place<'_>, &Step> = steps
        .iter()
        .filter(ran)
        .filter(|step| !step.emulated)
        .map(|step| (place(step), step))
        .collect();
    let mut all: Vec<Emulated<'_>> = steps
        .iter()
        .filter(ran)
        .filter(|step| step.emulated && step.seconds >= SHORTEST)
        .map(|step| Emulated {
            step,
            native: native.get(&place(step)).copied(),
        })
        .collect();
    all.sort_by(|one, other| other.step.seconds.total_cmp(&one.step.seconds));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(platform: &str, number: usize, seconds: f64, emulated: bool) -> Step {
        Step {
            platform: platform.to_owned(),
            number,
            instruction: "RUN make".to_owned(),
            seconds,
            outcome: StepOutcome::Done,
            emulated,
            ..Step::default()
        }
    }

    #[test]
    fn the_same_step_is_found_on_the_native_platform() {
        let steps = [
            step("linux/amd64", 2, 6.0, false),
            step("linux/arm64", 2, 60.0, true),
            step("linux/arm64", 3, 70.0, true),
        ];
        let found = emulated(&steps);
        let seconds: Vec<_> = found
            .iter()
            .map(|one| (one.step.seconds, one.native.map(|native| native.seconds)))
            .collect();
        assert_eq!(seconds, [(70.0, None), (60.0, Some(6.0))]);
        assert_eq!(slowest(&steps)[0].seconds, 70.0);
    }
}
