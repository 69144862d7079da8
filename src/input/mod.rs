//! The inputs of the action, from strings to types.
//!
//! Owns [`Inputs`]. Asks nothing of the world; every bad value is reported, in
//! one go, with its name and what is accepted.

pub mod address;
pub mod attest;
mod attributes;
pub mod auth;
pub mod bake;
pub mod build;
pub mod builder;
pub mod csv;
pub mod ecma;
pub mod flavor;
pub mod images;
pub mod list;
pub mod metadata;
pub mod moved;
pub mod output;
pub mod raw;
mod reader;
pub mod reference;
mod secret_values;
pub mod secrets;
pub mod spec;
pub mod tags;

use std::time::Duration;

use address::Logins;
pub use attributes::secrets_of;
pub use bake::BakeInputs;
pub use build::BuildInputs;
use builder::BuilderInputs;
use jiff::SignedDuration;
use list::{Grammar, Style};
pub use metadata::{MetadataInputs, RawMetadata};
use output::Output;
pub use raw::RawInputs;
pub use secret_values::SecretValues;
use serde::Serialize;

use crate::env_vars;
use crate::error::InputProblem;
use crate::host::{Host, file};
use crate::http::Authorities;
use crate::image::{Platform, Registry};
use crate::secret::Secret;
use reader::Reader;
use reference::Reference;
use spec::Part;

/// What is built for where nobody says it.
pub const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

/// The input `push`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Push {
    /// As the event suggests.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// The input `preflight`: whether registries are asked, before anything is
/// built, if they will take the push.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preflight {
    /// A refusal stops the run.
    #[default]
    On,
    /// A refusal is a warning.
    Warn,
    /// Nothing is asked.
    Off,
    /// As `On`, and then nothing is built.
    Only,
}

/// The input `cache`: where the build cache is kept for the next run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheChoice {
    /// In GitHub's cache service on a hosted runner, else nowhere.
    #[default]
    Auto,
    /// Beside the image.
    Registry,
    /// In a folder that the runner keeps.
    Local,
    /// Nowhere.
    None,
}

/// Where ref and commit come from: the input `metadata-context`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContextSource {
    /// The event.
    #[default]
    Workflow,
    /// The checkout in the working directory.
    Git,
}

