//! What is built: the workspace, a folder, or a Git repository; and the
//! contexts beside it.

use std::fmt;

use serde::Serialize;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Workspace;
use crate::input::Inputs;
use crate::metadata::fill_in;
use crate::plan::findings::Findings;

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

impl BuildContext {
    /// That of nothing.
    pub fn none() -> Self {
        Self {
            location: String::new(),
            kind: ContextKind::Remote,
            reason: "nothing is built".to_owned(),
        }
    }
}

/// The name that stands for the event's repository in a template.
const DEFAULT_CONTEXT: &str = "defaultContext";
const TEMPLATE: &str =
    "a path or an address, in which {{defaultContext}} stands for this repository";

pub fn decide(
    inputs: &Inputs,
    context: &RunContext,
    workspace: &Workspace,
    own: &str,
    findings: &mut Findings,
) -> BuildContext {
    let of_repository = |reason: &str| BuildContext {
        location: own.to_owned(),
        kind: repository(context),
        reason: reason.to_owned(),
    };
    let source = match &inputs.context {
        None if workspace.has_checkout => BuildContext {
            location: ".".to_owned(),
            kind: ContextKind::Local,
            reason: "the workspace holds a checkout".to_owned(),
        },
        None if workspace.is_local_run => BuildContext {
            location: ".".to_owned(),
            kind: ContextKind::Local,
            reason: "a local run builds the folder that it is started in".to_owned(),
        },
        None => of_repository("nothing is checked out in the workspace"),
        Some(given) => match fill_in(given, DEFAULT_CONTEXT, own) {
            Ok(location) if location.is_empty() => of_repository("`context` gives nothing"),
            Ok(location) => BuildContext {
                kind: kind(&location, own, context, inputs),
                location,
                reason: "`context`".to_owned(),
            },
            Err(why) => {
                findings
                    .problems
                    .push(InputProblem::new("context", given, why, TEMPLATE));
                of_repository("`context` cannot be read")
            }
        },
    };
    if source.kind == ContextKind::Local {
        check_local(inputs, &source.location, workspace, findings);
    }
    source
}

/// `SERVER/REPO.git#SHA`: the commit of the event, whatever moves meanwhile.
/// Two variables of docker/build-push-action's say otherwise: a pull request's
/// own commit, and `?ref=SHA` for a buildx that knows it.
pub fn default_context(inputs: &Inputs, context: &RunContext, knows_query: bool) -> String {
    let of_request = context.git_ref.strip_prefix("refs/pull/");
    let head = match of_request.filter(|_| inputs.build.pull_request_head) {
        Some(request) => {
            let number = request.trim_end_matches("/merge").trim_end_matches("/head");
            let sha = context.payload.head_sha();
            let head = || format!("refs/pull/{number}/head");
            Some(sha.map_or_else(head, str::to_owned))
        }
        None => None,
    };
    let commit = head.as_deref().unwrap_or(&context.sha);
    let mark = if inputs.build.git_query && knows_query {
        "?ref="
    } else {
        "#"
    };
    let RunContext {
        server_url,
        repository,
        ..
    } = context;
    format!("{server_url}/{repository}.git{mark}{commit}")
}

/// The values of `--build-context`.
pub fn build_contexts(inputs: &Inputs, own: &str, findings: &mut Findings) -> Vec<String> {
    let mut contexts = Vec::new();
    for entry in &inputs.build.build_contexts {
        match fill_in(&entry.text, DEFAULT_CONTEXT, own) {
            Ok(text) => contexts.push(text),
            Err(why) => {
                let problem = InputProblem::new("build-contexts", &entry.text, why, TEMPLATE);
                findings.problems.push(problem.at(entry.line, entry.column));
            }
        }
    }
    contexts
}

fn repository(context: &RunContext) -> ContextKind {
    ContextKind::Repository {
        secret: format!("GIT_AUTH_TOKEN.{}", context.server_host()),
    }
}

fn kind(location: &str, own: &str, context: &RunContext, inputs: &Inputs) -> ContextKind {
    let mut logins = inputs.logins.git.iter();
    // BuildKit would look for that first.
    let has_login = logins.any(|login| login.host == context.server_host());
    if location.starts_with(own) && !has_login {
        return repository(context);
    }
    if is_remote(location) {
        ContextKind::Remote
    } else {
        ContextKind::Local
    }
}

/// True for what BuildKit fetches: an address, or Git's `USER@HOST:PATH`.
pub fn is_remote(place: &str) -> bool {
    let by_ssh = || {
        let (user, rest) = place.split_once('@')?;
        let (host, _) = rest.split_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        Some(
            [user, host]
                .iter()
                .all(|part| !part.is_empty() && part.chars().all(plain)),
        )
    };
    place.contains("://") || place.starts_with("github.com/") || by_ssh() == Some(true)
}

fn check_local(inputs: &Inputs, location: &str, workspace: &Workspace, findings: &mut Findings) {
    if !workspace.context_exists {
        let why = "is not there (was the repository checked out before this step?)";
        let accepted = "a folder, relative to the workspace, or the URL of a Git repository";
        findings
            .problems
            .push(InputProblem::new("context", location, why, accepted));
        return;
    }
    let remote_file = inputs
        .file
        .as_ref()
        .is_some_and(|file| file.contains("://"));
    let Some(why) = workspace.no_dockerfile.as_ref().filter(|_| !remote_file) else {
        return;
    };
    let name = inputs.file.clone().unwrap_or_else(|| match location {
        "." => "Dockerfile".to_owned(),
        folder => format!("{}/Dockerfile", folder.trim_end_matches('/')),
    });
    let accepted = match workspace.dockerfiles.as_slice() {
        [] => "the path of a Dockerfile; there is none in the context".to_owned(),
        found => format!("the path of a Dockerfile; there is {}", found.join(", ")),
    };
    findings
        .problems
        .push(InputProblem::new("file", name, why, accepted));
}

impl fmt::Display for BuildContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "context {}: {}", self.location, self.reason)
    }
}
