//! What can keep the stand-in from running a step.
//!
//! Owns mistakes of the caller and of the machine. What the action itself does
//! wrong is no error here: it stands in [`crate::StepRun`], as in the runner.

use std::path::PathBuf;

/// Why a step could not be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program as given.
        program: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A YAML or JSON file does not hold what it should.
    #[error("{path}: {reason}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An expression that the stand-in does not resolve.
    #[error(
        "cannot resolve ${{{{ {0} }}}}: only names such as github.ref, secrets.NAME, 'text', joined by ||"
    )]
    Expression(String),
    /// Something that the runner has and the stand-in has not.
    #[error("not supported by this stand-in: {0}")]
    Unsupported(String),
}

impl Error {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn content(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Self::Content {
            path: path.into(),
            reason: reason.to_string(),
        }
    }
}
