//! With nothing but the program: no engine, and stand-ins for what it talks to.

pub(crate) mod advice;
mod bad_input;
mod build;
mod builder_commands;
mod checkout;
mod conformance;
mod contract;
mod dockerfiles;
mod dry_run;
mod early_checks;
mod github;
pub(crate) mod hidden;
mod hostile;
mod hostile_build;
mod imports;
pub(crate) mod left_overs;
mod matrix;
mod naming;
mod node_commands;
mod progress;
mod recorded;
mod refusals;
mod reusable;
mod unwritten;
