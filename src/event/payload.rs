//! The event's payload, read field by field and never refused.

use serde_json::Value;

/// A webhook payload as GitHub sent it. Missing fields read as `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload(Value);

impl Payload {
    /// Takes over a parsed payload.
    pub fn new(value: Value) -> Self {
        Self(value)
    }

    /// The newest commit of the pull request.
    pub fn head_sha(&self) -> Option<&str> {
        self.text(&["pull_request", "head", "sha"])
    }

    /// The repository that the pull request comes from, unless it is gone.
    pub fn head_repository(&self) -> Option<&str> {
        self.text(&["pull_request", "head", "repo", "full_name"])
    }

    /// The branch that the pull request is for.
    pub fn base_branch(&self) -> Option<&str> {
        self.text(&["pull_request", "base", "ref"])
    }

    /// The number of the pull request, as GitHub spells it.
    pub fn pull_request_number(&self) -> Option<String> {
        self.get(&["number"]).map(ToString::to_string)
    }

    /// The branch that a pushed tag was made on, as a ref or a name.
    pub fn tagged_on(&self) -> Option<&str> {
        self.text(&["base_ref"])
    }

    /// The commits of a push, the last one first.
    pub fn commits(&self) -> impl Iterator<Item = &Value> {
        let listed = self.get(&["commits"]).and_then(Value::as_array);
        let head = self.get(&["head_commit"]);
        head.into_iter().chain(listed.into_iter().flatten())
    }

    /// The repository, in the words of GitHub's API.
    pub fn repository(&self) -> Option<&Value> {
        self.get(&["repository"])
    }

    /// The default branch of the repository.
    pub fn default_branch(&self) -> Option<&str> {
        self.text(&["repository", "default_branch"])
    }

    /// Whether the repository is private.
    pub fn is_private(&self) -> Option<bool> {
        self.get(&["repository", "private"])?.as_bool()
    }

    /// What the repository's owner is: `User` or `Organization`.
    pub fn owner_type(&self) -> Option<&str> {
        self.text(&["repository", "owner", "type"])
    }

    /// True when the event is one of an organization's repository.
    pub fn has_organization(&self) -> bool {
        self.get(&["organization"]).is_some()
    }

    /// The value at a path of keys, unless it is absent or null.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let found = path.iter().try_fold(&self.0, |value, key| value.get(key))?;
        (!found.is_null()).then_some(found)
    }

    /// The text at a path of keys.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Every text under one of these keys, at any depth.
    pub fn texts<'a>(&'a self, keys: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let mut left = vec![&self.0];
        let mut texts = Vec::new();
        while let Some(value) = left.pop() {
            if let Value::Object(fields) = value {
                let wanted = fields
                    .iter()
                    .filter(|(key, _)| keys.contains(&key.as_str()));
                texts.extend(wanted.filter_map(|(_, value)| value.as_str()));
                left.extend(fields.values());
            }
            left.extend(value.as_array().into_iter().flatten());
        }
        texts.into_iter()
    }

    /// True when the key is there, be it null.
    pub fn has(&self, path: &[&str]) -> bool {
        path.iter()
            .try_fold(&self.0, |value, key| value.get(key))
            .is_some()
    }
}
