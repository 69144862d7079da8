//! The real program, run as users run it. One binary, so that it links once.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bad_input;
mod contract;
mod dry_run;
mod engine;
mod github;
mod recorded;
mod recorder;
mod support;
