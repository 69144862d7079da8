//! Secrets in the wrong place: build arguments stay in the image's history and
//! in its provenance, where everyone who can pull it reads them.

use crate::input::Inputs;
use crate::plan::findings::{Level, Notice};
use crate::secret::is_telling;

/// Shortest value that is taken for a secret, in characters.
const SHORTEST: usize = 16;
/// Where to read of the better way.
const DOCS: &str = "https://docs.docker.com/build/building/secrets/";

/// A warning for each build argument that looks like a secret.
pub fn notices(inputs: &Inputs) -> impl Iterator<Item = Notice> {
    let pairs = inputs
        .build_args
        .iter()
        .filter_map(|arg| arg.split_once('='));
    let exposed = pairs.filter(|(name, value)| looks_secret(name, value) || is_ours(inputs, value));
    exposed.map(|(name, _)| Notice {
        level: Level::Warning,
        title: "Secret in a build argument".to_owned(),
        message: format!(
            "`build-args`: {name} looks like a secret, and build arguments can be read from the \
             image. Give it as `secrets: {name}=…`, and in the Dockerfile use \
             `RUN --mount=type=secret,id={name},env={name} …` in place of `ARG {name}`: {DOCS}"
        ),
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

    #[test]
    fn long_values_under_telling_names_are_warned_about_and_not_shown() {
        let inputs = Inputs {
            build_args: [
                "NPM_TOKEN=npm_0123456789abcdef",
                "db-password=0123456789abcdef",
                "TOKEN=short",
                "PUBLIC_KEY=0123456789abcdef",
                "KEYBOARD=0123456789abcdef",
                "NOTE_SECRET=a sentence of several words",
                "HARMLESS=ghs_0123456789abcdef",
                "TOKEN",
            ]
            .map(str::to_owned)
            .to_vec(),
            github_token: Secret::new("ghs_0123456789abcdef"),
            ..Inputs::default()
        };
        let messages: Vec<String> = notices(&inputs).map(|notice| notice.message).collect();
        assert_eq!(messages.len(), 3, "{messages:?}");
        for (message, name) in messages
            .iter()
            .zip(["NPM_TOKEN", "db-password", "HARMLESS"])
        {
            assert!(
                message.contains(name) && !message.contains("0123"),
                "{message}"
            );
        }
    }
}
