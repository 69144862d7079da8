//! What is asked about a build.

use crate::advice::model::Measured;
use crate::facts::ContextFolder;

/// How long something must have taken to be worth a word, in seconds.
const SHORTEST: f64 = 1.0;

/// What is asked.
pub struct Question<'a> {
    /// The Dockerfile's place in the repository.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
    /// What the steps have taken; empty without a run.
    pub steps: &'a [Measured],
    /// The folder that it is built from.
    pub context: Option<&'a ContextFolder>,
    /// True when it is built for another platform than the machine's.
    pub is_emulated: bool,
}

impl Question<'_> {
    /// The longest that a step took on any platform: they run side by side. `None`
    /// where nothing was measured.
    pub fn seconds(&self, stage: &str, number: usize) -> Option<f64> {
        let of_step = |step: &&Measured| step.stage == stage && step.number == number;
        self.longest_seconds(|step| of_step(&step))
    }

    /// The longest of some steps.
    pub fn longest_seconds(&self, is_one: impl Fn(&Measured) -> bool) -> Option<f64> {
        let some = self.steps.iter().filter(|step| is_one(step));
        some.map(|step| step.seconds).reduce(f64::max)
    }

    /// True when a step was seen in the run that cost nothing.
    pub fn is_cheap(&self, seconds: Option<f64>) -> bool {
        !self.steps.is_empty() && seconds.is_none_or(|seconds| seconds < SHORTEST)
    }
}
