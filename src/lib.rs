//! Stevedore builds a container image for several platforms, tags and labels
//! it from the event, and publishes it to a registry.
//!
//! ```text
//! env + event file -> Inputs + RunContext -> Facts -> Plan (pure) -> execute -> Outcome -> report
//! ```
//!
//! A module uses only those to its left; `image` and `secret` use none.
//! CONTRIBUTING.md has the map.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests read what they have made")
)]

mod advice;
mod cli;
mod commands;
mod diagnosis;
mod document;
mod env_vars;
mod error;
mod event;
mod execute;
mod facts;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod host;
mod http;
mod image;
mod input;
mod metadata;
mod plan;
mod registry;
mod report;
mod secret;
mod units;
mod workflow;

pub use crate::cli::Cli;
pub use crate::host::Host;
pub use crate::host::forbid_core_dumps;

/// What tests and benchmarks call beside [`run`].
#[doc(hidden)]
pub mod testing {
    pub use crate::diagnosis::rows;
    pub use crate::error::InputProblem;
    pub use crate::event::Payload;
    pub use crate::event::RunContext;
    pub use crate::http::install_tls;
    pub use crate::input::metadata::inputs::MetadataInputs;
    pub use crate::input::metadata::inputs::RawMetadata;
    pub use crate::input::migration::Counterpart;
    pub use crate::input::migration::InputMapping;
    pub use crate::input::migration::REPLACED_ACTIONS;
    pub use crate::input::migration::ReplacedAction;
    pub use crate::input::spec::{ActionKind, Group, InputSpec};
    pub use crate::metadata::Facts;
    pub use crate::metadata::Metadata;
    pub use crate::metadata::Notice;
    pub use crate::metadata::Repository;
    pub use crate::metadata::Severity;
    pub use crate::metadata::TagContext;
    pub use crate::metadata::commit_date;
    pub use crate::metadata::resolve;
}

use std::panic::AssertUnwindSafe;

use cli::Command;
use futures_util::FutureExt as _;
use report::bug;

/// Runs the program; the result is its exit code.
pub async fn run(cli: Cli, host: Host) -> u8 {
    bug::catch_panics();
    let done = AssertUnwindSafe(run_command(cli, host))
        .catch_unwind()
        .await;
    done.unwrap_or_else(|_| {
        bug::print();
        bug::EXIT_CODE
    })
}

async fn run_command(cli: Cli, host: Host) -> u8 {
    let command = cli.command.unwrap_or(Command::Publish(Box::default()));
    let prints_result = match &command {
        Command::Publish(options) => options.dry_run,
        Command::Advise(_) => true,
        _ => false,
    };
    report::log::start(&host, prints_result);
    match command {
        Command::Publish(options) => commands::publish(&options, host).await,
        Command::Preflight(step) => {
            let options = cli::Publish {
                preflight_only: true,
                step: *step,
                ..cli::Publish::default()
            };
            commands::publish(&options, host).await
        }
        Command::Metadata(options) => commands::name(&options, host).await,
        Command::Plan(options) => commands::plan(&options, host).await,
        Command::Merge(step) => commands::merge(&step, host).await,
        Command::Advise(options) => commands::advise(&options, &host),
        Command::Post => commands::post(&host).await,
        Command::EndWithParent(child) => host::end_with_parent(child.parent, &child.command),
    }
}
