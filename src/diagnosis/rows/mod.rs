//! The table. Its order is the order in which it is read: the first row that
//! fits a signal is the diagnosis.

mod any;
mod build;
mod github;
mod registries;

pub(super) use any::{ELSE, SILENCE};

use super::row::Row;

/// Every row, in order. What a build says by itself comes before what any
/// registry may say, for it is the more exact.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    github::ROWS
        .iter()
        .chain(registries::ROWS)
        .chain(build::ROWS)
        .chain(any::ROWS)
}
