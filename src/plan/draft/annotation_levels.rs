//! Annotations that name the level they are for.

use crate::input::grammar::list::Entry;

/// The levels of annotations that buildx knows.
const LEVELS: [&str; 4] = [
    "manifest",
    "index",
    "manifest-descriptor",
    "index-descriptor",
];

/// Takes out annotations that name the level they are for, such as
/// `index:KEY=VALUE` or `manifest[linux/amd64],index:KEY=VALUE`.
pub fn take_levelled(annotations: &mut Vec<Entry>) -> Vec<String> {
    let (levelled, rest) = std::mem::take(annotations)
        .into_iter()
        .partition::<Vec<_>, _>(|entry| levels(&entry.text).is_some());
    *annotations = rest;
    levelled.into_iter().map(|entry| entry.text).collect()
}

pub fn is_of_index(text: &str) -> bool {
    let levels = levels(text).unwrap_or_default();
    levels.iter().any(|level| level.starts_with("index"))
}

/// The levels that an annotation names, without their platforms.
pub fn levels(text: &str) -> Option<Vec<&str>> {
    let level = |text| {
        let name = match str::split_once(text, '[') {
            Some((name, platform)) if platform.ends_with(']') => name,
            _ => text,
        };
        LEVELS.contains(&name).then_some(name)
    };
    let key = text.split('=').next().unwrap_or_default();
    let (levels, _) = key.split_once(':')?;
    levels.split(',').map(level).collect()
}
