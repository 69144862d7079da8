//! Entries of `cache-from` and `cache-to`: what each is, and where it is kept.

use crate::image::{ImageName, reference};
use crate::input::grammar::csv;

/// The `type` of a cache entry; a bare reference is a registry's.
pub fn cache_kind(entry: &str) -> String {
    let attributes = csv::attributes(entry).unwrap_or_default();
    let kind = csv::value(&attributes, "type");
    kind.unwrap_or("registry").to_owned()
}

/// The reference in an entry of `cache-from` or `cache-to`: `type=registry,ref=…`,
/// or the reference alone.
pub fn registry_reference(entry: &str) -> Option<String> {
    let attributes = csv::attributes(entry).ok()?;
    if let [(name, only)] = attributes.as_slice()
        && name.is_empty()
    {
        return Some(only.clone());
    }
    let is_registry = csv::value(&attributes, "type") == Some("registry");
    let reference = csv::value(&attributes, "ref").filter(|_| is_registry);
    reference.map(str::to_owned)
}

/// What a cache is called: a registry's by its reference, another by its type.
/// The entry itself may hold a token.
pub fn cache_name(entry: &str) -> String {
    let reference = registry_reference(entry);
    reference.unwrap_or_else(|| format!("type={}", cache_kind(entry)))
}

/// The repository of a reference, and its tag or digest.
pub fn repository(reference: &str) -> Option<(ImageName, String)> {
    let (_, tag, digest) = reference::split(reference);
    let kept = digest.or(tag).unwrap_or("latest");
    Some((reference::name(reference)?, kept.to_owned()))
}
