//! What a registry says when it refuses.
//!
//! Follows the OCI distribution specification 1.1, "Error Codes": a JSON object
//! with `errors`, each with `code`, `message` and `detail`. Token endpoints
//! answer the same, or an object with one `code` and `message`, or plain text.

use serde_json::Value;

/// How much of an answer is kept, in characters.
const MOST: usize = 2000;

/// Where on the way to a push or pull a registry refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `GET /v2/`.
    Challenge,
    /// The token endpoint that the challenge names.
    Token,
    /// The upload of a blob, which is what a push begins with.
    Upload,
    /// Reading a manifest.
    Pull,
}

/// An answer that is none of success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// Where.
    pub stage: Stage,
    /// The answer's text, in the registry's own words: hostile, and cut short.
    pub body: String,
    /// True when no login was sent, as there is none.
    pub anonymous: bool,
}

impl Refusal {
    /// Takes an answer over.
    pub fn new(stage: Stage, status: u16, body: &str) -> Self {
        Self {
            status,
            stage,
            body: body.chars().take(MOST).collect(),
            anonymous: false,
        }
    }

    /// The messages of the answer, each as `CODE: message`; the text as it is
    /// when it is not of the specification's form; empty when there is none.
    pub fn words(&self) -> String {
        let Ok(value) = serde_json::from_str::<Value>(&self.body) else {
            return self.body.trim().to_owned();
        };
        let one = [value.clone()];
        let errors = value.get("errors").and_then(Value::as_array);
        let errors = errors.map_or(one.as_slice(), Vec::as_slice);
        let texts: Vec<String> = errors.iter().filter_map(message).collect();
        match texts.is_empty() {
            true => self.body.trim().to_owned(),
            false => texts.join("; "),
        }
    }
}

fn message(error: &Value) -> Option<String> {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    match (text("code"), text("message").or_else(|| text("details"))) {
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
            (
                r#"{"details":"incorrect username or password"}"#,
                "incorrect username or password",
            ),
            ("<html>403</html>\n", "<html>403</html>"),
            (r#"{"errors":[]}"#, r#"{"errors":[]}"#),
            ("", ""),
        ] {
            assert_eq!(Refusal::new(Stage::Token, 403, body).words(), words);
        }
    }
}
