//! Where the build cache is read from and written to.
//!
//! Owns [`Cache`], the one list of entries that arguments, builder, login and
//! preflight go by: those of `cache-from` and `cache-to` as they are given, or
//! else those that `cache` stands for. These can cost a run some time, never its
//! success. <https://docs.docker.com/build/cache/backends/>

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::local_cache::LocalCache;
use super::scope::Scope;
use super::{Builder, BuilderChoice, Publication, builder};
use crate::event::RunContext;
use crate::facts::{Engine, Facts};
use crate::image::{ImageName, Platform};
use crate::input::{CacheChoice, Inputs};

/// The folder of local caches, in the one that the runner keeps.
const FOLDER: &str = "stevedore-cache";
/// How long GitHub's cache service may take for one import or export.
const TIMEOUT: &str = "2m";

/// The caches of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// What is read, as buildx takes it.
    pub from: Vec<String>,
    /// What is written, as buildx takes it.
    pub to: Vec<String>,
    /// True when no workflow has given these entries.
    #[serde(skip)]
    pub added: bool,
    /// The folders, where it is kept in such.
    #[serde(skip)]
    pub local: Option<LocalCache>,
    /// Where it is kept, in a few words.
    pub place: String,
    /// Why.
    pub reason: String,
}

impl Cache {
    /// The entries as the workflow gives them.
    pub(super) fn given(inputs: &Inputs) -> Self {
        Self {
            from: inputs.cache_from.clone(),
            to: inputs.cache_to.clone(),
            place: "as given".to_owned(),
            reason: "`cache-from` and `cache-to`".to_owned(),
            ..Self::default()
        }
    }

    fn none(reason: impl Into<String>) -> Self {
        Self {
            place: "in the builder alone".to_owned(),
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Every entry.
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.from.iter().chain(&self.to).map(String::as_str)
    }

    /// The folder that the run keeps its own caches in.
    pub fn own_folder(&self) -> Option<PathBuf> {
        self.local.as_ref().map(|local| local.own.clone())
    }

    /// Where, and why, for a table.
    pub(super) fn described(&self) -> String {
        format!("{}: {}", self.place, self.reason)
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cache {}", self.described())
    }
}

/// What the decision is about.
pub(super) struct Question<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) facts: &'a Facts,
    pub(super) names: &'a [ImageName],
    pub(super) platforms: &'a [Platform],
    pub(super) publication: &'a Publication,
}

