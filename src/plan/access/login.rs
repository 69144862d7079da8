//! Which registries are logged in to, and with which credential.
//!
//! A credential goes to the one host it belongs to and to no other. The
//! default token belongs to the container registry of the run's own GitHub
//! server. What the user's Docker is logged in to already stays as it is.

use crate::input::CacheEntry;
use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::Facts;
use crate::image::{ImageName, Registry};
use crate::input::Inputs;
use crate::plan::draft::model::ImageDraft;
use crate::plan::findings::{Findings, Level, Notice};
use crate::plan::image::names;
use crate::plan::lists::distinct;

/// A login of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Login {
    /// The one host that gets the credential.
    pub registry: Registry,
    /// The user.
    pub username: String,
    /// Which credential; never its value.
    pub credential: Credential,
}

/// The name of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Credential {
    /// The input `password`.
    Password,
    /// An entry of the input `registry-auth`, counted from 0.
    RegistryAuth(usize),
    /// The input `github-token`.
    GithubToken,
}

/// What the decision is about.
pub struct LoginRequest<'a> {
    /// The images.
    pub names: Vec<ImageName>,
    /// True when one is pushed.
    pub pushes: bool,
    /// True when it was told why nothing is.
    pub has_notice: bool,
    /// What else may name a registry: Dockerfiles and caches.
    pub texts: Vec<&'a str>,
}

impl<'a> LoginRequest<'a> {
    /// That of what is built.
    pub fn of(drafts: &'a [ImageDraft<'_>]) -> Self {
        let texts = |draft: &'a ImageDraft<'_>| {
            let dockerfile = draft.request.workspace.dockerfile.as_deref();
            let entries = draft.cache.entries().map(CacheEntry::text);
            dockerfile.into_iter().chain(entries)
        };
        let of_any = |is_it: fn(&ImageDraft<'_>) -> bool| drafts.iter().any(is_it);
        Self {
            names: distinct(drafts.iter().flat_map(|draft| &draft.all_names)),
            pushes: of_any(|draft| draft.publication.pushes_tags()),
            has_notice: of_any(|draft| draft.publication.notice.is_some()),
            texts: drafts.iter().flat_map(texts).collect(),
        }
    }
}

pub fn decide(
    request: &LoginRequest<'_>,
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    findings: &mut Findings,
) -> Vec<Login> {
    let mut logins = Vec::new();
    let (notices, problems) = (&mut findings.notices, &mut findings.problems);
    let known = problems.len();
    let LoginRequest {
        names,
        pushes,
        has_notice,
        ..
    } = request;
    let (pushes, has_notice) = (*pushes, *has_notice);
    // Where secrets are withheld (forks, Dependabot) a build alone must stay
    // green. What a fork lacks is told once, by the publication; what
    // Dependabot lacks, the registry tells.
    let told = has_notice || (pushes && context.is_dependabot());
    let mut withheld = |problem: InputProblem| {
        if pushes && !told {
            return problems.push(problem);
        }
        notices.push(Notice {
            level: if told { Level::Info } else { Level::Notice },
            title: "No login".to_owned(),
            message: format!("{problem}. The run goes on without it"),
        });
    };
    let mut wrong = Vec::new();
    match own_login(inputs, context, names) {
        Ok(login) => logins.extend(login),
        Err(problem) if problem.input == "password" => withheld(problem),
        Err(problem) => wrong.push(problem),
    }
    for (index, entry) in inputs.registry_auth.iter().enumerate() {
        if entry.password.is_none() {
            let value = entry.registry.to_string();
            let accepted = "a secret that is set for this event";
            withheld(InputProblem::new(
                "registry-auth",
                value,
                "the password is empty",
                accepted,
            ));
            continue;
        }
        logins.push(Login {
            registry: entry.registry.clone(),
            username: entry.username.clone(),
            credential: Credential::RegistryAuth(index),
        });
    }
    problems.append(&mut wrong);
    problems.extend(duplicates(&logins));
    if problems.len() == known {
        logins.extend(token_login(request, inputs, context, facts, &logins));
    }
    logins
}

