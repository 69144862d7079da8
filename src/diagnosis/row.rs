//! The form of the table: a row says where a signal is seen, what it means,
//! who can do something about it, and what.

use std::fmt;

use crate::diagnosis::circumstances::{Circumstances, Login};
use crate::diagnosis::signal::Signal;
use crate::facts::{OwnerKind, Permission};
use crate::image::{Access, Registry};
use crate::registry::Stage;

/// A row of the table. The texts have holes such as `{image}`, which
/// `fill` knows.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The row's own name.
    pub id: &'static str,
    /// Where it is seen.
    pub place: Place,
    /// The status of the answer.
    pub status: Status,
    /// Where on the way to a push the answer came, when that matters.
    pub stage: Option<Stage>,
    /// Parts of the answer's words, in lower case, of which one must be there;
    /// `…` in it stands for anything. Empty: any words, or none.
    pub words: &'static [&'static str],
    /// What must hold of the run, all of it.
    pub when: &'static [Condition],
    /// What it is for the run.
    pub kind: Kind,
    /// Who can do something about it, in the order of the fix.
    pub who: &'static [Responsible],
    /// What the signal means.
    pub meaning: &'static str,
    /// The one thing to do.
    pub fix: &'static str,
    /// Where to do it; empty when there is no such page.
    pub link: &'static str,
}

/// What a row has unless it says otherwise.
pub const ROW: Row = Row {
    id: "",
    place: Place::Any,
    status: Status::Any,
    stage: None,
    words: &[],
    when: &[],
    kind: Kind::Denied,
    who: &[Responsible::Author],
    meaning: "",
    fix: "",
    link: "",
};

/// What a refusal is for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It will be refused again: stops before the build, and is never retried.
    Denied,
    /// It can pass: worth another try.
    Passing,
    /// The registry has stopped answering: another try would wait as long.
    Silent,
    /// Neither is known, or it is about the build alone.
    Other,
}

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Responsible {
    /// Whoever writes the workflow and its Dockerfile.
    Author,
    /// An administrator of the repository.
    RepositoryAdmin,
    /// An administrator of the package.
    PackageAdmin,
    /// An owner of the organisation.
    OrganisationOwner,
    /// Whoever runs the registry.
    RegistryAdmin,
    /// Whoever runs the runner.
    RunnerAdmin,
    /// Nobody: it passes, or it has to be so.
    Nobody,
}

/// Where a signal is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// GitHub's container registries, those of its servers elsewhere included.
    /// Known by their words.
    Github,
    /// The same, where the words are anybody's. Known by their hosts.
    GithubHost,
    /// Docker Hub. Known by its host.
    DockerHub,
    /// Amazon's registry. Known by its words.
    Ecr,
    /// Google's Artifact Registry. Known by its words.
    Google,
    /// Quay. Known by its words.
    Quay,
    /// Harbor. Known by its words.
    Harbor,
    /// Any registry.
    Any,
    /// The text of a build.
    Build,
    /// The text of a build, the output of its steps included.
    Step,
}

/// The status of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Any, or none that is known.
    Any,
    /// This one.
    Is(u16),
    /// 401 or 403.
    Refused,
    /// 5xx.
    Server,
}

/// What must hold of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A pull request from a fork, which has a read-only token and no secrets.
    Fork,
    /// A run that Dependabot started.
    Dependabot,
    /// The token has no permission `packages` at all.
    PermissionMissing,
    /// The image's name has no owner.
    NoOwner,
    /// The image's name has no namespace on Docker Hub.
    NoNamespace,
    /// No login was used.
    NoLogin,
    /// The login is one that the inputs gave.
    Password,
    /// The image's owner is the repository's owner.
    OwnOwner,
    /// The image's owner is a person.
    UserOwner,
    /// The image's owner is an organisation.
    OrganisationOwner,
    /// The package is linked to another repository.
    LinkedElsewhere,
    /// The image scans what is built for `sbom`.
    Scanner,
    /// Something was to be written.
    Writing,
    /// The step copies from another stage or image.
    FromStage,
    /// The registry is on the loopback of a machine.
    Loopback,
    /// No registry is named: the cache service of GitHub, perhaps.
    NoRegistry,
}

impl Row {
    /// Whether the row is the one for this signal.
    pub fn matches(&self, signal: &Signal, circumstances: &Circumstances<'_>) -> bool {
        self.place.matches(signal, circumstances)
            && self.status.matches(signal.status)
            && self.stage.is_none_or(|stage| signal.stage == Some(stage))
            && self.has_words_in(&signal.lower)
            && self
                .when
                .iter()
                .all(|when| when.matches(signal, circumstances))
    }

