//! The real program, run as users run it. One binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests stand outside of the program"
)]

mod lab;
mod offline;
mod support;
