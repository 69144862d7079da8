//! Turns the strings of a step into [`Inputs`].

use crate::input::cache_entry::CacheEntry;
use crate::input::grammar::platform;
use std::time::Duration;

use jiff::SignedDuration;

use crate::env_vars;
use crate::error::InputProblem;
use crate::host::{Host, file};
use crate::http::Authorities;
use crate::image::{Platform, Registry};
use crate::input::build::output::Output;
use crate::input::choices::{
    CacheChoice, ContextSource, MovingTags, Preflight, Push, TestPlatforms, VersionTags,
};
use crate::input::grammar::list::{Grammar, Style};
use crate::input::inputs::{Inputs, PLATFORMS};
use crate::input::matrix::Runners;
use crate::input::metadata::full_reference::Reference;
use crate::input::metadata::inputs::{MetadataInputs, RawMetadata};
use crate::input::raw::RawInputs;
use crate::input::reader::Reader;
use crate::input::registry_auth;
use crate::input::size_limit::SizeLimit;
use crate::input::spec::ActionKind;
use crate::secret::Secret;

impl Inputs {
    /// Turns strings into types. What is wrong comes back beside them, with a
    /// default in its place, so that the rest can be checked too.
    pub fn parse(raw: &RawInputs, host: &Host) -> (Self, Vec<InputProblem>) {
        let mut reader = Reader {
            raw,
            problems: Vec::new(),
        };
        if raw.part() == ActionKind::Merge {
            return reader.of_merge(host);
        }
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
        if raw.part() == ActionKind::Metadata {
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
            test: reader.text("test"),
            test_platforms: reader.test_platforms(),
            all_or_none: reader.boolean("all-or-none"),
            size_limit: reader.size_limit(),
            strict_secrets: reader.boolean("strict-secrets"),
            version_tags: reader.version_tags(),
            moving_tags: reader.moving_tags(),
            push_attempts: reader.push_attempts(),
            stall_timeout: reader.stall_timeout(),
            load: reader.boolean("load"),
            registry: reader.registry(),
            username: reader.user("username"),
            password: Secret::new(raw.get("password")),
            registry_auth: reader.registry_auth(),
            cache: reader.cache(),
            cache_from: reader.caches("cache-from"),
            cache_to: reader.caches("cache-to"),
            builder: reader.text("builder").filter(|name| name != "auto"),
            build: reader.build(host),
            bake: reader.bake(&named.references),
            own_builder: reader.builder(host),
            authorities: reader.authorities(host),
            leg: reader.leg(),
            runners: reader.runners(),
            ..named
        };
        if inputs.push == Push::Always {
            let outputs = inputs.build.outputs.into_iter();
            inputs.build.outputs = outputs.map(Output::with_push).collect();
        }
        inputs.take_leg();
        reader.problems.extend(inputs.take_logins());
        inputs.attribute_secrets = inputs.attribute_secrets();
        (inputs, reader.problems)
    }
}

impl Reader<'_> {
    /// What a merge has: names and platforms are in its plan.
    fn of_merge(mut self, host: &Host) -> (Inputs, Vec<InputProblem>) {
        let inputs = Inputs {
            part: ActionKind::Merge,
            github_token: self.token("github-token"),
            push_attempts: self.push_attempts(),
            stall_timeout: self.stall_timeout(),
            registry: self.registry(),
            username: self.user("username"),
            password: Secret::new(self.raw.get("password")),
            registry_auth: self.registry_auth(),
            authorities: self.authorities(host),
            merge: self.merge(),
            preflight: Preflight::Off,
            ..Inputs::default()
        };
        (inputs, self.problems)
    }

    fn size_limit(&mut self) -> SizeLimit {
        let text = self.raw.get_untrimmed("size-limit");
        let (limit, mut problems) = SizeLimit::parse(text);
        self.problems.append(&mut problems);
        limit
    }

    fn runners(&mut self) -> Runners {
        let (runners, mut problems) = Runners::parse(self.raw.get_untrimmed("runners"));
        self.problems.append(&mut problems);
        runners
    }

    fn platforms(&mut self) -> Vec<Platform> {
        const NAME: &str = "platforms";
        let mut platforms = Vec::new();
        let mut given = self.list(NAME, Grammar::Commas);
        if given.is_empty() {
            given = PLATFORMS.map(str::to_owned).to_vec();
        }
        for entry in given {
            match platform::parse(NAME, &entry) {
                Ok(platform) if platforms.contains(&platform) => {}
                Ok(platform) => platforms.push(platform),
                Err(problem) => self.problems.push(problem),
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

    fn caches(&mut self, name: &'static str) -> Vec<CacheEntry> {
        let entries = self.texts(name, Style::LINES);
        entries.into_iter().map(CacheEntry::from).collect()
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

    fn test_platforms(&mut self) -> TestPlatforms {
        let values = [
            ("native", TestPlatforms::Native),
            ("all", TestPlatforms::All),
        ];
        self.choice(
            "test-platforms",
            "native or all",
            &values,
            TestPlatforms::Native,
        )
    }

    fn version_tags(&mut self) -> VersionTags {
        let values = [
            ("overwrite", VersionTags::Overwrite),
            ("once", VersionTags::Once),
        ];
        let accepted = "overwrite or once";
        self.choice("version-tags", accepted, &values, VersionTags::Overwrite)
    }

    fn moving_tags(&mut self) -> MovingTags {
        let values = [
            ("forward", MovingTags::Forward),
            ("always", MovingTags::Always),
        ];
        self.choice(
            "moving-tags",
            "forward or always",
            &values,
            MovingTags::Forward,
        )
    }

    fn push_attempts(&mut self) -> u32 {
        let raw = self.raw;
        let given = raw.get("push-attempts");
        match given.parse() {
            Ok(count @ 1..=10) => count,
            _ => {
                let accepted = "a whole number from 1 to 10";
                self.refuse(
                    "push-attempts",
                    given,
                    "is not a number from 1 to 10",
                    accepted,
                );
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

    fn registry_auth(&mut self) -> Vec<registry_auth::Login> {
        let (logins, mut problems) = registry_auth::parse(self.raw.get("registry-auth"));
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
            ActionKind::Publish | ActionKind::Plan => MetadataInputs::with_references(&raw),
            ActionKind::Metadata | ActionKind::Merge => {
                MetadataInputs::parse(&raw).map(|inputs| (inputs, Vec::new()))
            }
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
