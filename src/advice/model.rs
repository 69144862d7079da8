//! What was measured of a build, and the advice that follows from it.

use serde::{Deserialize, Serialize};

/// One thing that costs time, and what to write in its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Advice {
    /// The name of the rule, such as `dependencies-after-source`.
    pub rule: String,
    /// The file that it is about.
    pub file: String,
    /// The first and the last of its lines that change, from 1; the same line, and
    /// nothing to replace, where the rewrite is for another file.
    pub lines: (usize, usize),
    /// What it has cost in the run, in seconds; `null` where nothing was measured.
    pub seconds: Option<f64>,
    /// What costs, and why.
    pub message: String,
    /// The lines that stand in place of those, or go into the other file.
    pub rewrite: String,
    /// The other file that the rewrite is for; empty for the file itself.
    pub into: String,
}

/// A step of a build, as it was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// As BuildKit names it.
    pub name: String,
    /// The stage as BuildKit names it; empty where there is one.
    pub stage: String,
    /// Which step of the stage it is; 0 for a step of BuildKit's own.
    pub number: usize,
    /// How long it ran, in seconds; 0 for one that was cached.
    pub seconds: f64,
    /// True when it ran in emulation.
    pub emulated: bool,
    /// The bytes that were sent or fetched for it.
    pub bytes: u64,
}
