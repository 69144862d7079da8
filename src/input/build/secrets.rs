//! The inputs `secrets`, `secret-envs` and `secret-files`: what a `RUN` may
//! mount without leaving it in the image.
//!
//! Owns [`BuildSecrets`]. Nothing that it says shows a value. As in
//! docker/build-push-action an entry that is no secret is passed over, since
//! secrets are empty where they are withheld, as for forks.

use crate::input::grammar::list::Entry;
use crate::secret::Secret;

/// The secrets of a build.
#[derive(Clone, Debug, Default)]
pub struct BuildSecrets {
    /// `secrets`, which become files of the run.
    pub values: Vec<SecretValue>,
    /// `secret-envs`: the variables of the environment that hold them.
    pub variables: Vec<SecretSource>,
    /// `secret-files`: the files that hold them.
    pub files: Vec<SecretSource>,
    /// True when `secrets` has a `GIT_AUTH_TOKEN`, in place of our own.
    pub has_git_token: bool,
    /// What was passed over and why, without values.
    pub passed_over: Vec<String>,
    /// Entries of `secrets` that are none, which may be pieces of one.
    pub pieces: Vec<Secret>,
}

/// An entry of `secrets`.
#[derive(Clone, Debug)]
pub struct SecretValue {
    /// The name that the Dockerfile knows it by.
    pub id: String,
    /// The secret.
    pub value: Secret,
}

/// An entry of `secret-envs` or `secret-files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSource {
    /// The name that the Dockerfile knows it by.
    pub id: String,
    /// A variable, or a file.
    pub from: String,
}

impl BuildSecrets {
    /// Takes the entries of the three inputs apart.
    pub fn parse(values: &[Entry], variables: &[Entry], files: &[Entry]) -> Self {
        let mut secrets = Self::default();
        for entry in values {
            secrets.has_git_token |= entry.text.starts_with("GIT_AUTH_TOKEN=");
            secrets.value(entry);
        }
        secrets.variables = secrets.sources("secret-envs", "NAME=VARIABLE", variables);
        secrets.files = secrets.sources("secret-files", "NAME=PATH", files);
        secrets
    }

    /// True when the workflow gives a secret of this name.
    pub fn has(&self, id: &str) -> bool {
        let values = self.values.iter().map(|secret| &secret.id);
        let others = self.variables.iter().chain(&self.files);
        let mut all = values.chain(others.map(|secret| &secret.id));
        all.any(|other| other == id)
    }

    fn value(&mut self, entry: &Entry) {
        let (id, value) = entry.text.split_once('=').unwrap_or(("", &entry.text));
        // The last line of a key or certificate may end in `=`.
        let is_padding = !value.is_empty() && value.bytes().all(|byte| byte == b'=');
        match Secret::new(value) {
            Some(value) if !id.is_empty() && !is_padding => self.values.push(SecretValue {
                id: id.to_owned(),
                value,
            }),
            None if !id.is_empty() => self.passed_over.push(format!(
                "`secrets`: {id} is empty, so the build goes on without it. \
                 GitHub withholds secrets from forks and Dependabot"
            )),
            _ => {
                self.pieces.extend(Secret::new(&entry.text));
                self.passed_over.push(format!(
                    "`secrets`: line {} is not NAME=VALUE and was ignored. \
                     A value of several lines stands in double quotes together with its name: \
                     \"NAME=first line, … last line\"",
                    entry.line
                ));
            }
        }
    }

    fn sources(&mut self, input: &str, form: &str, entries: &[Entry]) -> Vec<SecretSource> {
        let mut sources = Vec::new();
        for entry in entries {
            match entry.text.split_once('=') {
                Some((id, from)) if !id.is_empty() && !from.is_empty() => {
                    sources.push(SecretSource {
                        id: id.to_owned(),
                        from: from.to_owned(),
                    });
                }
                // Someone may have put a value here.
                _ => self.passed_over.push(format!(
                    "`{input}`: line {} is not {form} and was ignored",
                    entry.line
                )),
            }
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::grammar::list::Style;
    use crate::input::grammar::list::build_entries;

    fn parse(values: &str) -> BuildSecrets {
        BuildSecrets::parse(&build_entries(values, Style::UNTRIMMED).unwrap(), &[], &[])
    }

    #[test]
    fn values_are_taken_to_the_letter() {
        let secrets = parse("A=a=b==\nB= two words \n\"C=1\n2\"");
        let pairs: Vec<_> = secrets
            .values
            .iter()
            .map(|secret| (secret.id.as_str(), secret.value.expose()))
            .collect();
        assert_eq!(pairs, [("A", "a=b=="), ("B", " two words "), ("C", "1\n2")]);
        assert!(secrets.passed_over.is_empty());
    }

    #[test]
    fn what_is_no_secret_is_passed_over_and_not_shown() {
        let secrets = parse("EMPTY=\nKEY=-----BEGIN\nhunter2\nhunter3==\n=hunter4");
        assert_eq!(secrets.values.len(), 1);
        assert_eq!(secrets.passed_over.len(), 4);
        let told = secrets.passed_over.join("\n");
        assert!(
            told.contains("EMPTY is empty") && !told.contains("hunter"),
            "{told}"
        );
        assert_eq!(secrets.pieces.len(), 3, "they are hidden in the log");
    }

    #[test]
    fn a_git_token_is_seen_also_when_it_is_withheld() {
        assert!(parse("GIT_AUTH_TOKEN=").has_git_token);
        assert!(!parse("GIT_AUTH_TOKEN.github.com=x").has_git_token);
    }
}
