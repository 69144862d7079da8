//! A value that is not to be seen.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};

/// The shortest text that can be hidden without tearing a log to pieces, in bytes.
pub const SHORTEST: usize = 3;
/// What stays as it is in an address (RFC 3986, "unreserved").
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Words in a name that tell of a secret.
const WORDS: [&str; 7] = [
    "TOKEN",
    "PASSWORD",
    "PASSWD",
    "SECRET",
    "KEY",
    "CREDENTIALS",
    "APIKEY",
];
/// Words that tell of something that everyone may know.
const HARMLESS: [&str; 4] = ["PUBLIC", "PUB", "ID", "URL"];

/// True for a name that likely belongs to a secret, such as `NPM_TOKEN`.
pub fn is_telling(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let words: Vec<&str> = upper.split(['_', '-', '.']).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    has(&WORDS) && !has(&HARMLESS)
}

/// How tokens and keys begin that say by themselves what they are, each with the least
/// length of what follows.
const TOKENS: [(&str, usize); 13] = [
    ("ghp_", 30),
    ("gho_", 30),
    ("ghu_", 30),
    ("ghs_", 30),
    ("github_pat_", 20),
    ("glpat-", 20),
    ("npm_", 30),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("sk_live_", 20),
    ("AKIA", 16),
    ("dckr_pat_", 20),
    ("-----BEGIN ", 20),
];

/// True for a value that is a token or a private key by its form.
pub fn is_token(value: &str) -> bool {
    let mut begins = TOKENS.iter();
    begins.any(|(begin, least)| {
        let rest = value.trim().strip_prefix(begin);
        rest.is_some_and(|rest| match *begin {
            "-----BEGIN " => rest.contains("PRIVATE KEY"),
            _ => {
                let is_one = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
                rest.len() >= *least && rest.bytes().all(is_one)
            }
        })
    })
}

/// A password or token.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value over; an empty one is not a secret.
    pub fn new(value: &str) -> Option<Self> {
        (!value.is_empty()).then(|| Self(value.into()))
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Every form that could show up in a log: each line of the value, as it is
    /// and as JSON and addresses spell it, and the base64 of `user:value`, which
    /// is how Docker stores it. Lines too short to hide without tearing the log
    /// to pieces (under 3 characters) are left.
    pub fn forms(&self, user: Option<&str>) -> Vec<String> {
        let value = self.expose();
        let mut forms: Vec<String> = Vec::new();
        // A secret may have thousands of lines.
        let mut known = HashSet::new();
        for line in value.lines().map(str::trim) {
            let json = serde_json::Value::from(line).to_string();
            let json = json.get(1..json.len() - 1).unwrap_or_default().to_owned();
            let encoded = utf8_percent_encode(line, ENCODED).to_string();
            for form in [line.to_owned(), json, encoded] {
                if line.len() >= SHORTEST && known.insert(form.clone()) {
                    forms.push(form);
                }
            }
        }
        forms.push(self.base64());
        if let Some(user) = user {
            forms.push(self.basic(user));
        }
        forms
    }

    /// What is made of it is a secret too.
    #[must_use]
    pub fn map(&self, make: impl FnOnce(&str) -> String) -> Self {
        Self(make(self.expose()).into())
    }

    /// Its base64.
    pub fn base64(&self) -> String {
        STANDARD.encode(self.expose())
    }

    /// The base64 of `user:value`: Docker's `auth` field, HTTP's Basic scheme.
    pub fn basic(&self, user: &str) -> String {
        STANDARD.encode(format!("{user}:{}", self.expose()))
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_of_many_lines_has_its_forms_in_no_time() {
        let lines: String = (0..20_000).map(|at| format!("line {at}\n")).collect();
        let begun = std::time::Instant::now();
        let forms = Secret::new(&lines).unwrap().forms(None);
        assert!(forms.len() > 20_000);
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("hunter22").unwrap();
        assert!(!format!("{secret:?}").contains("hunter"));
    }

    #[test]
    fn every_line_and_the_base64_forms_are_masked() {
        let secret = Secret::new("first\nsecond\n").unwrap();
        assert_eq!(
            secret.forms(Some("me")),
            [
                "first",
                "second",
                "Zmlyc3QKc2Vjb25kCg==",
                "bWU6Zmlyc3QKc2Vjb25kCg=="
            ]
        );
        let secret = Secret::new("a\"b c").unwrap();
        assert_eq!(
            secret.forms(None),
            ["a\"b c", "a\\\"b c", "a%22b%20c", "YSJiIGM="]
        );
    }
}
