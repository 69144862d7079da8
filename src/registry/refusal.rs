//! What a registry says when it refuses.
//!
//! Follows the OCI distribution specification 1.1, "Error Codes": a JSON object
//! with `errors`, each with `code`, `message` and `detail`. Token endpoints
//! answer the same, or an object with one `code` and `message`, or plain text.

use std::slice;

use serde::Deserialize;
use serde_json::Value;

use crate::error::sanitize::{LAST_WORDS, clean};
use crate::secret::{self, Secret};

/// Where on the way to a push or pull a registry refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `GET /v2/`.
    Challenge,
    /// The token endpoint that the challenge names.
    Token,
    /// The upload of a blob, which is what a push begins with.
    Upload,
    /// The bytes of a blob.
    Blob,
    /// Reading a manifest.
    Pull,
    /// Writing a name of a manifest.
    Name,
}

/// An error code of the OCI distribution specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    Denied,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    #[serde(rename = "TOOMANYREQUESTS")]
    TooManyRequests,
    Unauthorized,
    Unsupported,
    /// One that the specification does not have.
    #[serde(other)]
    Other,
}

/// An answer that is not one of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Where.
    pub stage: Stage,
    /// The codes of its errors.
    pub codes: Vec<ErrorCode>,
    /// The registry's own words, harmless; empty when it had none.
    pub words: String,
    /// True when no login was sent, as there is none.
    pub anonymous: bool,
}

impl Refusal {
    /// Takes an answer over, without what it repeats of these secrets.
    pub fn new<'a>(
        stage: Stage,
        status: u16,
        body: &str,
        secrets: impl IntoIterator<Item = &'a Secret>,
    ) -> Self {
        let value = serde_json::from_str::<Value>(body).ok();
        let errors = value.as_ref().map(errors).unwrap_or_default();
        let words = secret::hide(&refusal_text(body, errors), secrets);
        let codes = errors.iter().filter_map(|error| error.get("code"));
        Self {
            status,
            stage,
            codes: codes
                .filter_map(|code| ErrorCode::deserialize(code).ok())
                .collect(),
            words: clean(&words, LAST_WORDS),
            anonymous: false,
        }
    }
}

/// The errors of an answer: those that it lists, or it as the only one.
fn errors(answer: &Value) -> &[Value] {
    match answer.get("errors").and_then(Value::as_array) {
        Some(errors) => errors,
        None => slice::from_ref(answer),
    }
}

/// The messages of an answer, each as `CODE: message`; the text as it is when it
/// is not of the specification's form.
fn refusal_text(body: &str, errors: &[Value]) -> String {
    let texts: Vec<String> = errors.iter().filter_map(message).collect();
    if texts.is_empty() {
        body.to_owned()
    } else {
        texts.join("; ")
    }
}

/// How CNCF Distribution tells in `detail`, and nowhere else, that its disk is
/// full: with the text or the number of the system's error.
const NO_SPACE: [&str; 2] = ["no space left on device", "\"Err\":28}"];

fn message(error: &Value) -> Option<String> {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    let detail = error
        .get("detail")
        .map(Value::to_string)
        .unwrap_or_default();
    let is_full = NO_SPACE.iter().any(|words| detail.contains(words));
    match (text("code"), text("message").or_else(|| text("details"))) {
        (Some(code), Some(message)) if is_full => {
            Some(format!("{code}: {message}: {}", NO_SPACE[0]))
        }
        (Some(code), Some(message)) => Some(format!("{code}: {message}")),
        (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_specification_s_form_or_the_text_itself() {
        for (body, words) in [
            (
                r#"{"errors":[{"code":"DENIED","message":"permission_denied: write_package"}]}"#,
                "DENIED: permission_denied: write_package",
            ),
            (
                r#"{"errors":[{"code":"UNAUTHORIZED"},{"code":"DENIED"}]}"#,
                "UNAUTHORIZED; DENIED",
            ),
            (r#"{"code":"DENIED","message":"denied"}"#, "DENIED: denied"),
            // As Distribution 2.8 answers.
            (
                r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"DriverName":"filesystem","Enclosed":{"Op":"write","Path":"/var/lib/registry/x","Err":28}}}]}"#,
                "UNKNOWN: unknown error: no space left on device",
            ),
            (
                r#"{"details":"incorrect username or password"}"#,
                "incorrect username or password",
            ),
            ("<html>403</html>\n", "<html>403</html>"),
            (r#"{"errors":[]}"#, r#"{"errors":[]}"#),
            ("", ""),
        ] {
            let refusal = Refusal::new(Stage::Token, 403, body, []);
            assert_eq!(refusal.words, words);
        }
        let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN"},{"code":"OWN"},{"code":7}]}"#;
        let refusal = Refusal::new(Stage::Pull, 404, body, []);
        assert_eq!(
            refusal.codes,
            [ErrorCode::ManifestUnknown, ErrorCode::Other]
        );
    }

    #[test]
    fn what_a_registry_repeats_of_a_secret_is_not_among_its_words() {
        let secret = Secret::new("hun\"ter/22").unwrap();
        let cut = format!("{}hun\"ter", " x".repeat(LAST_WORDS));
        for (body, words) in [
            (
                r#"{"code":"DENIED","message":"no hun\"ter/22"}"#,
                "DENIED: no ***",
            ),
            (
                r#"{"code":"DENIED","message":"no hun\u200b\u0022ter/22"}"#,
                "DENIED: no ***",
            ),
            (
                r#"{"detail":{"password":"hun\"ter\/22"}}"#,
                r#"{"detail":{"password":"***"}}"#,
            ),
            ("<p>hun&quot;ter/22</p>", "<p>***</p>"),
            ("password=hun%22ter%2F22 is wrong", "password=*** is wrong"),
            ("a\u{1b}[31m b\r\n::error::c", "a b ::error::c"),
        ] {
            let refusal = Refusal::new(Stage::Token, 403, body, [&secret]);
            assert_eq!(refusal.words, words);
        }
        let refusal = Refusal::new(Stage::Token, 403, &cut, [&secret]);
        assert!(refusal.words.chars().count() <= LAST_WORDS + 1);
        assert!(!refusal.words.contains("hun"));
    }
}
