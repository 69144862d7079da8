//! What went wrong, for the person at the workflow page.
//!
//! Owns [`InputProblem`], of which a run collects all before it stops. Errors
//! of a later stage stand in its own module; each says what failed on which
//! value, why, and the one thing to do next.

use std::fmt;

use crate::error::sanitize;

/// One input whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InputProblem {
    /// The input as the workflow spells it, such as `platforms`.
    pub input: String,
    /// The value, or the part of it, that is wrong. Never a secret.
    pub value: String,
    /// Line and column in the input's value, counted from 1, where that helps.
    pub position: Option<(usize, usize)>,
    /// What is wrong with it.
    pub why: String,
    /// What is accepted in its place.
    pub accepted: String,
}

impl InputProblem {
    /// A problem with the whole of a value.
    pub fn new(
        input: &str,
        value: impl Into<String>,
        why: impl Into<String>,
        accepted: impl Into<String>,
    ) -> Self {
        Self {
            input: input.to_owned(),
            value: value.into(),
            position: None,
            why: why.into(),
            accepted: accepted.into(),
        }
    }

    /// The same problem at a line and column (from 1) of the input's value.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.position = Some((line, column));
        self
    }
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.input)?;
        if let Some((line, column)) = self.position {
            write!(f, " (line {line}, column {column})")?;
        }
        if !self.value.is_empty() {
            write!(f, ": {:?}", sanitize::shorten(&self.value, sanitize::VALUE))?;
        }
        let stop = if self.why.ends_with(['?', '.']) {
            ""
        } else {
            "."
        };
        write!(f, ": {}{stop} Accepted: {}", self.why, self.accepted)
    }
}
