//! `registry-auth`: logins for further registries, a YAML list.
//!
//! The format is docker/login-action's: entries with `registry`, `username`
//! and `password`.

use serde::Deserialize;

use crate::document::yaml;
use crate::error::InputProblem;
use crate::image::Registry;
use crate::input::reader::HAS_CONTROL;
use crate::secret::Secret;

const NAME: &str = "registry-auth";
const ACCEPTED: &str = "a YAML list of entries with registry, username and password";

/// A login of the workflow's.
#[derive(Clone, Debug)]
pub struct Login {
    /// Where it is valid; nowhere else.
    pub registry: Registry,
    /// The user.
    pub username: String,
    /// The password; empty where secrets are withheld, as for forks.
    pub password: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    registry: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
}

/// Parses the list. Problems never repeat a password, so they show no value.
pub fn parse(text: &str) -> (Vec<Login>, Vec<InputProblem>) {
    if text.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let entries: Vec<Entry> = match yaml::read(text) {
        Ok(entries) => entries,
        Err(unreadable) => {
            let problem = unreadable.of_input(NAME, "", ACCEPTED);
            return (Vec::new(), vec![problem]);
        }
    };
    let mut logins = Vec::new();
    let mut problems = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match login(&entry) {
            Ok(login) => logins.push(login),
            Err(why) => {
                let value = format!("entry {}: {}", index + 1, entry.registry);
                problems.push(InputProblem::new(NAME, value, why, ACCEPTED));
            }
        }
    }
    (logins, problems)
}

fn login(entry: &Entry) -> Result<Login, String> {
    let registry = Registry::parse(&entry.registry).map_err(|refused| refused.why)?;
    if entry.username.is_empty() {
        return Err("has no username".to_owned());
    }
    if entry.username.contains(char::is_control) {
        return Err(format!("its username {HAS_CONTROL}"));
    }
    Ok(Login {
        registry,
        username: entry.username.clone(),
        password: Secret::new(&entry.password),
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn entries_become_logins() {
        let (logins, problems) =
            parse("- registry: docker.io\n  username: me\n  password: pass-1\n");
        assert!(problems.is_empty());
        assert_eq!(logins[0].registry.as_str(), "docker.io");
        assert_eq!(logins[0].password.as_ref().unwrap().expose(), "pass-1");
    }

    #[test]
    fn problems_have_a_place_and_no_password() {
        for text in [
            "- registry: [docker.io\n  password: hunter22\n",
            "- registry: docker.io\n  pass: hunter22\n",
            "registry: docker.io\npassword: hunter22\n",
        ] {
            let (_, problems) = parse(text);
            assert_eq!(problems.len(), 1, "{text}");
            assert!(!problems[0].to_string().contains("hunter22"));
            assert!(problems[0].position.is_some(), "{problems:?}");
        }
    }

    #[test]
    fn every_incomplete_entry_is_named() {
        let (logins, problems) =
            parse("- registry: docker.io\n- registry: a b\n- registry: quay.io\n");
        assert!(logins.is_empty());
        assert_eq!(problems.len(), 3);
    }
}
