//! A builder of several nodes that the run makes.

use std::time::Duration;

use crate::execute::scope::Scope;
use crate::host::Command;
use crate::plan::NewBuilder;

/// How long buildx may take to note a node, or to say why it does not reach one.
pub const NOTE: Duration = Duration::from_secs(10);

pub fn silence_text(limit: Duration) -> String {
    format!("it did not answer within {} s", limit.as_secs())
}

/// A builder of several nodes that the run makes.
pub struct Nodes<'a> {
    pub scope: &'a Scope<'a>,
    pub made: &'a NewBuilder,
    /// buildx, with the run's configuration.
    pub base: Command,
}
