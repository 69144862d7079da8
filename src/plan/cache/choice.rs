//! Where the build cache is read from and written to.
//!
//! Makes the one list of entries ([`Cache`]) that arguments, builder, login and
//! preflight go by: those of `cache-from` and `cache-to` as they are given, or
//! else those that `cache` stands for. These can cost a run some time, never its
//! success. <https://docs.docker.com/build/cache/backends/>

use crate::event::RunContext;
use crate::facts::{Engine, Facts};
use crate::image::{ImageName, Platform};
use crate::input::CacheEntry;
use crate::input::build::output::has_docker_exporter;
use crate::input::builder::Driver;
use crate::input::{CacheChoice, Inputs};
use crate::plan::cache::local::LocalCache;
use crate::plan::cache::model::Cache;
use crate::plan::cache::scope::CacheScope;
use crate::plan::cache::service;
use crate::plan::findings::{Level, Notice};
use crate::plan::image::publication::Publication;

/// The folder of local caches, in the one that the runner keeps.
const FOLDER: &str = "stevedore-cache";
/// How long GitHub's cache service may take for one import or export.
const TIMEOUT: &str = "2m";

/// What the decision is about.
pub struct CacheRequest<'a> {
    pub inputs: &'a Inputs,
    pub facts: &'a Facts,
    /// The event itself, whatever tags are made from: by its ref GitHub's cache service
    /// decides what a run may read.
    pub context: &'a RunContext,
    pub names: &'a [ImageName],
    pub platforms: &'a [Platform],
    pub publication: &'a Publication,
    /// True when the engine would build it by itself, caches aside.
    pub is_engine: bool,
    /// True when the build runs a command.
    pub has_run: bool,
}

