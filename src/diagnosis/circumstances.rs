//! What is known of the run when something was refused.

use crate::event::RunContext;
use crate::facts::{OwnerKind, Package};
use crate::image::{Access, ImageName};

/// What a diagnosis may lean on beside the words of the refusal. Everything
/// but the context may be unknown.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The event, the repository and its server.
    pub context: &'a RunContext,
    /// What was to be pushed or read.
    pub image: Option<&'a ImageName>,
    /// The image as the workflow spells it.
    pub given_as: Option<&'a str>,
    /// The credential that the registry of `image` was asked with.
    pub login: Login,
    /// What was to be done.
    pub access: Access,
    /// What GitHub's API told of the package, if it was asked.
    pub package: Option<&'a Package>,
    /// The images that scan what is built for `sbom`.
    pub scanners: &'a [ImageName],
}

/// Which credential was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// The token of the workflow's job, whichever input it came in.
    GithubToken,
    /// The input `password`.
    Password,
    /// An entry of the input `registry-auth`.
    RegistryAuth,
    /// A login of the runner's Docker.
    DockerConfig,
    /// None: the registry was asked without a login.
    None,
    /// Nobody knows.
    #[default]
    Unknown,
}

impl Circumstances<'_> {
    /// The owner's part of the image's name, such as `acme` of `ghcr.io/acme/app`.
    pub fn image_owner(&self) -> Option<&str> {
        let (owner, _) = self.image?.repository.split_once('/')?;
        Some(owner)
    }

    /// True when the image's owner is the repository's.
    pub fn is_own(&self) -> bool {
        self.image_owner()
            .is_some_and(|owner| owner.eq_ignore_ascii_case(self.context.owner()))
    }

    /// The kind of account that owns the image: the payload tells it of the
    /// repository's owner, the API of any.
    pub fn owner_kind(&self) -> OwnerKind {
        let asked = self.package.map(|package| package.owner);
        let own = self.is_own();
        let payload = &self.context.payload;
        match payload.owner_type() {
            Some("Organization") if own => OwnerKind::Organization,
            Some("User") if own => OwnerKind::User,
            None if own && payload.has_organization() => OwnerKind::Organization,
            _ => asked.unwrap_or_default(),
        }
    }

    /// The repository that the package is linked to, when it is another one.
    pub fn linked_elsewhere(&self) -> Option<&str> {
        let linked = self.package?.linked.as_deref()?;
        (!linked.eq_ignore_ascii_case(&self.context.repository)).then_some(linked)
    }
}
