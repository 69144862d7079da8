//! The input `tags`: rules that turn an event into tags.
//!
//! Owns [`TagRule`] and its kinds, the rules that apply when none is given and
//! the order in which rules run. Values and patterns are templates; they are
//! rendered elsewhere.

mod attributes;
mod order;
pub mod parse;
pub mod rule;

pub use crate::input::metadata::tags::parse::parse;
pub use crate::input::metadata::tags::rule::RefEvent;
pub use crate::input::metadata::tags::rule::ShaFormat;
pub use crate::input::metadata::tags::rule::TagKind;
pub use crate::input::metadata::tags::rule::TagRule;
pub use crate::input::metadata::tags::rule::VersionRule;
