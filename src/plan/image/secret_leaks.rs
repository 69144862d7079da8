//! Secrets in the wrong place: build arguments stay in the image's history and in its
//! provenance, labels and annotations in its manifest, where everyone who can pull it
//! reads them.

use crate::error::InputProblem;
use crate::input::Inputs;
use crate::plan::findings::{Findings, Level, Notice};
use crate::secret::{is_telling, is_token};

/// Shortest value that is taken for a secret, in characters.
const SHORTEST: usize = 16;
/// Where to read of the better way.
const DOCS: &str = "https://docs.docker.com/build/building/secrets/";

/// Something that looks like a secret, and is not to be shown.
struct Leak<'a> {
    input: &'static str,
    name: &'a str,
}

/// A warning for each of them, or an error where the workflow wants it.
pub fn find(inputs: &Inputs, findings: &mut Findings) {
    for Leak { input, name } in leaks(inputs) {
        let (kind, instead) = match input {
            "build-args" => (
                "a build argument",
                format!(
                    "give it as `secrets: {name}=…`, and in the Dockerfile use \
                     `RUN --mount=type=secret,id={name},env={name} …` in place of `ARG {name}`: \
                     {DOCS}"
                ),
            ),
            "labels" => ("a label", format!("leave `{name}` out")),
            _ => ("an annotation", format!("leave `{name}` out")),
        };
        let why = format!("looks like a secret, and {kind} can be read from the image");
        if inputs.strict_secrets {
            let problem = InputProblem::new(input, name, why, instead);
            findings.problems.push(problem);
            continue;
        }
        let mut letters = instead.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase());
        let sentence: String = first.into_iter().chain(letters).collect();
        findings.notices.push(Notice {
            level: Level::Warning,
            title: format!("Secret in {kind}"),
            message: format!("`{input}`: {name} {why}. {sentence}"),
        });
    }
}

fn leaks(inputs: &Inputs) -> impl Iterator<Item = Leak<'_>> {
    let texts = inputs
        .build_args
        .iter()
        .map(|text| ("build-args", text.as_str()));
    let labels = inputs.metadata.labels.iter();
    let labels = labels.map(|entry| ("labels", entry.text.as_str()));
    let annotations = inputs.metadata.annotations.iter();
    let annotations = annotations.map(|entry| ("annotations", entry.text.as_str()));
    let all = texts.chain(labels).chain(annotations);
    all.filter_map(|(input, text)| {
        let (name, value) = text.split_once('=')?;
        let is_one = looks_secret(name, value) || is_token(value) || is_ours(inputs, value);
        is_one.then_some(Leak { input, name })
    })
}

fn looks_secret(name: &str, value: &str) -> bool {
    let is_one_word = !value.contains(char::is_whitespace);
    is_telling(name) && is_one_word && value.chars().count() >= SHORTEST
}

/// One of the run's own secrets under whatever name.
fn is_ours(inputs: &Inputs, value: &str) -> bool {
    let long = value.chars().count() >= SHORTEST;
    long && inputs
        .secrets("")
        .any(|(secret, _)| secret.expose() == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn found(strict: bool) -> Findings {
        let inputs = Inputs {
            build_args: [
                "NPM_TOKEN=npm_0123456789abcdef",
                "db-password=0123456789abcdef",
                "TOKEN=short",
                "PUBLIC_KEY=0123456789abcdef",
                "KEYBOARD=0123456789abcdef",
                "NOTE_SECRET=a sentence of several words",
                "HARMLESS=ghs_0123456789abcdef",
                "GIT=github_pat_0123456789abcdefghij_0123",
                "TOKEN",
            ]
            .map(str::to_owned)
            .to_vec(),
            github_token: Secret::new("ghs_0123456789abcdef"),
            strict_secrets: strict,
            ..Inputs::default()
        };
        let mut findings = Findings::default();
        find(&inputs, &mut findings);
        findings
    }

    const NAMES: [&str; 4] = ["NPM_TOKEN", "db-password", "HARMLESS", "GIT"];

    #[test]
    fn long_values_under_telling_names_are_warned_about_and_not_shown() {
        let notices = found(false).notices;
        let messages: Vec<String> = notices.into_iter().map(|notice| notice.message).collect();
        assert_eq!(messages.len(), NAMES.len(), "{messages:?}");
        for (message, name) in messages.iter().zip(NAMES) {
            assert!(
                message.contains(name) && !message.contains("0123"),
                "{message}"
            );
        }
    }

    #[test]
    fn they_are_errors_where_the_workflow_wants_it() {
        let problems = found(true).problems;
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), NAMES.len(), "{texts:?}");
        assert!(texts.iter().all(|text| !text.contains("0123")), "{texts:?}");
    }
}
