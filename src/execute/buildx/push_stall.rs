//! Ends a push to a registry that has stopped answering.
//!
//! BuildKit's progress does not show the bytes of a push: one that takes an hour
//! looks like one that will never end. So while it goes on, the registry is asked
//! a small question each minute. A registry that never answered from here tells
//! nothing: the builder may see another network.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::execute::buildx::export::Export;
use crate::execute::buildx::references::{in_full, is_named};
use crate::image::{ImageName, Registry, reference};
use crate::plan::Build;
use crate::registry::Client;

/// How often a registry is asked.
const EVERY: Duration = Duration::from_secs(60);
/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(15);

/// The image that a build is pushing now.
#[derive(Default)]
pub struct Pushing {
    awaited: Vec<String>,
    /// Where what has no tag is pushed.
    untagged: Option<ImageName>,
    now: Mutex<PushPosition>,
}

/// How far a push is. It only ever looks at what is new: a build may have
/// thousands of names.
#[derive(Default)]
struct PushPosition {
    /// The references that are pushed, in full, and how many were looked at.
    pushed: HashSet<String>,
    seen: usize,
    /// The first of the awaited references that is not pushed.
    next: usize,
    image: Option<ImageName>,
}

impl Pushing {
    /// Of a build that pushes these references, in this order.
    pub fn of(build: &Build, awaited: Vec<String>) -> Self {
        Self {
            awaited,
            untagged: build.images.first().cloned(),
            ..Self::default()
        }
    }

    /// Takes in how far an export is: true when all that is awaited is pushed, and
    /// something is. BuildKit pushes one reference after another.
    pub fn observe(&self, export: &Export) -> bool {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if export.pushed.len() < now.seen {
            // One of them has failed after all.
            *now = PushPosition::default();
        }
        let new = in_full(&export.pushed[now.seen..]);
        now.pushed.extend(new);
        now.seen = export.pushed.len();
        let is_pushed = |now: &PushPosition| {
            let awaited = self.awaited.get(now.next);
            awaited.is_some_and(|one| now.pushed.contains(&reference::in_full(one)))
        };
        while is_pushed(&now) {
            now.next += 1;
        }
        now.image = export.is_pushing().then(|| self.image(now.next)).flatten();
        now.next > 0 && now.next == self.awaited.len()
    }

    /// The image.
    pub fn now(&self) -> Option<ImageName> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.image.clone()
    }

    /// The first reference at this registry that is not pushed.
    pub fn left(&self, registry: &Registry, export: &Export) -> Option<&str> {
        let is_there =
            |reference: &&String| name(reference).is_some_and(|n| n.registry == *registry);
        let is_left = |reference: &&String| !is_named(&export.pushed, reference);
        let mut left = self.awaited.iter().filter(is_there);
        left.find(is_left).map(String::as_str)
    }

    fn image(&self, next: usize) -> Option<ImageName> {
        if self.awaited.is_empty() {
            self.untagged.clone()
        } else {
            name(self.awaited.get(next)?)
        }
    }
}

fn name(reference: &str) -> Option<ImageName> {
    reference::name(reference)
}

/// A registry that has stopped answering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    pub registry: Registry,
    /// In the words that the diagnosis knows.
    pub why: String,
}

/// What it takes to find that out.
pub struct Stall<'a> {
    pub client: &'a Client,
    /// How long a registry may be silent; `None` for ever.
    pub limit: Option<Duration>,
    pub allowed: &'a [ImageName],
}

impl Stall<'_> {
    /// Returns when a registry of what is being pushed has stopped answering.
    pub async fn silent(&self, pushing: impl Fn() -> Vec<ImageName>) -> Silent {
        let Some(limit) = self.limit else {
            return std::future::pending().await;
        };
        let registries = || pushing().into_iter().map(|image| image.registry).collect();
        let answered = |registry: &Registry| {
            let mut allowed = self.allowed.iter();
            allowed.any(|image| image.registry == *registry)
        };
        let within = ANSWER.min(limit);
        let asks = async |registry: &Registry| self.client.answers(registry, within).await;
        let registry = silent(limit, registries, answered, asks).await;
        let why = format!(
            "the registry has stopped answering: it gave no answer for {} s",
            limit.as_secs()
        );
        Silent { registry, why }
    }
}

