//! Dates in the formats of moment.js 2.30, locale `en`.
//!
//! Owns the table of format tokens. Knows no clock: the time and its zone are
//! given. Follows moment's "Displaying / Format" documentation and, where that
//! is silent, what moment does.

mod clock;
mod render;
mod tokens;

pub use crate::metadata::moment::clock::ZonedNow;
pub use crate::metadata::moment::render::format;