    /// Whether a text, in lower case, has one of the row's words.
    pub fn has_words_in(&self, lower: &str) -> bool {
        let has = |words: &&str| {
            let mut rest = Some(lower);
            for part in words.split('…') {
                rest = rest
                    .and_then(|rest| rest.split_once(part))
                    .map(|(_, rest)| rest);
            }
            rest.is_some()
        };
        self.words.is_empty() || self.words.iter().any(has)
    }

    /// The signal, as documentation names it.
    pub fn signal(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        match self.status {
            Status::Any => {}
            Status::Is(status) => parts.push(status.to_string()),
            Status::Refused => parts.push("401, 403".to_owned()),
            Status::Server => parts.push("5xx".to_owned()),
        }
        if self.stage == Some(Stage::Token) {
            parts.push("of the token endpoint".to_owned());
        }
        let words: Vec<String> = self
            .words
            .iter()
            .map(|words| format!("`{words}`"))
            .collect();
        if !words.is_empty() {
            parts.push(words.join(" or "));
        }
        for when in self.when {
            parts.push(format!("({when})"));
        }
        parts.join(" ")
    }
}

impl Place {
    fn matches(self, signal: &Signal, circumstances: &Circumstances<'_>) -> bool {
        let registry = circumstances.image.map(|image| &image.registry);
        match self {
            Self::GithubHost => registry.is_some_and(Registry::is_github),
            Self::DockerHub => registry.is_some_and(|name| *name == Registry::docker_hub()),
            Self::Build | Self::Step => signal.of_build,
            // A build fails in many ways that only sound like a registry's.
            Self::Any => !signal.of_build || signal.names_registry || signal.status.is_some(),
            Self::Github | Self::Ecr | Self::Google | Self::Quay | Self::Harbor => true,
        }
    }
}

impl Status {
    fn matches(self, status: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::Is(wanted) => status == Some(wanted),
            Self::Refused => matches!(status, Some(401 | 403)),
            Self::Server => matches!(status, Some(500..=599)),
        }
    }
}

impl Condition {
    fn matches(self, signal: &Signal, circumstances: &Circumstances<'_>) -> bool {
        let image = circumstances.image;
        match self {
            Self::Fork => circumstances.context.has_read_only_token(),
            Self::Dependabot => circumstances.context.is_dependabot(),
            Self::PermissionMissing => circumstances
                .package
                .is_some_and(|package| package.permission == Permission::Missing),
            Self::NoOwner => image.is_some_and(|image| !image.repository.contains('/')),
            Self::NoNamespace => {
                image.is_some_and(|image| image.repository.starts_with("library/"))
            }
            Self::NoLogin => circumstances.login == Login::None,
            Self::Password => matches!(circumstances.login, Login::Password | Login::RegistryAuth),
            Self::OwnOwner => circumstances.is_own(),
            Self::UserOwner => circumstances.owner_kind() == OwnerKind::User,
            Self::OrganisationOwner => circumstances.owner_kind() == OwnerKind::Organization,
            Self::LinkedElsewhere => circumstances.linked_elsewhere().is_some(),
            Self::Scanner => {
                let is_read = circumstances.access == Access::Base;
                is_read && image.is_some_and(|image| circumstances.scanners.contains(image))
            }
            Self::Writing => circumstances.access.writes(),
            Self::FromStage => signal.from_stage,
            Self::Loopback => image.is_some_and(|image| image.registry.is_loopback()),
            Self::NoRegistry => !signal.names_registry,
        }
    }
}

impl fmt::Display for Responsible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Author => "the workflow's author",
            Self::RepositoryAdmin => "an administrator of the repository",
            Self::PackageAdmin => "an administrator of the package",
            Self::OrganisationOwner => "an owner of the organisation",
            Self::RegistryAdmin => "whoever runs the registry",
            Self::RunnerAdmin => "whoever runs the runner",
            Self::Nobody => "nobody",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Github | Self::GithubHost => "ghcr.io",
            Self::DockerHub => "Docker Hub",
            Self::Ecr => "Amazon ECR",
            Self::Google => "Google Artifact Registry",
            Self::Quay => "Quay",
            Self::Harbor => "Harbor",
            Self::Any => "any registry",
            Self::Build | Self::Step => "the build",
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fork => "pull request from a fork",
            Self::Dependabot => "Dependabot's run",
            Self::PermissionMissing => "the token has no permission `packages`",
            Self::NoOwner => "the name has no owner",
            Self::NoNamespace => "the name has no namespace",
            Self::NoLogin => "no login",
            Self::Password => "login by `password` or `registry-auth`",
            Self::OwnOwner => "the repository's own owner",
            Self::UserOwner => "a person's package",
            Self::OrganisationOwner => "an organisation's package",
            Self::LinkedElsewhere => "linked to another repository",
            Self::Scanner => "the scanner of `sbom`",
            Self::Writing => "pushing",
            Self::FromStage => "in `COPY --from`",
            Self::Loopback => "a registry on loopback",
            Self::NoRegistry => "no registry named",
        })
    }
}
