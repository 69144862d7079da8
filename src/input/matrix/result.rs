//! What a leg reports: one small JSON object, the output `leg-N`.
//!
//! GitHub drops an output that holds a masked value, and says so nowhere that a workflow
//! could read. So it has digests and numbers, and no name.

use serde::{Deserialize, Serialize};

use crate::document;
use crate::image::Digest;
use crate::input::matrix::model::SCHEMA;

/// The name of the output of a leg.
pub fn output_name(leg: usize) -> String {
    format!("leg-{leg}")
}

/// What a leg reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LegResult {
    /// The version of the shape.
    pub schema: u32,
    /// The `id` of its plan.
    pub plan: String,
    /// Its place among the legs of the plan, from 0.
    pub leg: usize,
    /// How it ended.
    pub outcome: LegOutcome,
    /// The number of its job, for a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<u64>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// What it made, in the order of the plan.
    pub images: Vec<LegImage>,
}

/// How a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegOutcome {
    /// All of it was done.
    Success,
    /// Something was not.
    Failure,
    /// It was cancelled.
    Cancelled,
}

impl LegOutcome {
    /// What it is called in a sentence.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Success => "succeeded",
            Self::Failure => "failed",
            Self::Cancelled => "was cancelled",
        }
    }
}

/// What a leg made of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LegImage {
    /// The place of the image in the plan, from 0.
    pub image: usize,
    /// The digest of its index or manifest.
    pub digest: Option<Digest>,
    /// In how many repositories it is.
    pub repositories: usize,
    /// How many attestation manifests it has.
    pub attestations: usize,
    /// How many steps there were.
    pub steps: usize,
    /// How many of them came out of the cache.
    pub cached: usize,
}

impl LegResult {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value = document::json(text.as_bytes()).map_err(|error| error.to_string())?;
        if value["schema"].as_u64() != Some(u64::from(SCHEMA)) {
            return Err("is not a result of a leg of this version of the action".to_owned());
        }
        serde_json::from_value(value).map_err(|error| format!("is not a result of a leg: {error}"))
    }

    /// What it made of an image, by its place in the plan.
    pub fn image(&self, place: usize) -> Option<&LegImage> {
        self.images.iter().find(|image| image.image == place)
    }
}
