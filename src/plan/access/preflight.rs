//! Which registries are asked, before anything is built, if they will take
//! what the run is about to send them.

use std::fmt;

use serde::Serialize;

use crate::event::RunContext;
use crate::image::reference::repository;
use crate::image::{Access, ImageName};
use crate::input::CacheEntry;
use crate::input::{Inputs, Preflight};
use crate::plan::access::service_check::{self, ServiceCheck};
use crate::plan::cache::model::Cache;
use crate::plan::draft::model::ImageDraft;
use crate::plan::image::publication::Publication;
use crate::plan::lists::distinct;

/// The questions of a run, and what a refusal means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// The input `preflight`.
    pub mode: Preflight,
    /// What the run does when one is refused.
    pub on_refusal: OnRefusal,
    /// What is asked; empty when nothing is pushed or nothing is to be asked.
    pub checks: Vec<Check>,
    /// The cache services that are asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceCheck>,
}

impl Checks {
    /// No question.
    pub fn none() -> Self {
        Self {
            mode: Preflight::Off,
            on_refusal: OnRefusal::Stop,
            checks: Vec::new(),
            services: Vec::new(),
        }
    }

    /// True when nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.services.is_empty()
    }
}

/// What a run does when a registry refuses what it wants to push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRefusal {
    /// Stops before anything is built.
    Stop,
    /// Warns, and goes on.
    Warn,
    /// Builds and publishes nothing. A cache that is refused is left out.
    BuildOnly {
        /// Why a refusal is not a failure.
        why: String,
        /// What would let it publish.
        fix: String,
    },
}

impl OnRefusal {
    /// Dependabot's runs have a token that can only read, unless `permissions`
    /// raise it, and secrets of their own.
    fn decide(mode: Preflight, context: &RunContext) -> Self {
        if context.is_dependabot() {
            Self::BuildOnly {
                why: "Dependabot's runs have a token that can only read and secrets of their own"
                    .to_owned(),
                fix: "`permissions: packages: write` on the job raises the token; a password has \
                      to be among Dependabot's secrets"
                    .to_owned(),
            }
        } else if mode == Preflight::Warn {
            Self::Warn
        } else {
            Self::Stop
        }
    }
}

impl Checks {
    /// What a refusal leads to, where it does not stop the run.
    pub fn described_refusal(&self) -> Option<String> {
        match &self.on_refusal {
            _ if self.checks.is_empty() => None,
            OnRefusal::Stop => None,
            OnRefusal::Warn => Some("a warning (`preflight: warn`)".to_owned()),
            OnRefusal::BuildOnly { why, .. } => Some(format!("built, not published ({why})")),
        }
    }
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The repository that it is about.
    pub image: ImageName,
    /// What the run wants to do there.
    pub access: Access,
    /// The tag that is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The name as the workflow spelt it.
    pub given_as: String,
    /// True for a cache that nobody asked for by name: it is left out unless
    /// the registry allows it.
    #[serde(skip)]
    pub added: bool,
}

/// The questions of all images, each once.
pub fn decide(drafts: &[ImageDraft<'_>], mode: Preflight, context: &RunContext) -> Checks {
    let of_one = |draft: &ImageDraft<'_>| {
        let inputs = &draft.request.inputs;
        let (publication, cache) = (&draft.publication, &draft.cache);
        of_image(
            inputs,
            &draft.all_names,
            &draft.pushed_by_outputs(),
            publication,
            cache,
        )
    };
    let all: Vec<Check> = drafts.iter().flat_map(of_one).collect();
    Checks {
        mode,
        on_refusal: OnRefusal::decide(mode, context),
        checks: distinct(&all),
        services: service_check::checks(drafts, mode),
    }
}

