//! A figure as a line of a table.

use std::fmt;

pub(crate) const HEADING: &str = "\
figure                                          measured       bound  verdict  how";

/// A measured value and what it may be at most, in the same unit.
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) measured: f64,
    pub(crate) bound: f64,
    pub(crate) unit: &'static str,
    /// What was measured, how often, against what.
    pub(crate) how: String,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.measured <= self.bound {
            "pass"
        } else {
            "MISSED"
        };
        let value = |value: f64| format!("{value:.precision$} {}", self.unit, precision = 2);
        write!(
            f,
            "{:<44} {:>11} {:>11}  {verdict:<7}  {}",
            self.name,
            value(self.measured),
            value(self.bound),
            self.how
        )
    }
}
