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
