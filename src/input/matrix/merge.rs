//! The inputs `plan` and `results`: a job that joins and names what the legs have built.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document;
use crate::input::matrix::leg::{DROPPED, FROM_PLAN};
use crate::input::matrix::model::MatrixPlan;
use crate::input::matrix::result::LegResult;
use crate::input::reader::Reader;

/// Where results come from.
const FROM_LEGS: &str = "the outputs of the legs, ${{ toJSON(needs.build.outputs) }}";

/// A job that joins and names what the legs have built.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// What all jobs have in common.
    pub plan: MatrixPlan,
    /// What the legs have told, by the name of the output.
    pub results: Vec<LegResult>,
}

impl Reader<'_> {
    /// The merge that a step is.
    pub fn merge(&mut self) -> Option<Merge> {
        let results = self.results();
        let Some(plan) = self.raw.given("plan") else {
            self.refuse("plan", "", DROPPED, FROM_PLAN);
            return None;
        };
        match MatrixPlan::parse(plan) {
            Ok(plan) => Some(Merge { plan, results }),
            Err(why) => {
                self.refuse("plan", "", &why, FROM_PLAN);
                None
            }
        }
    }

    /// What the legs have told. An output without a value is of a leg that has told
    /// nothing, or is not there; other outputs of the jobs are none of ours.
    fn results(&mut self) -> Vec<LegResult> {
        let raw = self.raw;
        let given = raw.get("results");
        let outputs = match document::json(given.as_bytes()) {
            Ok(Value::Object(outputs)) => outputs,
            Ok(_) | Err(_) if given.is_empty() => return Vec::new(),
            Ok(_) | Err(_) => {
                self.refuse("results", "", "is not a JSON object", FROM_LEGS);
                return Vec::new();
            }
        };
        let ours: BTreeMap<&str, &str> = outputs
            .iter()
            .filter(|(name, _)| name.starts_with("leg-"))
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let mut results = Vec::new();
        for (name, text) in ours {
            match LegResult::parse(text) {
                Ok(result) => results.push(result),
                Err(why) => self.refuse("results", name, &why, FROM_LEGS),
            }
        }
        results
    }
}
