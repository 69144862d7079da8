//! Errors, as the person at the workflow page reads them.

use tracing::error;

use crate::error::InputProblem;
use crate::execute;
use crate::report::bug;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Inputs that cannot be used, all of them.
    #[error("{} of the inputs cannot be used", .0.len())]
    Inputs(Vec<InputProblem>),
    /// Carrying the plan out.
    #[error(transparent)]
    Execute(#[from] execute::Error),
    /// Something of the run's own, such as a file of the runner's.
    #[error("{0}")]
    Own(String),
}

impl Failure {
    /// The exit code: 1, or what a shell reports for the signal.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Execute(execute::Error::Cancelled(signal)) => signal.exit_code(),
            Self::Execute(execute::Error::Bug) => bug::EXIT_CODE,
            _ => 1,
        }
    }

    /// Prints it, one annotation for each thing to mend.
    pub fn print(&self) {
        match self {
            Self::Inputs(problems) => problems
                .iter()
                .for_each(|problem| error!(title = "Input", "{problem}")),
            Self::Execute(execute::Error::Bug) => bug::print(),
            Self::Execute(failed) => {
                for (title, message, place) in failures(failed) {
                    print_error(place, title, &message);
                }
            }
            Self::Own(text) => error!(title = "Stevedore", "{text}"),
        }
    }
}

/// A file of the repository, and a line.
pub type Place<'a> = Option<(&'a str, u32)>;

/// What failed, one for each thing to fix: its title, what is to be said, and its place.
pub fn failures(failed: &execute::Error) -> Vec<(&'static str, String, Place<'_>)> {
    let execute::Error::Targets(failed) = failed else {
        let messages = messages(failed).into_iter();
        return messages
            .map(|message| (title(failed), message, place(failed)))
            .collect();
    };
    let all = of_targets(failed).into_iter();
    all.map(|(title, message, targets, place)| {
        let target = match targets.as_slice() {
            [one] => format!("target {one}"),
            several => format!("targets {}", several.join(", ")),
        };
        (title, format!("{target}: {message}"), place)
    })
    .collect()
}

fn print_error(place: Place<'_>, title: &str, message: &str) {
    match place {
        Some((file, line)) => error!(title, file, line = u64::from(line), "{message}"),
        None => error!(title, "{message}"),
    }
}

/// Where the fix belongs.
fn place(failed: &execute::Error) -> Place<'_> {
    match failed {
        execute::Error::Build {
            step: Some(step), ..
        } => step
            .place
            .as_ref()
            .map(|(file, line)| (file.as_str(), *line)),
        _ => None,
    }
}

/// Each thing to fix, with its title, the targets that it stops, and its place.
fn of_targets(
    failed: &[(String, execute::Error)],
) -> Vec<(&'static str, String, Vec<&str>, Place<'_>)> {
    let mut all: Vec<(&str, String, Vec<&str>, Place<'_>)> = Vec::new();
    for (target, failed) in failed {
        for message in messages(failed) {
            match all.iter_mut().find(|(_, other, ..)| *other == message) {
                Some((_, _, targets, _)) => targets.push(target),
                None => all.push((title(failed), message, vec![target], place(failed))),
            }
        }
    }
    all
}

/// What there is to mend, each by itself.
fn messages(failed: &execute::Error) -> Vec<String> {
    use execute::Error;
    match failed {
        Error::Refused(denials) => denials.iter().map(ToString::to_string).collect(),
        Error::Versions(others) => others.iter().map(|what| existing(what)).collect(),
        Error::Push(failed) => failed.iter().map(ToString::to_string).collect(),
        Error::Differs(differences) => differences.iter().map(ToString::to_string).collect(),
        Error::Missing(parts) => parts.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}

/// A version that exists, with what to do.
fn existing(what: &str) -> String {
    format!(
        "{what}. `version-tags: once` writes no version twice: release the change under a new \
         version, or set `version-tags: overwrite`"
    )
}

fn title(failed: &execute::Error) -> &'static str {
    use execute::Error;
    match failed {
        Error::Refused(_) => "Push refused",
        Error::Versions(_) => "Version exists",
        Error::Push(_) => "Push",
        Error::NoEngine { .. } | Error::EngineForbidden { .. } => "No engine",
        Error::NoBuildx => "No buildx",
        Error::Files { .. } | Error::Start { .. } | Error::Bug => "Stevedore",
        Error::Builder { .. } | Error::Stuck { .. } | Error::Nodes { build: None, .. } => "Builder",
        Error::Emulator { .. } => "Emulation",
        Error::Build { .. } | Error::Nodes { .. } | Error::Targets(_) => "Build",
        Error::Test { .. } => "Test",
        Error::TooLarge { .. } => "Size",
        Error::Withheld => "Publish",
        Error::Cancelled(_) => "Cancelled",
        Error::Differs(_) => "Verification",
        Error::Missing(_) | Error::Unfit(_) => "Merge",
        Error::NoDigest => "Push",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_several_targets_is_told_once() {
        let failed = |message: &str| execute::Error::Build {
            code: Some(1),
            message: message.to_owned(),
            diagnosis: None,
            step: None,
        };
        let all = [("api", "down"), ("web", "own"), ("worker", "down")]
            .map(|(target, message)| (target.to_owned(), failed(message)));
        let told = of_targets(&all);
        let targets: Vec<_> = told
            .iter()
            .map(|(_, _, targets, _)| targets.clone())
            .collect();
        assert_eq!(targets, [vec!["api", "worker"], vec!["web"]]);
    }
}