fn of_image(
    inputs: &Inputs,
    names: &[ImageName],
    pushed_by_outputs: &[String],
    publication: &Publication,
    cache: &Cache,
) -> Vec<Check> {
    let mode = inputs.preflight;
    let mut checks = Vec::new();
    let may_send = publication.builds() && !publication.is_withheld();
    if mode != Preflight::Off && may_send {
        if publication.pushes_tags() {
            checks = pushes(inputs, names);
        }
        let mut more: Vec<Check> = pushed_apart(pushed_by_outputs).collect();
        more.retain(|more| checks.iter().all(|check| check.image != more.image));
        checks.append(&mut more);
        let is_registry = |entry: &CacheEntry| entry.reference().is_some();
        let writes = !cache.added && cache.to.iter().any(is_registry);
        if writes || !checks.is_empty() {
            add_caches(&mut checks, cache);
        }
    }
    if mode != Preflight::Off && cache.added {
        checks.extend(added(cache));
    }
    checks
}

/// The repositories that an image is pushed to, and those of its caches.
pub fn repositories(draft: &ImageDraft<'_>) -> Vec<ImageName> {
    let publication = &draft.publication;
    let mut names = Vec::new();
    if publication.builds() && !publication.is_withheld() {
        if publication.pushes_tags() {
            names.extend(draft.all_names.iter().cloned());
        }
        names.extend(pushed_apart(&draft.pushed_by_outputs()).map(|check| check.image));
    }
    let caches = caches(&draft.cache).filter_map(|(entry, _)| repository(&entry));
    names.extend(caches.map(|(name, _)| name));
    names
}

/// A question for each image that is pushed under its tags.
fn pushes(inputs: &Inputs, names: &[ImageName]) -> Vec<Check> {
    let given: Vec<&str> = inputs.metadata.enabled_images().collect();
    let spelt = |name: &ImageName| {
        let same = |text: &&&str| ImageName::parse(text).as_ref() == Ok(name);
        given
            .iter()
            .find(same)
            .map_or_else(|| name.to_string(), |text| (*text).to_owned())
    };
    let check = |name: &ImageName| Check {
        image: name.clone(),
        access: Access::Push,
        tag: None,
        given_as: spelt(name),
        added: false,
    };
    names.iter().map(check).collect()
}

/// A question for each repository of a cache that is given.
fn add_caches(checks: &mut Vec<Check>, cache: &Cache) {
    for (entry, written) in caches(cache).filter(|_| !cache.added) {
        let Some((image, tag)) = repository(&entry) else {
            continue;
        };
        // Whoever may push may read, and is asked once.
        if checks
            .iter()
            .any(|check| check.image == image && check.access.writes())
        {
            continue;
        }
        let (access, tag) = if written {
            (Access::CacheWrite, None)
        } else {
            (Access::CacheRead, Some(tag))
        };
        checks.push(Check {
            image,
            access,
            tag,
            given_as: entry,
            added: false,
        });
    }
}

/// A question for each tag of a cache of ours. BuildKit would wait for one that
/// does not answer.
fn added(cache: &Cache) -> impl Iterator<Item = Check> {
    let references = cache.from.iter().filter_map(CacheEntry::reference);
    references.filter_map(|reference| {
        let (image, tag) = repository(reference)?;
        Some(Check {
            image,
            access: Access::CacheRead,
            tag: Some(tag),
            given_as: reference.to_owned(),
            added: true,
        })
    })
}

/// A question for each image that is pushed under no tag of ours.
fn pushed_apart(pushed_by_outputs: &[String]) -> impl Iterator<Item = Check> {
    pushed_by_outputs.iter().filter_map(|reference| {
        let (image, _) = repository(reference)?;
        Some(Check {
            image,
            access: Access::Push,
            tag: None,
            given_as: reference.clone(),
            added: false,
        })
    })
}

