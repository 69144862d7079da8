//! Values that must not be seen.
//!
//! Owns [`Secret`]: its `Debug` shows nothing, it cannot be serialised, and
//! its memory is wiped when it is dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

/// A password or token.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value over; an empty one is no secret.
    pub fn new(value: &str) -> Option<Self> {
        (!value.is_empty()).then(|| Self(value.into()))
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Every form that could show up in a log: each line of the value, and the
    /// base64 of `user:value`, which is how Docker stores it. Lines too short
    /// to hide without tearing the log to pieces (under 3 characters) are left.
    pub fn forms(&self, user: Option<&str>) -> Vec<String> {
        let value = self.expose();
        let mut forms: Vec<String> = value
            .lines()
            .map(str::trim)
            .filter(|line| line.len() > 2)
            .map(str::to_owned)
            .collect();
        forms.push(STANDARD.encode(value));
        if let Some(user) = user {
            forms.push(self.basic(user));
        }
        forms
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
    }
}
