//! What is built: the workspace, a folder, or a Git repository.

use std::fmt;

use serde::Serialize;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::{Facts, Workspace};
use crate::input::Inputs;

/// The build context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuildContext {
    /// The last argument for buildx.
    pub location: String,
    /// Where that is.
    pub kind: ContextKind,
    /// Why it was taken.
    pub reason: String,
}

/// Where a build context is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ContextKind {
    /// Files on this machine.
    Local,
    /// The event's repository on the GitHub server; BuildKit fetches it with
    /// the token as the secret `GIT_AUTH_TOKEN.HOST`.
    Repository {
        /// The secret's name.
        secret: String,
    },
    /// Anything else that BuildKit fetches by itself, without our token.
    Remote,
}

pub(super) fn decide(
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    problems: &mut Vec<InputProblem>,
) -> BuildContext {
    let own = own_repository(context);
    let source = match &inputs.context {
        None if facts.workspace.has_checkout => BuildContext {
            location: ".".to_owned(),
            kind: ContextKind::Local,
            reason: "the workspace holds a checkout".to_owned(),
        },
        None if facts.workspace.is_local_run => BuildContext {
            location: ".".to_owned(),
            kind: ContextKind::Local,
            reason: "a local run builds the folder that it is started in".to_owned(),
        },
        None => BuildContext {
            location: own,
            kind: repository(context),
            reason: "nothing is checked out in the workspace".to_owned(),
        },
        Some(given) => {
            let location = given.replace("{{defaultContext}}", &own);
            BuildContext {
                kind: kind(&location, &own, context),
                location,
                reason: "`context`".to_owned(),
            }
        }
    };
    if source.kind == ContextKind::Local {
        check_local(inputs, &source.location, &facts.workspace, problems);
    }
    source
}

/// `SERVER/REPO.git#SHA`: the commit of the event, whatever moves meanwhile.
fn own_repository(context: &RunContext) -> String {
    format!(
        "{}/{}.git#{}",
        context.server_url, context.repository, context.sha
    )
}

fn repository(context: &RunContext) -> ContextKind {
    ContextKind::Repository {
        secret: format!("GIT_AUTH_TOKEN.{}", context.server_host()),
    }
}

fn kind(location: &str, own: &str, context: &RunContext) -> ContextKind {
    if location.starts_with(own) {
        return repository(context);
    }
    let remote = location.contains("://")
        || location.starts_with("git@")
        || location.starts_with("github.com/");
    if remote {
        ContextKind::Remote
    } else {
        ContextKind::Local
    }
}

fn check_local(
    inputs: &Inputs,
    location: &str,
    workspace: &Workspace,
    problems: &mut Vec<InputProblem>,
) {
    if !workspace.context_exists {
        let why = "is not there (was the repository checked out before this step?)";
        let accepted = "a folder, relative to the workspace, or the URL of a Git repository";
        problems.push(InputProblem::new("context", location, why, accepted));
        return;
    }
    let remote_file = inputs
        .file
        .as_ref()
        .is_some_and(|file| file.contains("://"));
    if workspace.dockerfile.is_some() || remote_file {
        return;
    }
    let name = inputs.file.clone().unwrap_or_else(|| match location {
        "." => "Dockerfile".to_owned(),
        folder => format!("{}/Dockerfile", folder.trim_end_matches('/')),
    });
    let accepted = match workspace.dockerfiles.as_slice() {
        [] => "the path of a Dockerfile; there is none in the context".to_owned(),
        found => format!("the path of a Dockerfile; there is {}", found.join(", ")),
    };
    problems.push(InputProblem::new("file", name, "is not there", accepted));
}

impl fmt::Display for BuildContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "context {}: {}", self.location, self.reason)
    }
}
