//! Errors, as the person at the workflow page reads them.

use tracing::error;

use crate::error::InputProblem;
use crate::execute;

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
            _ => 1,
        }
    }

    /// Prints it, one annotation for each thing to mend.
    pub fn print(&self) {
        match self {
            Self::Inputs(problems) => problems
                .iter()
                .for_each(|problem| error!(title = "Input", "{problem}")),
            Self::Execute(execute::Error::Targets(failed)) => {
                for (target, failed) in failed {
                    for message in messages(failed) {
                        error!(title = title(failed), "target {target}: {message}");
                    }
                }
            }
            Self::Execute(failed) => {
                for message in messages(failed) {
                    error!(title = title(failed), "{message}");
                }
            }
            Self::Own(text) => error!(title = "Stevedore", "{text}"),
        }
    }
}

/// What there is to mend, each by itself.
fn messages(failed: &execute::Error) -> Vec<String> {
    use execute::Error;
    match failed {
        Error::Refused(denials) => denials.iter().map(ToString::to_string).collect(),
        Error::Push(failed) => failed.iter().map(ToString::to_string).collect(),
        Error::Differs(differences) => differences.iter().map(ToString::to_string).collect(),
        other => vec![other.to_string()],
    }
}

fn title(failed: &execute::Error) -> &'static str {
    use execute::Error;
    match failed {
        Error::Refused(_) => "Push refused",
        Error::Push(_) => "Push",
        Error::NoEngine { .. } => "No engine",
        Error::NoBuildx => "No buildx",
        Error::Files { .. } | Error::Start { .. } => "Stevedore",
        Error::Builder { .. } | Error::Nodes { build: None, .. } => "Builder",
        Error::Emulator { .. } => "Emulation",
        Error::Build { .. } | Error::Nodes { .. } | Error::Targets(_) => "Build",
        Error::Cancelled(_) => "Cancelled",
        Error::Differs(_) => "Verification",
    }
}
