//! Annotations that name the level they are for.

use crate::image::Platform;
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

/// What of annotations is for a part of an index alone.
pub fn without_index(annotations: &[String]) -> Vec<String> {
    let without = |text: &String| {
        let Some((levels, pair)) = split(text) else {
            return Some(text.clone());
        };
        let rest: Vec<&str> = levels
            .split(',')
            .filter(|level| !level.starts_with("index"))
            .collect();
        (!rest.is_empty()).then(|| format!("{}:{pair}", rest.join(",")))
    };
    annotations.iter().filter_map(without).collect()
}

/// Levels, and the annotation itself; `None` where it names no level.
fn split(text: &str) -> Option<(&str, &str)> {
    levels(text)?;
    text.split_once(':')
}

/// The annotations of an index, as key and value: of itself, or of what it lists for a
/// platform.
pub fn of_index(annotations: &[String], platform: Option<&Platform>) -> Vec<(String, String)> {
    let wanted = if platform.is_some() {
        "manifest-descriptor"
    } else {
        "index"
    };
    let is_it = |level: &str| {
        let (name, of) = level.split_once('[').unwrap_or((level, ""));
        let of = of.trim_end_matches(']');
        let is_of_it = |platform: &Platform| of.parse().is_ok_and(|of: Platform| of == *platform);
        name == wanted && (of.is_empty() || platform.is_some_and(is_of_it))
    };
    let pair = |text: &String| {
        let (levels, pair) = split(text)?;
        let (key, value) = pair.split_once('=')?;
        levels
            .split(',')
            .any(is_it)
            .then(|| (key.to_owned(), value.to_owned()))
    };
    annotations.iter().filter_map(pair).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_index_have_no_annotations_of_its_own() {
        let given = [
            "index:a=1",
            "manifest:b=2",
            "index,manifest:c=x:y",
            "index-descriptor:d=4",
            "manifest-descriptor[linux/arm64]:e=5",
            "manifest-descriptor,index:f=6",
        ]
        .map(str::to_owned);
        assert_eq!(
            without_index(&given),
            [
                "manifest:b=2",
                "manifest:c=x:y",
                "manifest-descriptor[linux/arm64]:e=5",
                "manifest-descriptor:f=6",
            ]
        );
        let keys = |platform: Option<&str>| {
            let platform = platform.map(|one| one.parse().unwrap());
            let pairs = of_index(&given, platform.as_ref());
            pairs.into_iter().map(|(key, _)| key).collect::<String>()
        };
        assert_eq!(keys(None), "acf");
        assert_eq!(keys(Some("linux/arm64")), "ef");
        assert_eq!(keys(Some("linux/amd64")), "f");
    }
}
