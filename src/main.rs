//! The program: the real host, one thread, the exit code.

use std::process::ExitCode;

use clap::Parser as _;
use stevedore::cli::Cli;
use stevedore::host::{self, Host};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    host::forbid_core_dumps();
    ExitCode::from(stevedore::run(Cli::parse(), Host::real()).await)
}
