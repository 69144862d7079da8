//! A target of a bake file, and what it is made from.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::InputProblem;
use crate::facts::bake::definition::{self, Definition};
use crate::facts::bake::logins::FoundLogins;
use crate::facts::bake::reach::{Allowed, MachineAccess, reach_of};
use crate::facts::workspace::Workspace;
use crate::host::{Host, file};
use crate::input::build::bake::SecretSpec;

/// A target that is built.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// The target as buildx prints it.
    pub definition: Definition,
    /// It and the targets that it is made from, by their names.
    pub family: Map<String, Value>,
    /// What is in its context.
    pub workspace: Workspace,
    /// Variables of its secrets that are not set.
    pub unset: Vec<String>,
    /// What it and those that it is made from want of the machine, beside the
    /// workspace.
    pub reaches: Vec<MachineAccess>,
    /// The logins for Git repositories that each of them had in an address, by
    /// their places in those of all targets.
    pub git_logins: BTreeMap<String, Vec<usize>>,
    /// The addresses whose login stays in them, each as key and host.
    pub left_logins: Vec<(String, String)>,
    /// What is wrong with any of them.
    pub problems: Vec<InputProblem>,
}

impl Target {
    /// `None` for a name that buildx would not accept, or take for an option.
    pub fn inspect(
        name: &str,
        all: &Map<String, Value>,
        host: &Host,
        allowed: &Allowed,
        text: usize,
    ) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_plain) {
            return None;
        }
        let mut family = Map::new();
        add_family(name, all, &mut family);
        let mut target = Self {
            name: name.to_owned(),
            definition: all.get(name)?.as_object()?.clone(),
            family,
            ..Self::default()
        };
        let variables = target.variables().into_iter();
        target.unset = variables.filter(|name| host.var(name).is_none()).collect();
        let limit = text.min(file::SETTINGS);
        let (context, file) = (target.context(), target.file());
        target.workspace = Workspace::look(host, Some(&context), Some(&file), limit);
        if let Some(inline) = target.text("dockerfile-inline") {
            target.workspace.dockerfile = (inline.len() <= limit).then_some(inline);
            target.workspace.no_dockerfile = None;
        }
        let reaches = target
            .definitions()
            .flat_map(|(name, one)| reach_of(name, one, all, host, allowed));
        target.reaches = reaches.collect();
        Some(target)
    }

    /// Takes over what was taken out of its addresses, and of those that it is made
    /// from.
    pub fn take_logins(&mut self, found: &FoundLogins) {
        for name in self.family.keys() {
            let own = found.of.get(name).cloned().unwrap_or_default();
            self.git_logins.insert(name.clone(), own.git);
            self.left_logins.extend(own.left);
            self.problems.extend(own.problems);
        }
    }

    /// It and the targets that it is made from.
    pub fn definitions(&self) -> impl Iterator<Item = (&str, &Definition)> {
        let all = self.family.iter();
        all.filter_map(|(name, one)| Some((name.as_str(), one.as_object()?)))
    }

    /// The entries of a key of it or of one that it is made from.
    pub fn entries_of(&self, name: &str, key: &str) -> Vec<String> {
        let definition = self.family.get(name).and_then(Value::as_object);
        definition.map_or_else(Vec::new, |one| definition::entries(one, key))
    }

    /// The caches that are read for those that it is made from.
    pub fn linked_caches(&self) -> impl Iterator<Item = String> {
        let linked = self.family.keys().filter(|name| **name != self.name);
        linked.flat_map(|name| self.entries_of(name, "cache-from"))
    }

    /// The build context.
    pub fn context(&self) -> String {
        definition::context(&self.definition)
    }

    /// The Dockerfile, from the working directory where the context is a folder.
    pub fn file(&self) -> String {
        definition::file(&self.definition)
    }

    /// The variables that its secrets are in.
    fn variables(&self) -> Vec<String> {
        let secrets = self.entries("secret").into_iter();
        let variables = secrets.filter_map(|entry| SecretSpec::parse(&entry).variable);
        variables.collect()
    }

    /// A text of the definition, as it is meant.
    pub fn text(&self, key: &str) -> Option<String> {
        definition::text(&self.definition, key)
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Vec<String> {
        definition::texts(&self.definition, key)
    }

    /// A map of texts; what is unset is left out.
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        definition::pairs(&self.definition, key)
    }

    /// Entries such as those of `cache-to`.
    pub fn entries(&self, key: &str) -> Vec<String> {
        definition::entries(&self.definition, key)
    }
}

/// Adds a target and those that it is made from.
fn add_family(name: &str, all: &Map<String, Value>, family: &mut Map<String, Value>) {
    let Some(definition) = all.get(name).filter(|_| !family.contains_key(name)) else {
        return;
    };
    family.insert(name.to_owned(), definition.clone());
    let contexts = definition.get("contexts").and_then(Value::as_object);
    let places = contexts.into_iter().flat_map(Map::values);
    for place in places.filter_map(Value::as_str) {
        if let Some(other) = place.strip_prefix("target:") {
            add_family(other, all, family);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_known() {
        let definition = r#"{"secret":[{"id":"a","env":"A"},"id=b,env=B",
            "type=env,id=d,src=D",{"id":"c","src":"f"}]}"#;
        let all: Value = serde_json::from_str(&format!(r#"{{"a":{definition}}}"#)).unwrap();
        let host = Host::with(&[], Path::new("/nowhere"), jiff::Timestamp::UNIX_EPOCH);
        let allowed = Allowed::of(&[], &host);
        let target = Target::inspect("a", all.as_object().unwrap(), &host, &allowed, 0).unwrap();
        assert_eq!(target.unset, ["A", "B", "D"]);
    }
}
