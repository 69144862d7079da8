//! Stevedore builds a container image for several platforms, tags and labels
//! it from the event, and publishes it to a registry.
//!
//! ```text
//! env + event file -> Inputs + RunContext -> Facts -> Plan (pure) -> execute -> Outcome -> report
//! ```
//!
//! A room uses only rooms to its left; `image`, `secret` and `error` use none.
//! CONTRIBUTING.md has the map.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests read what they have made")
)]

pub mod cli;
pub mod diagnosis;
pub mod document;
pub mod error;
pub mod event;
pub mod execute;
pub mod facts;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod host;
pub mod http;
pub mod image;
pub mod input;
pub mod metadata;
pub mod naming;
pub mod plan;
pub mod publish;
pub mod registry;
pub mod report;
pub mod run;
pub mod secret;
pub mod text;
pub mod vars;
pub mod workflow;

use std::panic::AssertUnwindSafe;

use cli::{Cli, Command};
use futures_util::FutureExt as _;
use host::Host;
use report::bug;

/// Runs the program; the result is its exit code.
pub async fn run(cli: Cli, host: Host) -> u8 {
    bug::catch_panics();
    let done = AssertUnwindSafe(obey(cli, host)).catch_unwind().await;
    done.unwrap_or_else(|_| {
        bug::print();
        bug::EXIT_CODE
    })
}

async fn obey(cli: Cli, host: Host) -> u8 {
    let command = cli.command.unwrap_or(Command::Publish(Box::default()));
    let prints_result = matches!(&command, Command::Publish(options) if options.dry_run);
    report::log::start(&host, prints_result);
    match command {
        Command::Publish(options) => publish::publish(&options, host).await,
        Command::Preflight(step) => {
            let options = cli::Publish {
                preflight_only: true,
                step: *step,
                ..cli::Publish::default()
            };
            publish::publish(&options, host).await
        }
        Command::Metadata(options) => naming::name(&options, host).await,
        Command::Post => publish::post(&host).await,
        Command::EndWithParent(child) => host::end_with_parent(child.parent, &child.command),
    }
}
