//! The checkout: which commit it is at, on which ref, and where it came from.
//!
//! Reads Git's files itself: no git program is needed, and it does not matter
//! whom they belong to. Never writes, and reads no configuration but the
//! repository's own. What the ref of a detached HEAD is, follows the original's
//! toolkit; docs/conformance.md says where it differs.

mod ancestry;
mod detached;
mod open;
mod origin;

pub use crate::facts::checkout::open::{Checkout, Error};
