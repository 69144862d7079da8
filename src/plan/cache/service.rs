//! The cache service that entries of type `gha` are kept in: GitHub's, or one
//! that takes its place.
//!
//! Owns [`Service`], found as buildx and BuildKit find it: attributes of the
//! entry win over the variables of the job.
//! <https://docs.docker.com/build/cache/backends/gha/>

use crate::input::CacheEntry;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::facts::CacheFacts;
use crate::plan::cache::model::Cache;

/// The address that BuildKit takes for version 2 when no version is given.
const GITHUBS: &str = "results-receiver.actions.githubusercontent.com";

/// A cache service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its address. Its path, and a login in it, may let anybody in who knows it.
    pub url: String,
    /// True when it speaks version 2 of the protocol.
    pub is_version_2: bool,
}

impl Service {
    /// The service of an entry. `None` for caches of other types, and for an
    /// entry that buildx leaves out because it has no address or no token.
    pub fn of(entry: &CacheEntry, facts: &CacheFacts) -> Option<Self> {
        if entry.kind() != "gha" {
            return None;
        }
        let given = |name| entry.attribute(name);
        if !facts.has_token && given("token").is_none() {
            return None;
        }
        let version = given("version");
        let says_2 = match version {
            Some(version) => version == "2",
            None => facts.is_version_2,
        };
        let results = facts.results_url.as_deref();
        let of_version_2 = given("url_v2").or(results.filter(|_| says_2));
        if let (Some(url), true) = (of_version_2, version != Some("1")) {
            return Some(Self {
                url: url.to_owned(),
                is_version_2: true,
            });
        }
        let url = given("url").or(facts.cache_url.as_deref()).or(results)?;
        Some(Self {
            url: url.to_owned(),
            is_version_2: version == Some("2") || (version.is_none() && url.contains(GITHUBS)),
        })
    }
}

/// Takes out the entries that BuildKit would fail on, as it refuses the job's
/// token; says why, where there are any.
pub fn without_unusable(cache: &mut Cache, facts: &CacheFacts) -> Option<String> {
    let flaw = facts.token_flaw.as_deref()?;
    let is_unusable = |entry: &CacheEntry| {
        entry.attribute("token").is_none() && Service::of(entry, facts).is_some()
    };
    let before = cache.entries().count();
    cache.from.retain(|entry| !is_unusable(entry));
    cache.to.retain(|entry| !is_unusable(entry));
    (cache.entries().count() < before).then(|| format!("ACTIONS_RUNTIME_TOKEN {flaw}"))
}

/// Scheme, host and port.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("", &self.url));
        let host = rest
            .split(['/', '?', '#'])
            .next()
            .unwrap_or_default()
            .rsplit('@')
            .next()
            .unwrap_or_default();
        write!(f, "{scheme}://{host}")
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(is_version_2: bool) -> CacheFacts {
        CacheFacts {
            results_url: Some("https://results/".to_owned()),
            cache_url: Some("https://cache/".to_owned()),
            is_version_2,
            has_token: true,
            ..CacheFacts::default()
        }
    }

    fn found(entry: &str, facts: &CacheFacts) -> Option<(String, bool)> {
        let service = Service::of(&entry.into(), facts)?;
        Some((service.url, service.is_version_2))
    }

    #[test]
    fn a_service_is_found_as_buildx_finds_it() {
        for (entry, two, expected) in [
            ("type=gha", true, Some(("https://results/", true))),
            ("type=gha,mode=max", false, Some(("https://cache/", false))),
            ("type=gha,version=1", true, Some(("https://cache/", false))),
            (
                "type=gha,version=2",
                false,
                Some(("https://results/", true)),
            ),
            (
                "type=gha,url=https://own/",
                false,
                Some(("https://own/", false)),
            ),
            (
                "type=gha,url=https://own/",
                true,
                Some(("https://results/", true)),
            ),
            (
                "type=gha,url_v2=https://own/",
                false,
                Some(("https://own/", true)),
            ),
            (
                "type=gha,url_v2=https://own/,version=1",
                false,
                Some(("https://cache/", false)),
            ),
            ("type=registry,ref=a/b", true, None),
            ("a/b", true, None),
        ] {
            let expected = expected.map(|(url, two): (&str, bool)| (url.to_owned(), two));
            assert_eq!(found(entry, &facts(two)), expected, "{entry} {two}");
        }
    }

    #[test]
    fn without_a_token_or_an_address_there_is_none() {
        let nothing = CacheFacts::default();
        assert_eq!(found("type=gha", &nothing), None);
        assert_eq!(found("type=gha,token=t", &nothing), None);
        let own = "type=gha,token=t,url=https://own/";
        assert_eq!(
            found(own, &nothing),
            Some(("https://own/".to_owned(), false))
        );
        let only_results = CacheFacts {
            results_url: Some(format!("https://{GITHUBS}/")),
            has_token: true,
            ..CacheFacts::default()
        };
        let github = found("type=gha", &only_results);
        assert_eq!(github, Some((format!("https://{GITHUBS}/"), true)));
    }

    #[test]
    fn of_an_address_only_the_host_is_shown() {
        for (url, shown) in [
            ("https://results.example/", "https://results.example"),
            ("http://127.0.0.1:4000/secret/", "http://127.0.0.1:4000"),
            ("https://user:hunter1@host/x", "https://host"),
            ("https://host?sig=hunter1", "https://host"),
        ] {
            let service = Service {
                url: url.to_owned(),
                is_version_2: true,
            };
            assert_eq!(service.to_string(), shown);
        }
    }

    #[test]
    fn only_what_uses_a_bad_token_is_left_out() {
        let list = |entries: &[&str]| {
            entries
                .iter()
                .map(|entry| CacheEntry::from(*entry))
                .collect()
        };
        let good = facts(true);
        let mut cache = Cache {
            from: list(&["type=gha", "a/b"]),
            to: list(&["type=gha,token=own", "type=gha,mode=max"]),
            ..Cache::default()
        };
        assert_eq!(without_unusable(&mut cache, &good), None);
        let bad = CacheFacts {
            token_flaw: Some("is not a JSON Web Token".to_owned()),
            ..facts(true)
        };
        let why = without_unusable(&mut cache, &bad).unwrap();
        assert_eq!(why, "ACTIONS_RUNTIME_TOKEN is not a JSON Web Token");
        assert_eq!(cache.from, ["a/b"]);
        assert_eq!(cache.to, ["type=gha,token=own"]);
        assert_eq!(without_unusable(&mut cache, &bad), None);
    }
}
