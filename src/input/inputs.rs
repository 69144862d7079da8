//! Every input of a step, valid.

use crate::input::cache_entry::CacheEntry;
use std::time::Duration;

use crate::http::Authorities;
use crate::image::{Platform, Registry};
use crate::input::address::Logins;
use crate::input::build::bake::BakeInputs;
use crate::input::build::inputs::BuildInputs;
use crate::input::builder::model::BuilderInputs;
use crate::input::choices::{
    CacheChoice, ContextSource, MovingTags, Preflight, Push, TestPlatforms, VersionTags,
};
use crate::input::matrix::{Merge, PlannedLeg, Runners};
use crate::input::metadata::full_reference::Reference;
use crate::input::metadata::inputs::MetadataInputs;
use crate::input::registry_auth;
use crate::input::size_limit::SizeLimit;
use crate::input::spec::ActionKind;
use crate::secret::Secret;

/// What is built for where nobody says it.
pub const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// Every input of `publish`, valid. For `metadata`, which has few of them, the
/// others are as if the workflow had not given them.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Whose inputs they are.
    pub part: ActionKind,
    /// `images`, `tags`, `flavor`, `labels`, `annotations`, and what only
    /// `metadata` has.
    pub metadata: MetadataInputs,
    /// True when `DOCKER_METADATA_ANNOTATIONS_LEVELS` is set.
    pub annotation_levels_given: bool,
    /// `DOCKER_METADATA_PR_HEAD_SHA`, as it is set.
    pub pr_head_sha: String,
    /// `metadata-context`; the `context` of `metadata`.
    pub metadata_context: ContextSource,
    /// `context`, when it is given.
    pub context: Option<String>,
    /// `file`: the Dockerfile.
    pub file: Option<String>,
    /// `target`: the stage to build.
    pub target: Option<String>,
    /// `platforms`.
    pub platforms: Vec<Platform>,
    /// True when the workflow gave `platforms`, false for the default.
    pub platforms_given: bool,
    /// `build-args`, as `NAME=VALUE`.
    pub build_args: Vec<String>,
    /// `push`.
    pub push: Push,
    /// `preflight`.
    pub preflight: Preflight,
    /// `test`: a script for `bash -e`.
    pub test: Option<String>,
    /// `test-platforms`.
    pub test_platforms: TestPlatforms,
    /// `all-or-none`: no name without all others.
    pub all_or_none: bool,
    /// `size-limit`.
    pub size_limit: SizeLimit,
    /// `strict-secrets`.
    pub strict_secrets: bool,
    /// `version-tags`.
    pub version_tags: VersionTags,
    /// `moving-tags`.
    pub moving_tags: MovingTags,
    /// `push-attempts`: how often a push is tried, from 1.
    pub push_attempts: u32,
    /// `stall-timeout`: how long a registry may be silent during a push; `None`
    /// for ever.
    pub stall_timeout: Option<Duration>,
    /// `load`.
    pub load: bool,
    /// `registry`: where `username` and `password` are valid.
    pub registry: Option<Registry>,
    /// `username`.
    pub username: Option<String>,
    /// `password`.
    pub password: Option<Secret>,
    /// `registry-auth`.
    pub registry_auth: Vec<registry_auth::Login>,
    /// `github-token`.
    pub github_token: Option<Secret>,
    /// `cache`.
    pub cache: CacheChoice,
    /// `cache-from`, as buildx takes them.
    pub cache_from: Vec<CacheEntry>,
    /// `cache-to`, as buildx takes them.
    pub cache_to: Vec<CacheEntry>,
    /// `builder`: the name of one; `auto` is as if it were empty.
    pub builder: Option<String>,
    /// What only a build has.
    pub build: BuildInputs,
    /// `plan` and `leg`: the part of a matrix that this job builds.
    pub leg: Option<PlannedLeg>,
    /// `plan` and `results` of a merge.
    pub merge: Option<Merge>,
    /// `runners` of a plan.
    pub runners: Runners,
    /// The targets that are built; `None` for one image.
    pub bake: Option<BakeInputs>,
    /// The entries of `tags` that are whole references, as they were given.
    pub references: Vec<Reference>,
    /// What a builder of the run's own is to be, and emulators.
    pub own_builder: BuilderInputs,
    /// `ca-certificates`: trusted beside the machine's own.
    pub authorities: Authorities,
    /// The logins that stood in addresses.
    pub logins: Logins,
    /// The secrets that stand in attributes of other inputs.
    pub attribute_secrets: Vec<Secret>,
}

impl Inputs {
    /// Every secret, with the user that it is used with. `actor` is who the
    /// token and a password without a user stand for.
    pub fn secrets<'a>(
        &'a self,
        actor: &'a str,
    ) -> impl Iterator<Item = (&'a Secret, Option<&'a str>)> {
        let user = self.username.as_deref().unwrap_or(actor);
        let own = self.password.as_ref().map(|secret| (secret, Some(user)));
        let token = self
            .github_token
            .as_ref()
            .map(|secret| (secret, Some(user)));
        let actors = self.github_token.as_ref();
        let token = token
            .into_iter()
            .chain(actors.map(|secret| (secret, Some(actor))));
        let others = self.registry_auth.iter().filter_map(|login| {
            let password = login.password.as_ref()?;
            Some((password, Some(login.username.as_str())))
        });
        let build = &self.build.secrets;
        let built = build
            .values
            .iter()
            .map(|secret| &secret.value)
            .chain(&build.pieces)
            .map(|secret| (secret, None));
        let nodes = self.own_builder.secrets();
        let within = self.logins.secrets.iter().chain(&self.attribute_secrets);
        let nodes = nodes.chain(within).map(|secret| (secret, None));
        let passwords = own.into_iter().chain(token).chain(others);
        passwords.chain(built).chain(nodes)
    }
}
