//! Stevedore builds a container image for several platforms, tags and labels
//! it from the event, and publishes it to a registry.
//!
//! ```text
//! env + event file -> Inputs + RunContext -> Facts -> Plan (pure) -> execute -> Outcome -> report
//! ```
//!
//! A room uses only rooms to its left; `image`, `secret` and `error` use none.

pub mod error;
pub mod event;
pub mod input;
pub mod metadata;
