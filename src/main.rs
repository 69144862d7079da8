//! The program: the real host, one thread, the exit code.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use stevedore::{Cli, Host};

fn main() -> ExitCode {
    stevedore::forbid_core_dumps();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(stevedore::run(cli, Host::real()));
    // A name server that does not answer would keep us until it has timed out.
    runtime.shutdown_background();
    ExitCode::from(code)
}