/// The login by `registry`, `username` and `password`.
fn own_login(
    inputs: &Inputs,
    context: &RunContext,
    names: &[ImageName],
) -> Result<Option<Login>, InputProblem> {
    let github = names::github_registry(context);
    let registry = match (&inputs.registry, &inputs.password, &inputs.username) {
        (Some(registry), _, _) => registry.clone(),
        (None, None, None) => return Ok(None),
        // No name could be read, which is told already, or all are switched off.
        (None, _, _) if names.is_empty() => return Ok(None),
        (None, _, _) => single_host(names)?,
    };
    let is_github = github.as_ref() == Some(&registry);
    if inputs.password.is_none() {
        // On GitHub's own registry the token stands in; a registry that is
        // named without any credential is used as it is.
        let anonymous = inputs.username.is_none();
        if anonymous || (is_github && inputs.github_token.is_some()) {
            return Ok(None);
        }
        let why = format!("is empty, but `username` is given for {registry}");
        let accepted = "a secret that is set for this event";
        return Err(InputProblem::new("password", "", why, accepted));
    }
    let username = match &inputs.username {
        Some(username) => username.clone(),
        None if is_github => token_user(context),
        None => {
            let why = format!("is empty, but `password` is given for {registry}");
            return Err(InputProblem::new(
                "username",
                "",
                why,
                "the user of the password",
            ));
        }
    };
    Ok(Some(Login {
        registry,
        username,
        credential: Credential::Password,
    }))
}

/// Any user name does next to a token; an empty one would make Docker take
/// the token for one of another kind.
fn token_user(context: &RunContext) -> String {
    match context.actor.as_str() {
        "" => context.owner().to_owned(),
        actor => actor.to_owned(),
    }
}

fn single_host(names: &[ImageName]) -> Result<Registry, InputProblem> {
    let hosts: BTreeSet<&Registry> = names.iter().map(|name| &name.registry).collect();
    let mut hosts = hosts.into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(InputProblem::new(
            "registry",
            "",
            "is empty, but `images` are in several registries, and a password belongs to one",
            "the registry of `username` and `password`; the others go into `registry-auth`",
        )),
    }
}

/// Two credentials for one host: nobody could say which one is meant.
fn duplicates(logins: &[Login]) -> Vec<InputProblem> {
    let mut seen = BTreeSet::new();
    logins
        .iter()
        .filter(|login| !seen.insert(&login.registry))
        .map(|login| {
            let value = login.registry.to_string();
            let why = "there are two logins for this registry";
            InputProblem::new("registry-auth", value, why, "one login for each registry")
        })
        .collect()
}

/// The default login: the token, at this GitHub server's own registry, where
/// the run uses that registry and nobody has logged in to it.
fn token_login(
    request: &LoginRequest<'_>,
    inputs: &Inputs,
    context: &RunContext,
    facts: &Facts,
    logins: &[Login],
) -> Option<Login> {
    inputs.github_token.as_ref()?;
    let registry = names::github_registry(context)?;
    let mention = format!("{registry}/");
    let mut names = request.names.iter();
    let used = names.any(|name| name.registry == registry)
        || request.texts.iter().any(|text| text.contains(&mention));
    let taken = logins.iter().any(|login| login.registry == registry)
        || facts.docker.is_logged_in(&registry);
    (used && !taken).then(|| Login {
        registry,
        username: match &inputs.username {
            Some(username) if inputs.password.is_none() => username.clone(),
            _ => token_user(context),
        },
        credential: Credential::GithubToken,
    })
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = match self.credential {
            Credential::Password => "`password`".to_owned(),
            Credential::RegistryAuth(index) => format!("entry {} of `registry-auth`", index + 1),
            Credential::GithubToken => "`github-token`".to_owned(),
        };
        write!(f, "{} as {}, with {with}", self.registry, self.username)
    }
}
