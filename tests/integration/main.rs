//! The real program, run as users run it. One binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests stand outside of the program"
)]

mod act;
mod advice;
mod bad_input;
mod bake;
mod bridge;
mod build;
mod builder_commands;
mod builders;
mod cache_scopes;
mod cache_service;
mod cache_silent;
mod caches;
mod checkout;
mod conformance;
mod contract;
mod dry_run;
mod engine;
mod engine_inputs;
mod engine_socket;
mod front;
mod git_server;
mod github;
mod hidden;
mod hostile;
mod hostile_bake;
mod imports;
mod left_overs;
mod made_builder;
mod naming;
mod node_commands;
mod nodes;
mod outputs;
mod recorded;
mod recorder;
mod refusals;
mod registries;
mod silence;
mod stopped_builder;
mod stub;
mod support;
mod unwritten;
mod watched_engine;
