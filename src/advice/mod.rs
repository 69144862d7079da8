//! How a Dockerfile could be built faster: from its text, and from what each step has
//! taken in a run. Pure.

pub mod advise;
pub mod model;
mod outline;
mod packages;
pub mod question;
mod rules;

pub use crate::advice::advise::{advise, native_stages};
pub use crate::advice::model::{Advice, Measured};
pub use crate::advice::question::Question;
pub use crate::advice::rules::context::is_large as is_large_context;
