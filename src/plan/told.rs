//! What a plan has to say while it is worked out.

use super::Notice;
use crate::error::InputProblem;

/// Decisions, notices and problems, in the order in which they come up.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) decisions: Vec<String>,
    pub(super) notices: Vec<Notice>,
    pub(super) problems: Vec<InputProblem>,
}

impl Told {
    pub(super) fn decide(&mut self, decision: impl ToString) {
        self.decisions.push(decision.to_string());
    }

    /// Takes in what was told of each image.
    pub(super) fn take(&mut self, of_each: Vec<Self>) {
        for one in of_each {
            self.decisions.extend(one.decisions);
            self.notices.extend(one.notices);
            self.problems.extend(one.problems);
        }
    }
}
