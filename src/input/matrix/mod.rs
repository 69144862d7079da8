//! An image that the jobs of a matrix make together: each builds some of its platforms,
//! and one joins and names what they have made.

mod leg;
mod merge;
mod model;
mod result;
mod runners;

pub use crate::input::matrix::leg::{PlannedLeg, foreign_plan};
pub use crate::input::matrix::merge::Merge;
pub use crate::input::matrix::model::{Leg, MatrixPlan, PlannedImage, SCHEMA};
pub use crate::input::matrix::result::{LegImage, LegOutcome, LegResult, output_name};
pub use crate::input::matrix::runners::Runners;

/// How many legs there may be: each has an output of its own name, and
/// `.github/workflows/publish.yml` declares as many.
pub const MOST_LEGS: usize = 64;