impl Question<'_> {
    pub(super) fn decide(&self) -> Cache {
        let Self { inputs, facts, .. } = self;
        if !inputs.cache_from.is_empty() || !inputs.cache_to.is_empty() {
            return Cache::given(inputs);
        }
        if !self.publication.build {
            return Cache::none("`call` makes nothing");
        }
        let has_several_nodes = !inputs.own_builder.append.is_empty();
        match inputs.cache {
            CacheChoice::None => Cache::none("`cache: none`"),
            _ if has_several_nodes => {
                Cache::none("each of several nodes would overwrite what another has written")
            }
            CacheChoice::Auto if !facts.cache.is_hosted => {
                Cache::none("this is no runner of GitHub's, so what is in the builder may last")
            }
            CacheChoice::Auto if !facts.cache.has_service => {
                Cache::none("this step was given no cache service")
            }
            CacheChoice::Auto => match self.classic_engine() {
                Some(reason) => Cache::none(reason),
                None => self.service(),
            },
            CacheChoice::Registry => self.registry(),
            CacheChoice::Local => self.local(),
        }
    }

    /// Why the engine that builds cannot write a cache. A builder is not made
    /// for a cache that nobody has asked for.
    fn classic_engine(&self) -> Option<String> {
        let alone = builder::decide(
            self.inputs,
            self.facts,
            self.platforms,
            self.publication,
            &Cache::default(),
        );
        let is_engine = matches!(
            alone,
            Ok(Builder {
                choice: BuilderChoice::Engine,
                ..
            })
        );
        match &self.facts.engine {
            Engine::Running {
                version,
                containerd_store: false,
            } if is_engine => Some(format!(
                "Docker Engine {version} with the classic image store writes none; \
                 `driver: docker-container` does"
            )),
            _ => None,
        }
    }

    /// GitHub itself keeps the caches of branches apart, and shows each branch
    /// those of the default one.
    fn service(&self) -> Cache {
        let scope = self.scope().of_default_branch().name();
        let event = self.context().event_name.as_str();
        // Its caches are the default branch's, and its code is somebody's.
        let foreign = (event == "pull_request_target").then_some("a pull request's code");
        self.finish(
            format!("in GitHub's cache service, scope {scope}"),
            "this is a runner of GitHub's",
            &[format!("type=gha,scope={scope},timeout={TIMEOUT}")],
            format!("type=gha,scope={scope},mode=max,ignore-error=true,timeout={TIMEOUT}"),
            foreign,
        )
    }

    fn registry(&self) -> Cache {
        let Some(name) = self.names.first() else {
            return Cache::none("`cache: registry`, and there is no image to keep it beside");
        };
        let scope = self.scope();
        let reference = |scope: &Scope| format!("{name}:{}", scope.tag());
        let entry = |scope| format!("type=registry,ref={}", reference(scope));
        let from = [entry(&scope), entry(&scope.of_default_branch())];
        let written = reference(&scope);
        let unpushed = (!self.publication.push).then_some("nothing is pushed");
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
            format!("in {}", local.seen(written).display()),
            "`cache: local`",
            &names.each_ref().map(|name| local.entry_from(name)),
            format!("{},mode=max,ignore-error=true", local.entry_to(written)),
            self.is_pull_request().then_some("a pull request's code"),
        );
        local.written = (!cache.to.is_empty()).then(|| written.clone());
        if !cache.from.is_empty() {
            local.read = super::distinct(&names);
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
        let is_tag = self.context().git_ref.starts_with("refs/tags/");
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
        let mut from = match unread {
            Some(_) => Vec::new(),
            None => from.to_vec(),
        };
        from.dedup();
        Cache {
            from,
            to: unwritten.is_none().then_some(to).into_iter().collect(),
            added: true,
            local: None,
            place,
            reason,
        }
    }

    fn context(&self) -> &RunContext {
        &self.facts.event.context
    }

    fn is_pull_request(&self) -> bool {
        self.context().is_pull_request()
    }

    fn default_branch(&self) -> Option<&str> {
        let repository = &self.facts.event.metadata.repository;
        repository.default_branch.as_deref()
    }

    /// The branch whose cache this run's is, when it is not the default one: of
    /// a pull request the one that it is for.
    fn branch(&self) -> Option<&str> {
        let context = self.context();
        let branch = match self.is_pull_request() {
            true => context.payload.text(&["pull_request", "base", "ref"]),
            false => context.git_ref.strip_prefix("refs/heads/"),
        };
        branch.filter(|branch| Some(*branch) != self.default_branch())
    }

    fn scope(&self) -> Scope {
        let image = self.names.first().map(ToString::to_string);
        Scope {
            image: image.unwrap_or_else(|| self.context().repository.to_lowercase()),
            target: self.inputs.target.clone(),
            platforms: self.platforms.to_vec(),
            branch: self.branch().map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{engine, facts, inputs, publication};
    use super::*;
    use crate::event::Payload;

    struct Case<'a> {
        event: &'a str,
        git_ref: &'a str,
        given: &'a [(&'a str, &'a str)],
        mode: &'a str,
        classic: bool,
        hosted: bool,
    }

    const PUSH: Case<'_> = Case {
        event: "push",
        git_ref: "refs/heads/main",
        given: &[],
        mode: "",
        classic: false,
        hosted: true,
    };

    fn decided(case: &Case<'_>) -> Cache {
        let inputs = inputs(case.given);
        let mut facts = facts(&inputs, "FROM scratch\n");
        facts.engine = engine(!case.classic);
        facts.cache.is_hosted = case.hosted;
        facts.cache.has_service = true;
        facts.cache.mode = case.mode.to_owned();
        facts.cache.kept = Some("/tools".into());
        facts.event.metadata.repository.default_branch = Some("main".to_owned());
        facts.event.context = RunContext {
            event_name: case.event.to_owned(),
            git_ref: case.git_ref.to_owned(),
            repository: "Acme/App".to_owned(),
            payload: Payload::new(json!({"pull_request": {"base": {"ref": "next"}}})),
            ..RunContext::default()
        };
        let publication = publication(&inputs, &facts);
        let question = Question {
            inputs: &inputs,
            facts: &facts,
            names: &[ImageName::parse("ghcr.io/acme/app").unwrap()],
            platforms: &inputs.platforms,
            publication: &publication,
        };
        question.decide()
    }

    fn counts(cache: &Cache) -> (usize, usize) {
        (cache.from.len(), cache.to.len())
    }

    #[test]
    fn auto_is_the_service_of_a_hosted_runner() {
        let cache = decided(&PUSH);
        let scope = "ghcr-io-acme-app-linux-amd64-linux-arm64-";
        assert!(cache.from[0].starts_with(&format!("type=gha,scope={scope}")));
        assert!(cache.from[0].ends_with(",timeout=2m"), "{:?}", cache.from);
        assert!(cache.to[0].contains(",mode=max,ignore-error=true,timeout=2m"));
        assert!(cache.added);
        let elsewhere = Case {
            hosted: false,
            ..PUSH
        };
        assert_eq!(counts(&decided(&elsewhere)), (0, 0));
    }

    #[test]
    fn auto_makes_no_builder_and_what_is_asked_for_does() {
        let one = ("platforms", "linux/amd64");
        let classic = Case {
            classic: true,
            given: &[one],
            ..PUSH
        };
        let cache = decided(&classic);
        assert_eq!(counts(&cache), (0, 0));
        assert!(cache.to_string().contains("classic image store"), "{cache}");
        for given in [
            vec![],
            vec![one, ("driver", "docker-container")],
            vec![one, ("cache", "registry")],
        ] {
            let case = Case {
                given: &given,
                ..classic
            };
            assert_eq!(counts(&decided(&case)).1, 1, "{given:?}");
        }
    }

    #[test]
    fn what_is_given_wins() {
        let given = [("cache-from", "type=gha"), ("cache", "registry")];
        let cache = decided(&Case {
            given: &given,
            ..PUSH
        });
        assert_eq!(cache.from, ["type=gha"]);
        assert!(cache.to.is_empty() && !cache.added);
    }

    #[test]
    fn the_run_decides_what_is_written_and_the_mode_what_is_allowed() {
        let tag = ("push", "refs/tags/v1");
        let request = ("pull_request", "refs/pull/2/merge");
        let target = ("pull_request_target", "refs/heads/next");
        let main = ("push", "refs/heads/main");
        for (kind, (event, git_ref), mode, expected) in [
            ("auto", main, "", (1, 1)),
            ("auto", main, "read", (1, 0)),
            ("auto", main, "write-only", (0, 1)),
            ("auto", main, "none", (0, 0)),
            ("auto", tag, "", (1, 0)),
            ("auto", request, "", (1, 1)),
            ("auto", target, "", (1, 0)),
            ("registry", tag, "", (1, 0)),
            ("registry", request, "", (2, 0)),
            ("local", main, "", (1, 1)),
            ("local", ("push", "refs/heads/x"), "", (2, 1)),
            ("local", request, "", (2, 0)),
            ("none", main, "", (0, 0)),
        ] {
            let cache = decided(&Case {
                event,
                git_ref,
                mode,
                given: &[("cache", kind)],
                ..PUSH
            });
            assert_eq!(counts(&cache), expected, "{kind} {event} {git_ref} {mode}");
            let written = cache.local.and_then(|local| local.written);
            assert_eq!(written.is_some(), kind == "local" && expected.1 == 1);
        }
    }

    #[test]
    fn a_branch_reads_its_own_cache_and_the_default_branch_s() {
        let decided = |git_ref| {
            decided(&Case {
                given: &[("cache", "registry")],
                git_ref,
                ..PUSH
            })
        };
        let of_main = "type=registry,ref=ghcr.io/acme/app:buildcache";
        let main = decided("refs/heads/main");
        assert_eq!(main.from, [of_main]);
        assert!(main.to[0].starts_with(&format!("{of_main},mode=max,")));
        assert!(main.to[0].ends_with(",ignore-error=true"));
        let branch = decided("refs/heads/x");
        assert_eq!(branch.from.len(), 2);
        assert!(branch.from[0].starts_with(&format!("{of_main}-x-")));
        assert_eq!(branch.from[1], of_main);
        assert!(branch.to[0].starts_with(&format!("{},", branch.from[0])));
    }

    #[test]
    fn a_step_that_is_an_image_has_no_folder_that_stays() {
        let inputs = inputs(&[("cache", "local")]);
        let mut facts = facts(&inputs, "FROM scratch\n");
        let publication = publication(&inputs, &facts);
        facts.paths.mounts = Some(vec!["/github/workspace".into()]);
        for (kept, why) in [
            (Some("/opt/tools".into()), "this step, which is an image"),
            (None, "RUNNER_TOOL_CACHE"),
        ] {
            facts.cache.kept = kept;
            let question = Question {
                inputs: &inputs,
                facts: &facts,
                names: &[],
                platforms: &inputs.platforms,
                publication: &publication,
            };
            let cache = question.decide();
            assert_eq!(counts(&cache), (0, 0));
            assert!(cache.to_string().contains(why), "{cache}");
        }
    }
}
