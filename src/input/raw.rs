//! Inputs as they arrive: strings by name, whatever brings them.

use std::collections::BTreeMap;

use crate::host::Host;
use crate::input::grammar::javascript;
use crate::input::spec::{ActionKind, InputSpec};

/// The strings of `with:`, by the input's name in lower case.
#[derive(Clone, Debug, Default)]
pub struct RawInputs {
    part: ActionKind,
    given: BTreeMap<String, String>,
}

impl RawInputs {
    /// The `INPUT_*` variables, as the runner sets them: the name in upper
    /// case, spaces as `_`, hyphens kept.
    pub fn from_environment(part: ActionKind, host: &Host) -> Self {
        let given = host.vars().filter_map(|(name, value)| {
            let name = name.strip_prefix("INPUT_")?.to_ascii_lowercase();
            Some((name, value.to_owned()))
        });
        Self {
            part,
            given: given.collect(),
        }
    }

    /// Whose inputs they are.
    pub fn part(&self) -> ActionKind {
        self.part
    }

    /// Sets an input, over what it was.
    pub fn set(&mut self, name: &str, value: &str) {
        self.given
            .insert(name.to_ascii_lowercase(), value.to_owned());
    }

    /// An input's value without white space around it, as GitHub's toolkit reads
    /// it; its default when it is absent or empty.
    pub fn get(&self, name: &str) -> &str {
        match self.given.get(name).map(|value| javascript::trim(value)) {
            Some("") | None => self.default_of(name),
            Some(value) => value,
        }
    }

    /// An input's value to the letter, its default when it is absent or empty.
    pub fn get_untrimmed(&self, name: &str) -> &str {
        match self.given.get(name).map(String::as_str) {
            Some("") | None => self.default_of(name),
            Some(value) => value,
        }
    }

    fn spec(&self, name: &str) -> Option<&'static InputSpec> {
        self.part.find(name)
    }

    fn default_of(&self, name: &str) -> &'static str {
        self.spec(name).map_or("", |spec| spec.default)
    }

    /// A value that was given, not a default.
    pub fn given(&self, name: &str) -> Option<&str> {
        let value = javascript::trim(self.given.get(name)?);
        (!value.is_empty()).then_some(value)
    }

    /// The names that were given and that no input has. The runner's own
    /// `entrypoint` and `args` of a `docker://` step are none of them.
    pub fn unknown(&self) -> Vec<&str> {
        self.given
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name.as_str())
            .filter(|name| self.spec(name).is_none() && !matches!(*name, "entrypoint" | "args"))
            .collect()
    }
}