/// When a registry was last heard, and whether it ever was.
struct LastAnswer {
    last: Instant,
    is_known: bool,
}

/// Returns when one of these registries, which has `answered` before, has given
/// no answer for this time.
async fn silent(
    limit: Duration,
    registries: impl Fn() -> Vec<Registry>,
    answered: impl Fn(&Registry) -> bool,
    asks: impl AsyncFn(&Registry) -> bool,
) -> Registry {
    let mut heard: BTreeMap<Registry, LastAnswer> = BTreeMap::new();
    loop {
        sleep(EVERY.min(limit / 3)).await;
        let now = registries();
        heard.retain(|registry, _| now.contains(registry));
        for registry in now {
            let is_known = answered(&registry);
            let last = Instant::now();
            heard
                .entry(registry)
                .or_insert(LastAnswer { last, is_known });
        }
        let asked = heard.keys().map(|registry| asks(registry));
        let answers = join_all(asked).await;
        for ((registry, heard), answers) in heard.iter_mut().zip(answers) {
            if answers {
                heard.last = Instant::now();
                heard.is_known = true;
            } else if heard.is_known && heard.last.elapsed() >= limit {
                return registry.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(600);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn registry() -> Registry {
        Registry::parse("r.example").unwrap()
    }

    /// After how many seconds a registry is silent that `answers` at these times.
    async fn seconds(
        is_pushed: impl Fn(u64) -> bool,
        is_known: bool,
        answers: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        let attempt = Instant::now();
        let now = || attempt.elapsed().as_secs();
        let registries = || is_pushed(now()).then(registry).into_iter().collect();
        let asks = async |_: &Registry| {
            let does = answers(now());
            if !does {
                sleep(ANSWER).await;
            }
            does
        };
        let silent = silent(LIMIT, registries, |_| is_known, asks);
        timeout(DAY, silent).await.ok().map(|_| now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_push_may_take_a_day_while_the_registry_answers() {
        assert_eq!(seconds(|_| true, true, |_| true).await, None);
        // Silent for eight minutes of each hour.
        let busy = |now: u64| now % 3600 > 480;
        assert_eq!(seconds(|_| true, true, busy).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_registry_that_stops_answering_is_found() {
        let silent = seconds(|_| true, true, |_| false).await.unwrap();
        assert!((600..800).contains(&silent), "{silent}");
        let after_an_hour = seconds(|_| true, false, |now| now < 3600).await.unwrap();
        assert!((4100..4400).contains(&after_an_hour), "{after_an_hour}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_answered_from_here_or_is_not_pushed_to_is_left_alone() {
        assert_eq!(seconds(|_| true, false, |_| false).await, None);
        assert_eq!(seconds(|_| false, true, |_| false).await, None);
        let in_parts = |now: u64| now % 1200 < 540;
        assert_eq!(seconds(in_parts, true, |_| false).await, None);
    }

    #[test]
    fn what_is_pushed_now_is_the_first_that_is_not_pushed() {
        let pushing = Pushing {
            awaited: vec!["a.example/x:1".to_owned(), "b.example/x:1".to_owned()],
            ..Pushing::default()
        };
        let host = |image: ImageName| image.registry.to_string();
        let mut export = Export::default();
        assert_eq!(pushing.now().map(host), None);
        export.push_in("9");
        pushing.observe(&export);
        assert_eq!(pushing.now().map(host).as_deref(), Some("a.example"));
        export.pushed.push("a.example/x:1".to_owned());
        pushing.observe(&export);
        assert_eq!(pushing.now().map(host).as_deref(), Some("b.example"));
        let b = Registry::parse("b.example").unwrap();
        assert_eq!(pushing.left(&b, &export), Some("b.example/x:1"));
    }
}
