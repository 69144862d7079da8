//! What a plan has to say while it is worked out.

use std::fmt::Display;

use serde::Serialize;

use crate::error::InputProblem;

/// Decisions, notices and problems, in the order in which they come up.
#[derive(Debug, Default)]
pub struct Findings {
    pub decisions: Vec<String>,
    pub notices: Vec<Notice>,
    pub problems: Vec<InputProblem>,
}

impl Findings {
    pub fn decide(&mut self, decision: impl ToString) {
        self.decisions.push(decision.to_string());
    }

    /// Adds decisions, after the name of what they are about.
    pub fn decide_all(&mut self, name: &str, decisions: impl IntoIterator<Item = impl Display>) {
        let decisions = decisions.into_iter();
        self.decisions
            .extend(decisions.map(|decision| format!("{name}{decision}")));
    }

    /// Takes in what was told of each image. What is the same for all targets is
    /// told once.
    pub fn absorb(&mut self, names: &[Option<&str>], of_each: Vec<Self>) {
        let decisions = of_each.iter().map(|one| one.decisions.clone()).collect();
        let notices = of_each.iter().map(|one| one.notices.clone()).collect();
        self.decisions.extend(merge_findings(
            names,
            decisions,
            |decision: &mut String, target| {
                *decision = format!("target {target}: {decision}");
            },
        ));
        self.notices.extend(merge_findings(
            names,
            notices,
            |notice: &mut Notice, target| {
                notice.message = format!("target {target}: {}", notice.message);
            },
        ));
        for (target, one) in names.iter().zip(of_each) {
            for mut problem in one.problems {
                if let Some(target) = target {
                    problem.input = format!("target {target}: {}", problem.input);
                }
                self.problems.push(problem);
            }
        }
    }
}

/// The entries of all, those of a target with its name unless all have them.
fn merge_findings<T: Clone + PartialEq>(
    names: &[Option<&str>],
    of_each: Vec<Vec<T>>,
    name: impl Fn(&mut T, &str),
) -> Vec<T> {
    let of_all = |entry: &T| of_each.len() > 1 && of_each.iter().all(|one| one.contains(entry));
    let mut merged: Vec<T> = Vec::new();
    for (target, one) in names.iter().zip(&of_each) {
        for entry in one {
            let mut entry = entry.clone();
            match target {
                Some(target) if !of_all(&entry) => name(&mut entry, target),
                _ if merged.contains(&entry) => continue,
                _ => {}
            }
            merged.push(entry);
        }
    }
    merged
}

/// Something to know that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// What it is about, in a few words.
    pub title: String,
    /// What is the case, and what to do.
    pub message: String,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something is likely not as it was meant.
    Warning,
    /// Something is worth knowing.
    Notice,
    /// A line of the log.
    Info,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_targets_have_is_told_once() {
        let of = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        let name = |entry: &mut String, target: &str| *entry = format!("{target}: {entry}");
        let (api, web) = (Some("api"), Some("web"));
        let both = vec![of(&["push", "image a"]), of(&["push", "image b"])];
        let findings = merge_findings(&[api, web], both, name);
        assert_eq!(findings, ["push", "api: image a", "web: image b"]);
        assert_eq!(merge_findings(&[None], vec![of(&["push"])], name), ["push"]);
        assert_eq!(
            merge_findings(&[api], vec![of(&["push"])], name),
            ["api: push"]
        );
    }
}
