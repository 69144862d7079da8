//! Inputs as they arrive: strings by name, whatever brings them.

use std::collections::BTreeMap;

use super::spec;
use crate::host::Host;

/// The strings of `with:`, by the input's name in lower case.
#[derive(Clone, Debug, Default)]
pub struct RawInputs(BTreeMap<String, String>);

impl RawInputs {
    /// The `INPUT_*` variables, as the runner sets them: the name in upper
    /// case, spaces as `_`, hyphens kept.
    pub fn from_environment(host: &Host) -> Self {
        Self(
            host.vars()
                .filter_map(|(name, value)| {
                    let name = name.strip_prefix("INPUT_")?.to_ascii_lowercase();
                    Some((name, value.to_owned()))
                })
                .collect(),
        )
    }

    /// Sets an input, over what it was.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_ascii_lowercase(), value.to_owned());
    }

    /// An input's value without white space around it, its default when it is
    /// absent or empty.
    pub fn get(&self, name: &str) -> &str {
        match self.0.get(name).map(|value| value.trim()) {
            Some("") | None => spec::find(name).map_or("", |spec| spec.default),
            Some(value) => value,
        }
    }

    /// An input's value to the letter, its default when it is absent.
    pub fn get_untrimmed(&self, name: &str) -> &str {
        match self.0.get(name).map(String::as_str) {
            Some("") | None => spec::find(name).map_or("", |spec| spec.default),
            Some(value) => value,
        }
    }

    /// A value that was given, not a default.
    pub fn given(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The names that were given and that no input has. The runner's own
    /// `entrypoint` and `args` of a `docker://` step are none of them.
    pub fn unknown(&self) -> Vec<&str> {
        self.0
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name.as_str())
            .filter(|name| spec::find(name).is_none() && !matches!(*name, "entrypoint" | "args"))
            .collect()
    }
}
