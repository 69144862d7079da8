//! Python versions, as `@renovate/pep440` reads them.
//!
//! Owns the reading of PEP 440 versions by the regular expression of the PEP's
//! appendix B. Own code, since the `pep440_rs` crate differs where the program
//! that rules were written against is a JavaScript program: numbers of any
//! size are floating-point numbers, local parts are read as numbers and joined
//! with commas.

use std::cmp::Ordering;
use std::sync::OnceLock;

use regress::{Match, Regex};

use crate::input::grammar::javascript::{number, number_text};
use crate::metadata::template::Value;

const PATTERN: &str = r"^v?(?:(?:(?<epoch>[0-9]+)!)?(?<release>[0-9]+(?:\.[0-9]+)*)(?<pre>[-_.]?(?<pre_l>a|b|c|rc|alpha|beta|pre|preview)[-_.]?(?<pre_n>[0-9]+)?)?(?<post>-(?<post_n1>[0-9]+)|[-_.]?(?<post_l>post|rev|r)[-_.]?(?<post_n2>[0-9]+)?)?(?<dev>[-_.]?(?<dev_l>dev)[-_.]?(?<dev_n>[0-9]+)?)?)(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?$";

/// A valid version.
#[derive(Clone, Debug)]
pub struct PythonVersion {
    epoch: f64,
    release: Vec<f64>,
    pre: Option<(String, f64)>,
    post: Option<f64>,
    dev: Option<f64>,
    local: Option<Vec<String>>,
}

impl PythonVersion {
    pub fn parse(text: &str) -> Option<Self> {
        static REGEX: OnceLock<Option<Regex>> = OnceLock::new();
        let regex = REGEX.get_or_init(|| Regex::with_flags(PATTERN, "i").ok());
        // The pattern is of ASCII only, and its search is linear on it.
        let found = regex.as_ref().filter(|_| text.is_ascii())?.find(text)?;
        let group = |name: &str| group(&found, text, name);
        let count = |name: &str| group(name).map_or(0.0, number);
        let post = group("post").is_some();
        Some(Self {
            epoch: count("epoch"),
            release: group("release")?.split('.').map(number).collect(),
            pre: group("pre_l").map(|letter| (canonical(letter), count("pre_n"))),
            post: post.then(|| count("post_n1") + count("post_n2")),
            dev: group("dev").map(|_| count("dev_n")),
            local: group("local").map(|local| local.split(['.', '_', '-']).map(part).collect()),
        })
    }

    /// False for pre-, post- and development releases.
    pub fn is_final(&self) -> bool {
        self.pre.is_none() && self.post.is_none() && self.dev.is_none()
    }

    /// True for pre- and development releases.
    pub fn is_prerelease(&self) -> bool {
        self.pre.is_some() || self.dev.is_some()
    }

    /// True where the release has several parts: one alone may be a date or a count.
    pub fn has_parts(&self) -> bool {
        self.release.len() > 1
    }

    /// Which of two comes first, whatever their local parts. Source: PEP 440, "Summary
    /// of permitted suffixes and relative ordering".
    pub fn precedence(&self, other: &Self) -> Ordering {
        let length = self.release.len().max(other.release.len());
        let part = |version: &Self, at| version.release.get(at).copied().unwrap_or(0.0);
        let mut releases = (0..length).map(|at| part(self, at).total_cmp(&part(other, at)));
        let mut release = || releases.find(|order| order.is_ne());
        let epoch = self.epoch.total_cmp(&other.epoch);
        epoch
            .then_with(|| release().unwrap_or(Ordering::Equal))
            .then_with(|| self.phase().cmp(other.phase()))
            .then_with(|| post(self).total_cmp(&post(other)))
            .then_with(|| dev(self).total_cmp(&dev(other)))
    }