/// Every input of `publish`, valid. For `metadata`, which has few of them, the
/// others are as if the workflow had not given them.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// Whose inputs they are.
    pub part: Part,
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
    pub registry_auth: Vec<auth::Login>,
    /// `github-token`.
    pub github_token: Option<Secret>,
    /// `cache`.
    pub cache: CacheChoice,
    /// `cache-from`, as buildx takes them.
    pub cache_from: Vec<String>,
    /// `cache-to`, as buildx takes them.
    pub cache_to: Vec<String>,
    /// `builder`: the name of one; `auto` is as if it were empty.
    pub builder: Option<String>,
    /// What only a build has.
    pub build: BuildInputs,
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
    /// Turns strings into types. What is wrong comes back beside them, with a
    /// default in its place, so that the rest can be checked too.
    pub fn parse(raw: &RawInputs, host: &Host) -> (Self, Vec<InputProblem>) {
        let mut reader = Reader {
            raw,
            problems: Vec::new(),
        };
        let (metadata, references) = reader.metadata(host);
        let named = Self {
            part: raw.part(),
            metadata,
            references,
            annotation_levels_given: host
                .var(env_vars::DOCKER_METADATA_ANNOTATIONS_LEVELS)
                .is_some(),
            pr_head_sha: host
                .var(env_vars::DOCKER_METADATA_PR_HEAD_SHA)
                .unwrap_or_default()
                .to_owned(),
            metadata_context: reader.context_source(),
            github_token: reader.token("github-token"),
            ..Self::default()
        };
        if raw.part() == Part::Metadata {
            return (named, reader.problems);
        }
        let mut inputs = Self {
            context: reader.text("context"),
            file: reader.text("file"),
            target: reader.target(),
            platforms: reader.platforms(),
            platforms_given: raw.given("platforms").is_some(),
            build_args: reader.texts("build-args", Style::LINES),
            push: reader.push(),
            preflight: reader.preflight(),
            push_attempts: reader.push_attempts(),
            stall_timeout: reader.stall_timeout(),
            load: reader.boolean("load"),
            registry: reader.registry(),
            username: reader.user("username"),
            password: Secret::new(raw.get("password")),
            registry_auth: reader.registry_auth(),
            cache: reader.cache(),
            cache_from: reader.texts("cache-from", Style::LINES),
            cache_to: reader.texts("cache-to", Style::LINES),
            builder: reader.text("builder").filter(|name| name != "auto"),
            build: reader.build(host),
            bake: reader.bake(&named.references),
            own_builder: reader.builder(host),
            authorities: reader.authorities(host),
            ..named
        };
        if inputs.push == Push::Always {
            let outputs = inputs.build.outputs.into_iter();
            inputs.build.outputs = outputs.map(Output::with_push).collect();
        }
        reader.problems.extend(inputs.take_logins());
        inputs.attribute_secrets = inputs.attribute_secrets();
        (inputs, reader.problems)
    }

    /// Every secret, with the user that it is used with. `actor` is who the
    /// token and a password without a user stand for.
    pub fn secrets<'a>(
        &'a self,
        actor: &'a str,
    ) -> impl Iterator<Item = (&'a Secret, Option<&'a str>)> {
        let user = self.username.as_deref().unwrap_or(actor);
        let own = self.password.as_ref();
        let own = own.map(|secret| (secret, Some(user)));
        let token = self.github_token.as_ref();
        let token = token.map(|secret| (secret, Some(user)));
        let actors = self.github_token.as_ref();
        let token = token
            .into_iter()
            .chain(actors.map(|secret| (secret, Some(actor))));
        let others = self.registry_auth.iter().filter_map(|login| {
            let password = login.password.as_ref()?;
            Some((password, Some(login.username.as_str())))
        });
        let build = &self.build.secrets;
        let built = build.values.iter().map(|secret| &secret.value);
        let built = built.chain(&build.pieces).map(|secret| (secret, None));
        let nodes = self.own_builder.secrets();
        let within = self.logins.secrets.iter().chain(&self.attribute_secrets);
        let nodes = nodes.chain(within).map(|secret| (secret, None));
        let passwords = own.into_iter().chain(token).chain(others);
        passwords.chain(built).chain(nodes)
    }
}

