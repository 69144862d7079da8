//! Caches that would take the place of an image: what pulls it would get no
//! image any more.

use crate::error::InputProblem;
use crate::image::ImageName;
use crate::image::reference::repository;
use crate::input::build::output::Output;
use crate::plan::build::model::Build;

/// A problem for each cache that is written to a reference of an image.
pub fn problems<'a>(
    builds: &[Build],
    outputs: impl Iterator<Item = &'a Output>,
) -> Vec<InputProblem> {
    let named = outputs
        .filter_map(|output| output.attribute("name"))
        .flat_map(|names| names.split(','));
    let tags = builds.iter().flat_map(|build| &build.tags);
    let images: Vec<(ImageName, String)> = tags
        .map(String::as_str)
        .chain(named.map(str::trim))
        .filter_map(repository)
        .collect();
    let mut problems = Vec::new();
    for build in builds {
        for entry in &build.cache.to {
            let place = entry.reference().and_then(repository);
            let Some((name, tag)) = place.filter(|place| images.contains(place)) else {
                continue;
            };
            let input = if build.cache.added {
                "cache"
            } else {
                "cache-to"
            };
            let input = match &build.target {
                Some(target) => format!("target {target}: {input}"),
                None => input.to_owned(),
            };
            let why =
                format!("{name}:{tag} is an image of this run, and the cache would replace it");
            let accepted = format!("a tag of its own, such as {name}:buildcache");
            problems.push(InputProblem::new(&input, entry.text(), why, accepted));
        }
    }
    problems
}
