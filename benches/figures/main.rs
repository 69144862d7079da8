//! Whole-process figures against their bounds: `make bench`.
//!
//! Owns the order of the figures and the table; must not judge anything but
//! medians. Benchmarks are no tests: a bound that is missed is said, and the
//! exit code stays 0. It measures the program in `dist/`, so how this file
//! itself was built does not matter.
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

fn main() -> Result<(), Box<dyn Error>> {
    let place = Place::find()?;
    println!("{}", table::HEADING);
    // The smallest first, as their memory is that of the largest child until then.
    let defaults = naming::defaults(&place)?;
    let runs = dry_run::runs(&place)?;
    for figure in naming::figures(&place, &defaults)? {
        println!("{figure}");
    }
    for figure in dry_run::figures(&place, &runs)? {
        println!("{figure}");
    }
    for figure in naming::growth(&place)? {
        println!("{figure}");
    }
    for figure in log::figures(&place)? {
        println!("{figure}");
    }
    println!("{}", size::figure(&place)?);
    for figure in publish::figures(&place)? {
        println!("{figure}");
    }
    for figure in names::figures(&place)? {
        println!("{figure}");
    }
    for figure in merge::figures(&place)? {
        println!("{figure}");
    }
    println!("{}", container::figure(&place)?);
    for figure in bake::figures(&place)? {
        println!("{figure}");
    }
    Ok(())
}
