//! Values that must not be seen.
//!
//! Owns [`Secret`]: its `Debug` shows nothing, it cannot be serialised, and
//! its memory is wiped when it is dropped. [`hide()`] takes secrets out of text.

mod hide;
mod value;

pub use crate::secret::hide::{Redactor, hide, is_invisible};
pub use crate::secret::value::{Secret, is_telling, is_token};
