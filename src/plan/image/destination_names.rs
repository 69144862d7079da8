//! The names that an image gets in its registries, in the order in which they are
//! written: one that moves is written when those are there that do not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::image::{Motion, Reference};

/// A name that an image gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DestinationName {
    /// `NAME:TAG`, as the workflow spells it.
    pub reference: String,
    /// Whether it stays with this image.
    pub motion: Motion,
}

/// The names for these references. `motions` has those of the rules' tags.
pub fn in_order(references: &[String], motions: &BTreeMap<String, Motion>) -> Vec<DestinationName> {
    let name = |text: &String| {
        let reference = Reference::parse(text).ok()?;
        let tag = reference.tag.as_ref()?.as_str();
        let motion = motions.get(tag).copied();
        Some(DestinationName {
            reference: text.clone(),
            motion: motion.unwrap_or_else(|| Motion::of_given(tag)),
        })
    };
    let mut names: Vec<DestinationName> = references.iter().filter_map(name).collect();
    names.sort_by_key(|name| name.motion);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_written_after_what_does_not() {
        let motions = BTreeMap::from([
            ("1".to_owned(), Motion::Moving),
            ("1.2.3".to_owned(), Motion::Fixed),
        ]);
        let given = ["a/b:1", "a/b:latest", "a/b:1.2.3", "c/d:mine"].map(str::to_owned);
        let names = in_order(&given, &motions);
        let references: Vec<&str> = names.iter().map(|name| name.reference.as_str()).collect();
        assert_eq!(references, ["a/b:1.2.3", "c/d:mine", "a/b:1", "a/b:latest"]);
    }
}
