//! Logins in the addresses of contexts of bake files, taken out of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::InputProblem;
use crate::facts::bake::definition::{self, Definition};
use crate::input::address::{GitLogin, Logins, host_of};
use crate::input::build::bake::matches;
use crate::secret::Secret;

/// What was found in all definitions.
#[derive(Default)]
pub struct FoundLogins {
    /// Each login once.
    pub all: Vec<GitLogin>,
    /// What belongs to each definition.
    pub of: BTreeMap<String, DefinitionLogins>,
    /// What is to be hidden.
    pub secrets: Vec<Secret>,
}

/// What belongs to one definition.
#[derive(Clone, Default)]
pub struct DefinitionLogins {
    /// The places of its logins among all.
    pub git: Vec<usize>,
    /// The addresses whose login stays in them, each as key and host.
    pub left: Vec<(String, String)>,
    pub problems: Vec<InputProblem>,
}

/// A login that stood in an entry of `set`.
pub struct SetLogin {
    /// The targets that it is for.
    pub pattern: String,
    pub login: GitLogin,
}

/// The entries of `set` without the logins in them, and those.
pub fn take_out_of_set(set: &[String]) -> Result<(Vec<String>, Vec<SetLogin>), InputProblem> {
    let mut all = Vec::new();
    let mut entries = Vec::new();
    for entry in set {
        let mut entry = entry.clone();
        let pattern = entry.split('.').next().unwrap_or_default().to_owned();
        // One at a time: targets may have different ones.
        if let Some(login) = Logins::default().take("set", &mut entry)? {
            all.push(SetLogin { pattern, login });
        }
        entries.push(entry);
    }
    Ok((entries, all))
}

/// Takes the logins out of all definitions.
pub fn take_logins(all: &mut Map<String, Value>, of_set: &[SetLogin]) -> FoundLogins {
    let mut found = FoundLogins::default();
    for (name, value) in all.iter_mut() {
        let Some(definition) = value.as_object_mut() else {
            continue;
        };
        let mut logins = Logins::default();
        let mut problems = Vec::new();
        change_addresses(definition, |key, text| {
            problems.extend(logins.take(key, text).err());
        });
        let hosts = hosts(definition);
        let of_set = of_set
            .iter()
            .filter(|one| matches(&one.pattern, name))
            .map(|one| &one.login);
        let wanted = of_set.filter(|login| hosts.contains(&login.host));
        for login in wanted {
            if logins.git.iter().all(|own| own.host != login.host) {
                logins.git.push(login.clone());
            }
        }
        let git = logins
            .git
            .into_iter()
            .map(|login| found.index_of(login))
            .collect();
        found.secrets.extend(logins.secrets);
        let left = logins.left;
        found.of.insert(
            name.clone(),
            DefinitionLogins {
                git,
                left,
                problems,
            },
        );
    }
    found
}

impl FoundLogins {
    fn index_of(&mut self, login: GitLogin) -> usize {
        match self.all.iter().position(|other| other.is_same(&login)) {
            Some(place) => place,
            None => {
                self.all.push(login);
                self.all.len() - 1
            }
        }
    }
}

/// Has each address of a context changed.
fn change_addresses(definition: &mut Definition, mut change: impl FnMut(&str, &mut String)) {
    if let Some(Value::String(context)) = definition.get_mut("context") {
        change("context", context);
    }
    if let Some(Value::Object(contexts)) = definition.get_mut("contexts") {
        for (_, place) in contexts.iter_mut() {
            if let Value::String(place) = place {
                change("contexts", place);
            }
        }
    }
}

/// The hosts of the addresses of contexts.
fn hosts(definition: &Definition) -> Vec<String> {
    let context = definition::text(definition, "context");
    let contexts = definition::pairs(definition, "contexts").into_iter();
    let places = contexts.map(|(_, place)| place).chain(context);
    places.filter_map(|place| host_of(&place)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_definition_gets_its_own_logins() {
        let mut all = json!({
            "api": {"context": "https://me:one@host/a.git", "contexts": {"x": "https://me:two@other/b.git#x"}},
            "web": {"context": "https://me:one@host/c.git"},
            "own": {"context": "https://host/d.git"},
            "files": {"context": ".", "contexts": {"x": "https://me:three@host/d.tar.gz"}},
            "both": {"context": "https://me:one@host/a.git", "contexts": {"x": "https://me:two@host/a.git"}},
        });
        let set = [
            "o*.context=https://me:four@host/d.git".to_owned(),
            "x.tags=a".to_owned(),
        ];
        let (entries, of_set) = take_out_of_set(&set).unwrap();
        assert_eq!(entries, ["o*.context=https://host/d.git", "x.tags=a"]);
        let found = take_logins(all.as_object_mut().unwrap(), &of_set);
        let git = |name: &str| found.of[name].git.clone();
        assert_eq!(
            (git("api"), git("web"), git("own")),
            (vec![0, 1], vec![0], vec![2])
        );
        assert_eq!(git("files"), Vec::<usize>::new());
        assert_eq!(
            found.of["files"].left,
            [("contexts".to_owned(), "host".to_owned())]
        );
        assert_eq!(found.of["both"].problems.len(), 1);
        let text = all.to_string();
        for secret in ["one", "two", "four"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("\"x\":\"https://other/b.git#x\""), "{text}");
        let hidden = found
            .secrets
            .iter()
            .any(|secret| secret.expose() == "three");
        assert!(hidden);
    }
}