/// The references of registry caches, first those that are written to.
fn caches(cache: &Cache) -> impl Iterator<Item = (String, bool)> {
    let written = cache.to.iter().map(|entry| (entry, true));
    let read = cache.from.iter().map(|entry| (entry, false));
    written
        .chain(read)
        .filter_map(|(entry, written)| Some((entry.reference()?.to_owned(), written)))
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.access {
            Access::Push => "push",
            Access::CacheWrite => "cache export",
            Access::CacheRead => "cache import",
            Access::Base => "pull",
        };
        write!(f, "{} ({what})", self.image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::findings::Findings;
    use crate::plan::image::output_names::OutputNames;
    use crate::plan::image::publication::Destination;

    fn publication(push: bool) -> Publication {
        Publication {
            destination: if push {
                Destination::Registry
            } else {
                Destination::Local
            },
            load: false,
            reason: String::new(),
            notice: None,
        }
    }

    fn checks(inputs: &Inputs, push: bool) -> Vec<String> {
        let names = [ImageName::parse("ghcr.io/acme/app").unwrap()];
        let publication = publication(push);
        let pushed_by_outputs = OutputNames::of(inputs, &mut Findings::default()).pushed_by_outputs;
        let cache = Cache::given(inputs);
        let checks = of_image(inputs, &names, &pushed_by_outputs, &publication, &cache);
        checks.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn images_and_caches_are_asked_for_once_each() {
        let list = |entries: &[&str]| {
            entries
                .iter()
                .map(|entry| CacheEntry::from(*entry))
                .collect()
        };
        let inputs = Inputs {
            cache_to: list(&[
                "type=registry,ref=ghcr.io/Acme/cache:a,mode=max",
                "type=gha",
            ]),
            cache_from: list(&[
                "ghcr.io/acme/app:main",
                "type=registry,ref=ghcr.io/acme/cache",
                "type=registry,\"ref=127.0.0.1:5000/c:x\"",
                "type=local,src=/x",
            ]),
            ..Inputs::default()
        };
        assert_eq!(
            checks(&inputs, true),
            [
                "ghcr.io/acme/app (push)",
                "ghcr.io/acme/cache (cache export)",
                "127.0.0.1:5000/c (cache import)",
            ]
        );
        assert_eq!(
            checks(&inputs, false),
            [
                "ghcr.io/acme/cache (cache export)",
                "ghcr.io/acme/app (cache import)",
                "127.0.0.1:5000/c (cache import)",
            ]
        );
        let off = Inputs {
            preflight: Preflight::Off,
            ..inputs
        };
        assert_eq!(checks(&off, true), Vec::<String>::new());
    }

    #[test]
    fn what_outputs_push_is_asked_for_and_a_build_alone_asks_nothing() {
        let inputs = crate::plan::testing::inputs(&[
            (
                "outputs",
                "type=image,name=quay.io/a/b:1,push=true\ntype=registry,name=quay.io/c/d",
            ),
            ("cache-from", "quay.io/a/cache"),
        ]);
        assert_eq!(
            checks(&inputs, false),
            [
                "quay.io/a/b (push)",
                "quay.io/c/d (push)",
                "quay.io/a/cache (cache import)",
            ]
        );
        let reads = crate::plan::testing::inputs(&[("cache-from", "quay.io/a/cache")]);
        assert_eq!(checks(&reads, false), Vec::<String>::new());
    }

    #[test]
    fn a_cache_of_ours_is_asked_for_by_tag_also_where_nothing_is_pushed() {
        let reference = "ghcr.io/acme/app:buildcache";
        let cache = Cache {
            from: vec![format!("type=registry,ref={reference}").into()],
            to: vec![format!("type=registry,ref={reference},mode=max").into()],
            added: true,
            ..Cache::default()
        };
        let names = [ImageName::parse("ghcr.io/acme/app").unwrap()];
        for push in [true, false] {
            let publication = publication(push);
            let checks = of_image(&Inputs::default(), &names, &[], &publication, &cache);
            let added: Vec<_> = checks.iter().filter(|check| check.added).collect();
            assert_eq!(added.len(), 1);
            assert_eq!(added[0].given_as, reference);
            assert_eq!(added[0].access, Access::CacheRead);
            assert_eq!(added[0].tag.as_deref(), Some("buildcache"));
            assert_eq!(checks.len(), 1 + usize::from(push));
        }
    }
}