impl CacheRequest<'_> {
    pub fn decide(&self) -> Cache {
        let mut cache = self.choose();
        let Some(flaw) = service::without_unusable(&mut cache, &self.facts.cache) else {
            return cache;
        };
        if cache.added {
            cache = Cache::none(format!("the cache service cannot be used: {flaw}"));
        } else {
            cache.reason += &format!("; without type=gha: {flaw}");
        }
        cache.notice = Some(Notice {
            level: Level::Warning,
            title: "Cache".to_owned(),
            message: format!(
                "the build cache of type gha is left out, and the image is not at fault: {flaw}. \
                 A cache in a registry needs no such token: `cache: registry`"
            ),
        });
        cache
    }

    fn choose(&self) -> Cache {
        let Self { inputs, facts, .. } = self;
        if !inputs.cache_from.is_empty() || !inputs.cache_to.is_empty() {
            return Cache::given(inputs);
        }
        if !self.publication.builds() {
            return Cache::none("`call` makes nothing");
        }
        let has_several_nodes = !inputs.own_builder.append.is_empty();
        match inputs.cache {
            CacheChoice::None => Cache::none("`cache: none`"),
            _ if has_several_nodes => {
                Cache::none("each of several nodes would overwrite what another has written")
            }
            CacheChoice::Auto if !facts.cache.is_hosted => Cache::none(
                "this runner is not one of GitHub's, so what is in the builder may last",
            ),
            CacheChoice::Auto if !facts.cache.has_service() => {
                Cache::none("this step was given no cache service")
            }
            CacheChoice::Auto => self.service(),
            CacheChoice::Registry => self.registry(),
            CacheChoice::Local => self.local(),
        }
    }

    /// GitHub itself keeps the caches of branches apart, and shows each branch
    /// those of the default one.
    fn service(&self) -> Cache {
        let scope = self.scope().of_default_branch().name();
        let event = self.context.event_name.as_str();
        // Its caches are the default branch's, and its code is somebody's.
        let foreign = (event == "pull_request_target").then_some("a pull request's code");
        let mut cache = self.finish(
            format!("in GitHub's cache service, scope {scope}"),
            "this is a runner of GitHub's",
            &[format!("type=gha,scope={scope},timeout={TIMEOUT}")],
            format!("type=gha,scope={scope},mode=max,ignore-error=true,timeout={TIMEOUT}"),
            foreign,
        );
        match self.classic_engine() {
            Some(version) if cache.entries().next().is_some() => {
                if let Some(why) = self.builds_without_builder() {
                    return Cache::none(format!(
                        "Docker Engine {version} with the classic image store writes none, and \
                         {why}; `driver: docker-container` makes a builder that does"
                    ));
                }
                cache.reason += "; there is a RUN to cache, so a builder is made";
                cache
            }
            _ => cache,
        }
    }

    /// The version of the engine that builds all but the cache by itself, where
    /// its image store is the classic one.
    fn classic_engine(&self) -> Option<&str> {
        match &self.facts.engine {
            Engine::Running {
                version,
                containerd_store: false,
            } if self.is_engine => Some(version),
            _ => None,
        }
    }

    /// Why no builder is made for the cache alone, where the engine's own can
    /// build.
    fn builds_without_builder(&self) -> Option<&'static str> {
        let Self {
            inputs,
            publication,
            ..
        } = self;
        let is_pushed = publication.pushes() && !publication.is_withheld();
        if inputs.own_builder.driver == Some(Driver::Docker) {
            Some("`driver: docker` makes no builder")
        } else if publication.load || has_docker_exporter(&inputs.build.outputs) {
            Some("the image is for the engine")
        } else if !is_pushed {
            Some("nothing is pushed")
        } else if !self.has_run {
            Some("there is no RUN to cache")
        } else {
            None
        }
    }

    fn registry(&self) -> Cache {
        let Some(name) = self.names.first() else {
            return Cache::none("`cache: registry`, and there is no image to keep it beside");
        };
        let scope = self.scope();
        let reference = |scope: &CacheScope| format!("{name}:{}", scope.tag());
        let entry = |scope| format!("type=registry,ref={}", reference(scope));
        let from = [entry(&scope), entry(&scope.of_default_branch())];
        let written = reference(&scope);
        let unpushed = (!self.publication.pushes_tags()).then_some("nothing is pushed");
        self.finish(
            format!("at {written}"),
            "`cache: registry`",
            &from,
            format!(
                "type=registry,ref={written},mode=max,image-manifest=true,\
                 oci-mediatypes=true,ignore-error=true"
            ),
            self.is_pull_request()
                .then_some("a pull request's code")
                .or(unpushed),
        )
    }

    fn local(&self) -> Cache {
        let Some(kept) = &self.facts.cache.kept else {
            return Cache::none("`cache: local`, and RUNNER_TOOL_CACHE names no folder");
        };
        if !self.facts.paths.reaches(&kept.to_string_lossy()) {
            return Cache::none(
                "`cache: local`, and this step, which is an image, sees no folder that the \
                 runner keeps",
            );
        }
        let scope = self.scope();
        let names = [scope.name(), scope.of_default_branch().name()];
        let mut local = LocalCache::of(kept.join(FOLDER), &self.facts.builder.unique_name);
        let [written, _] = &names;
        let mut cache = self.finish(
            format!("in {}", local.shared_path(written).display()),
            "`cache: local`",
            &names.each_ref().map(|name| local.entry_from(name)),
            format!("{},mode=max,ignore-error=true", local.entry_to(written)),
            self.is_pull_request().then_some("a pull request's code"),
        );
        local.written = (!cache.to.is_empty()).then(|| written.clone());
        if !cache.from.is_empty() {
            local.read = crate::plan::lists::distinct(&names);
        }
        cache.local = Some(local);
        cache
    }

    /// The entries that may be used. `foreign` says why nothing is written that
    /// others read.
    fn finish(
        &self,
        place: String,
        reason: &str,
        from: &[String],
        to: String,
        foreign: Option<&str>,
    ) -> Cache {
        let facts = &self.facts.cache;
        let unread = match () {
            () if self.inputs.build.no_cache => Some("`no-cache`"),
            () if !facts.may_read() => Some("ACTIONS_CACHE_MODE"),
            () => None,
        };
        let is_tag = self.context.git_ref.starts_with("refs/tags/");
        let unwritten = match () {
            () if !facts.may_write() => Some("ACTIONS_CACHE_MODE"),
            () if is_tag => Some("a tag's cache would be read by nobody"),
            () => foreign,
        };
        let mut reason = reason.to_owned();
        for (what, why) in [("read", unread), ("written", unwritten)] {
            if let Some(why) = why {
                reason = format!("{reason}; not {what}: {why}");
            }
        }
        let mut from = from.to_vec();
        from.dedup();
        from.retain(|_| unread.is_none());
        Cache {
            from: from.into_iter().map(CacheEntry::from).collect(),
            to: unwritten
                .is_none()
                .then(|| CacheEntry::from(to))
                .into_iter()
                .collect(),
            added: true,
            place,
            reason,
            ..Cache::default()
        }
    }

    fn is_pull_request(&self) -> bool {
        self.context.is_pull_request()
    }

    fn default_branch(&self) -> Option<&str> {
        let repository = &self.facts.event.metadata.repository;
        repository.default_branch.as_deref()
    }

    /// The branch whose cache this run's is, when it is not the default one: of
    /// a pull request the one that it is for.
    fn branch(&self) -> Option<&str> {
        let context = self.context;
        let branch = if self.is_pull_request() {
            context.payload.base_branch()
        } else {
            context.git_ref.strip_prefix("refs/heads/")
        };
        branch.filter(|branch| Some(*branch) != self.default_branch())
    }

    fn scope(&self) -> CacheScope {
        let image = self.names.first().map(ToString::to_string);
        CacheScope {
            image: image.unwrap_or_else(|| self.context.repository.to_lowercase()),
            target: self.inputs.target.clone(),
            platforms: self.platforms.to_vec(),
            branch: self.branch().map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests;
