//! Whole-process figures against their bounds: `make bench`.
//!
//! Owns the order of the figures and the table; must not judge anything but
//! medians. Benchmarks are no tests: a bound that is missed is said, and the
//! exit code stays 0. It measures the program in `dist/`, so how this file
//! itself was built does not matter. Takes the groups that are to be measured:
//! `cargo bench --bench figures --profile dev -- names merge`.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a program of its own, that starts others and prints a table"
)]

mod action;
mod bake;
mod bare;
mod container;
mod dry_run;
mod log;
mod merge;
mod names;
mod naming;
mod place;
mod publish;
mod size;
mod slow;
mod table;
mod timing;

use std::error::Error;

use place::Place;
use table::Figure;

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::find()?;
    let groups: Vec<String> = std::env::args().skip(1).collect();
    let groups: Vec<&String> = groups.iter().filter(|one| !one.starts_with('-')).collect();
    let takes = |group: &str| groups.is_empty() || groups.iter().any(|one| *one == group);
    println!("{}", table::HEADING);
    // The smallest first, as their memory is that of the largest child until then.
    if takes("metadata") {
        let defaults = naming::defaults(&place)?;
        let runs = dry_run::runs(&place)?;
        show(naming::figures(&place, &defaults)?);
        show(dry_run::figures(&place, &runs)?);
        show(naming::growth(&place)?);
    }
    if takes("log") {
        show(log::figures(&place)?);
    }
    if takes("publish") {
        show([size::figure(&place)?]);
        show(publish::figures(&place)?);
    }
    if takes("names") {
        show(names::figures(&place)?);
    }
    if takes("merge") {
        show(merge::figures(&place)?);
    }
    if takes("container") {
        show([container::figure(&place)?]);
    }
    if takes("bake") {
        show(bake::figures(&place)?);
    }
    Ok(())
}

fn show(figures: impl IntoIterator<Item = Figure>) {
    for figure in figures {
        println!("{figure}");
    }
}
