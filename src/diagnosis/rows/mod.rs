//! The table. Its order is the order in which it is read: the first row that
//! fits a signal is the diagnosis.

mod any;
mod build;
mod engine;
mod github;
mod registries;

pub use crate::diagnosis::rows::any::ELSE;
pub use crate::diagnosis::rows::any::SILENCE;

use crate::diagnosis::row::Row;

/// Every row, in order. What a build says by itself comes before what any
/// registry may say, for it is the more exact. An image that nobody has written
/// down comes before all.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    build::SCANNER
        .iter()
        .chain(github::ROWS)
        .chain(registries::ROWS)
        .chain(engine::ROWS)
        .chain(build::ROWS)
        .chain(any::ROWS)
}
