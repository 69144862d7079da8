//! How the progress of buildx is read and shown.

use crate::input::{Inputs, ProgressStyle};
use crate::plan::builder::buildx_features::BuildxFeatures;

/// How the progress of buildx is read and shown.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    /// What of it is shown, and when.
    pub style: ProgressStyle,
    /// True when buildx tells it as `rawjson`, else it is `plain`.
    pub is_typed: bool,
}

/// As JSON where buildx has it. What `call` finds is text of its own.
pub fn decide(inputs: &Inputs, features: BuildxFeatures) -> Display {
    Display {
        style: inputs.build.progress,
        is_typed: features.raw_progress && inputs.build.call.is_none(),
    }
}

impl Display {
    /// Where nothing is built.
    pub fn none() -> Self {
        Self {
            style: ProgressStyle::default(),
            is_typed: false,
        }
    }
}
