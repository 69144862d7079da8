//! What has changed against the image that a name stood for before.

use std::collections::BTreeSet;

use crate::execute::{FormerImage, PublishedPlatform};
use crate::image::Digest;
use crate::report::run::model::Change;

/// What has changed for one platform; `None` where there was none, or it is not known.
pub fn change(former: &FormerImage, now: &PublishedPlatform) -> Option<Change> {
    let mut all = former.platforms.iter();
    let before = all.find(|platform| platform.platform == now.platform)?;
    let (bytes_before, _) = (before.size?, now.size?);
    if now.layers.is_empty() || before.layers.is_empty() {
        return None;
    }
    let known: BTreeSet<&Digest> = before.layers.iter().map(|layer| &layer.digest).collect();
    let new: Vec<u64> = now
        .layers
        .iter()
        .filter(|layer| !known.contains(&layer.digest))
        .map(|layer| layer.size)
        .collect();
    let first = |platform: &PublishedPlatform| {
        let layer = platform.layers.first();
        layer.map(|layer| layer.digest.clone())
    };
    Some(Change {
        reference: former.reference.clone(),
        digest: before.digest.to_string(),
        bytes_before,
        new_layers: new.len(),
        layers: now.layers.len(),
        download: new.iter().copied().fold(0, u64::saturating_add),
        same_first_layer: first(before) == first(now),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Layer;

    fn platform(layers: &[(&str, u64)]) -> PublishedPlatform {
        let layer = |(text, size): &(&str, u64)| Layer {
            digest: Digest::of(text.as_bytes()),
            size: *size,
        };
        PublishedPlatform {
            platform: "linux/amd64".to_owned(),
            digest: Digest::of(b"m"),
            size: Some(layers.iter().map(|(_, size)| size).sum()),
            layers: layers.iter().map(layer).collect(),
        }
    }

    #[test]
    fn a_puller_of_the_old_one_downloads_what_is_new() {
        let former = FormerImage {
            reference: "r/a:latest".to_owned(),
            digest: Digest::of(b"i"),
            platforms: vec![platform(&[("base", 100), ("app", 20)])],
        };
        let of = |layers: &[(&str, u64)]| change(&former, &platform(layers)).unwrap();
        let app = of(&[("base", 100), ("app 2", 30)]);
        assert_eq!((app.download, app.new_layers, app.layers), (30, 1, 2));
        assert!(app.same_first_layer);
        assert_eq!(app.bytes_before, 120);
        let base = of(&[("base 2", 110), ("app", 20)]);
        assert_eq!((base.download, base.same_first_layer), (110, false));
        let unknown = PublishedPlatform {
            size: None,
            ..platform(&[])
        };
        assert_eq!(change(&former, &unknown), None);
    }
}