impl Reader<'_> {
    fn platforms(&mut self) -> Vec<Platform> {
        const NAME: &str = "platforms";
        let mut platforms = Vec::new();
        let mut given = self.list(NAME, Grammar::Commas);
        if given.is_empty() {
            given = PLATFORMS.map(str::to_owned).to_vec();
        }
        for entry in given {
            match entry.parse::<Platform>() {
                Ok(platform) if platforms.contains(&platform) => {}
                Ok(platform) => platforms.push(platform),
                Err(refused) => {
                    let problem = InputProblem::new(NAME, entry, refused.why, refused.accepted);
                    self.problems.push(problem);
                }
            }
        }
        platforms
    }

    fn push(&mut self) -> Push {
        let values = [
            ("auto", Push::Auto),
            ("true", Push::Always),
            ("false", Push::Never),
        ];
        self.choice("push", "auto, true or false", &values, Push::Auto)
    }

    fn preflight(&mut self) -> Preflight {
        let values = [
            ("on", Preflight::On),
            ("true", Preflight::On),
            ("warn", Preflight::Warn),
            ("off", Preflight::Off),
            ("false", Preflight::Off),
            ("only", Preflight::Only),
        ];
        self.choice("preflight", "on, warn, off or only", &values, Preflight::On)
    }

    fn cache(&mut self) -> CacheChoice {
        let values = [
            ("auto", CacheChoice::Auto),
            ("registry", CacheChoice::Registry),
            ("local", CacheChoice::Local),
            ("none", CacheChoice::None),
        ];
        let accepted = "auto, registry, local or none";
        self.choice("cache", accepted, &values, CacheChoice::None)
    }

    fn context_source(&mut self) -> ContextSource {
        let values = [
            ("workflow", ContextSource::Workflow),
            ("git", ContextSource::Git),
        ];
        let name = self.raw.part().context_input();
        self.choice(name, "workflow or git", &values, ContextSource::Workflow)
    }

    fn push_attempts(&mut self) -> u32 {
        let raw = self.raw;
        let given = raw.get("push-attempts");
        match given.parse() {
            Ok(count @ 1..=10) => count,
            _ => {
                let accepted = "a whole number from 1 to 10";
                self.refuse("push-attempts", given, "is no such number", accepted);
                1
            }
        }
    }

    fn stall_timeout(&mut self) -> Option<Duration> {
        const NAME: &str = "stall-timeout";
        let raw = self.raw;
        let given = raw.get(NAME);
        let parsed = given.parse::<SignedDuration>().ok();
        match parsed.and_then(|duration| Duration::try_from(duration).ok()) {
            Some(duration) if duration >= Duration::from_secs(1) => Some(duration),
            _ if given == "0" => None,
            _ => {
                let accepted = "at least 1s, such as 90s, 10m or 1h; 0 waits without end";
                self.refuse(NAME, given, "is not a duration", accepted);
                None
            }
        }
    }

    fn target(&mut self) -> Option<String> {
        let target = self.text("target")?;
        if target.contains(|c: char| c.is_whitespace() || c == ',') {
            let why = "a build has one target";
            let accepted = "the name of one stage of the Dockerfile; one step for each target";
            self.problems
                .push(InputProblem::new("target", target, why, accepted));
            return None;
        }
        Some(target)
    }

    fn registry(&mut self) -> Option<Registry> {
        let text = self.text("registry")?;
        match Registry::parse(&text) {
            Ok(registry) => Some(registry),
            Err(refused) => {
                let problem = InputProblem::new("registry", text, refused.why, refused.accepted);
                self.problems.push(problem);
                None
            }
        }
    }

    fn registry_auth(&mut self) -> Vec<auth::Login> {
        let (logins, mut problems) = auth::parse(self.raw.get("registry-auth"));
        self.problems.append(&mut problems);
        logins
    }

    fn metadata(&mut self, host: &Host) -> (MetadataInputs, Vec<Reference>) {
        let text = |name| host.var(name).unwrap_or_default();
        let raw = RawMetadata {
            images: self.raw.get("images"),
            tags: self.raw.get("tags"),
            flavor: self.raw.get("flavor"),
            labels: self.raw.get("labels"),
            annotations: self.raw.get("annotations"),
            sep_tags: self.raw.get_untrimmed("sep-tags"),
            sep_labels: self.raw.get_untrimmed("sep-labels"),
            sep_annotations: self.raw.get_untrimmed("sep-annotations"),
            bake_target: self.raw.get("bake-target"),
            short_sha_length: text(env_vars::DOCKER_METADATA_SHORT_SHA_LENGTH),
            annotations_levels: text(env_vars::DOCKER_METADATA_ANNOTATIONS_LEVELS),
        };
        let read = match self.raw.part() {
            Part::Publish => MetadataInputs::with_references(&raw),
            Part::Metadata => MetadataInputs::parse(&raw).map(|inputs| (inputs, Vec::new())),
        };
        match read {
            Ok(read) => read,
            Err(mut problems) => {
                self.problems.append(&mut problems);
                // The names alone, for whatever else is to be checked.
                let images = RawMetadata {
                    images: raw.images,
                    ..RawMetadata::default()
                };
                let images = MetadataInputs::parse(&images).unwrap_or_default();
                (images, Vec::new())
            }
        }
    }

    /// A file, or certificates in PEM as they stand.
    fn authorities(&mut self, host: &Host) -> Authorities {
        let given = self.raw.get("ca-certificates");
        if given.is_empty() {
            return Authorities::default();
        }
        let read = if given.contains("-----BEGIN") {
            Ok(given.as_bytes().to_vec())
        } else {
            file::read(&host.path(given), file::SETTINGS).map_err(|error| error.to_string())
        };
        match read.and_then(|pem| Authorities::parse(&pem)) {
            Ok(authorities) => authorities,
            Err(why) => {
                let accepted = "certificates in PEM, or the path of a file with them";
                let value = given.lines().next().unwrap_or_default();
                let problem = InputProblem::new("ca-certificates", value, why, accepted);
                self.problems.push(problem);
                Authorities::default()
            }
        }
    }
}
