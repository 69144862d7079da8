//! One image of the plan.

pub mod annotations;
pub mod assemble;
pub mod attestations;
pub mod build_args;
pub mod duplicates;
pub mod model;
pub mod overwritten;