    /// Where among those of its release a version stands, before posts and devs are
    /// counted: a development release of the release itself comes before all others.
    fn phase(&self) -> Phase<'_> {
        match (&self.pre, self.post, self.dev) {
            (Some((letter, count)), ..) => Phase::Pre(letter, *count),
            (None, None, Some(_)) => Phase::Dev,
            (None, ..) => Phase::Final,
        }
    }

    /// A component of the release, 0 when it is not given.
    pub fn component(&self, at: usize) -> Value {
        Value::Number(self.release.get(at).copied().unwrap_or(0.0))
    }

    /// The canonical spelling.
    pub fn text(&self) -> String {
        let release: Vec<_> = self.release.iter().map(|part| number_text(*part)).collect();
        let mut text = release.join(".");
        if self.epoch != 0.0 {
            text = format!("{}!{text}", number_text(self.epoch));
        }
        if let Some((letter, count)) = &self.pre {
            text.push_str(letter);
            text.push_str(&number_text(*count));
        }
        for (word, count) in [("post", self.post), ("dev", self.dev)] {
            if let Some(count) = count {
                text.push('.');
                text.push_str(word);
                text.push_str(&number_text(count));
            }
        }
        if let Some(local) = &self.local {
            // A comma, since the original prints a JavaScript array here.
            text.push('+');
            text.push_str(&local.join(","));
        }
        text
    }
}

/// Each comes before the next.
enum Phase<'a> {
    Dev,
    Pre(&'a str, f64),
    Final,
}

impl Phase<'_> {
    fn cmp(self, other: Self) -> Ordering {
        let place = |phase: &Self| match phase {
            Self::Dev => 0,
            Self::Pre(..) => 1,
            Self::Final => 2,
        };
        match (self, other) {
            (Self::Pre(letter, count), Self::Pre(other, others)) => {
                letter.cmp(other).then(count.total_cmp(&others))
            }
            (one, other) => place(&one).cmp(&place(&other)),
        }
    }
}

/// One without comes before those with.
fn post(version: &PythonVersion) -> f64 {
    version.post.unwrap_or(f64::NEG_INFINITY)
}

/// One without comes after those with.
fn dev(version: &PythonVersion) -> f64 {
    version.dev.unwrap_or(f64::INFINITY)
}

fn group<'t>(found: &Match, text: &'t str, name: &str) -> Option<&'t str> {
    text.get(found.named_group(name)?)
}

fn canonical(letter: &str) -> String {
    match letter.to_ascii_lowercase().as_str() {
        "a" | "alpha" => "a",
        "b" | "beta" => "b",
        _ => "rc",
    }
    .to_owned()
}

/// A local part: a number where JavaScript reads one, so that `1e5` is 100000.
fn part(text: &str) -> String {
    let value = number(text);
    if value.is_nan() {
        text.to_ascii_lowercase()
    } else {
        number_text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::PythonVersion;

    /// The order of PEP 440's own list.
    #[test]
    fn versions_come_one_after_the_other() {
        let all = [
            "1.dev0",
            "1.0.dev456",
            "1.0a1",
            "1.0a2.dev456",
            "1.0a12.dev456",
            "1.0a12",
            "1.0b1.dev456",
            "1.0b2",
            "1.0b2.post345.dev456",
            "1.0b2.post345",
            "1.0rc1.dev456",
            "1.0rc1",
            "1.0",
            "1.0.post456.dev34",
            "1.0.post456",
            "1.0.15",
            "1.1.dev1",
            "1!0.1",
        ];
        let all = all.map(|text| PythonVersion::parse(text).unwrap());
        for (at, one) in all.iter().enumerate() {
            for (place, other) in all.iter().enumerate() {
                assert_eq!(one.precedence(other), at.cmp(&place), "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn canonical_spellings() {
        for (given, text) in [
            ("1.0", "1.0"),
            ("V1.0.0-ALPHA", "1.0.0a0"),
            ("2!01.02", "2!1.2"),
            ("1.0-1", "1.0.post1"),
            ("1.0.rev3", "1.0.post3"),
            ("1.0_dev", "1.0.dev0"),
            ("1.0+abc.1e5", "1.0+abc,100000"),
            ("20240101123456789012345", "2.0240101123456787e+22"),
        ] {
            assert_eq!(PythonVersion::parse(given).unwrap().text(), text);
        }
        for bad in ["", " 1.0", "1.0 ", "1.", "a", "1.0+", "1.0é"] {
            assert!(PythonVersion::parse(bad).is_none(), "{bad:?}");
        }
    }
}
