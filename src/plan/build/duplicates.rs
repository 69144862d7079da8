//! Targets that would be published under the same name.

use std::collections::HashMap;

use crate::error::InputProblem;
use crate::image::reference;
use crate::plan::build::model::Build;

/// References that two targets would push.
pub fn problems(builds: &[Build]) -> Vec<InputProblem> {
    let mut problems = Vec::new();
    let builds: Vec<&Build> = builds
        .iter()
        .filter(|build| build.makes_an_image())
        .collect();
    // In full, with the first build that has it and its place there.
    let mut taken: HashMap<String, (usize, usize)> = HashMap::new();
    for (index, build) in builds.iter().enumerate() {
        let own: Vec<String> = build
            .tags
            .iter()
            .map(|tag| reference::in_full(tag))
            .collect();
        let first = own.iter().filter_map(|tag| taken.get(tag)).min().copied();
        for (place, tag) in own.into_iter().enumerate() {
            taken.entry(tag).or_insert((index, place));
        }
        let Some((other, place)) = first else {
            continue;
        };
        let other = builds[other];
        let tag = &other.tags[place];
        let name = |build: &Build| build.target.clone().unwrap_or_default();
        let why = format!("{} and {} would both be {tag}", name(other), name(build));
        let accepted = "a name of its own in `tags` of each target, or \
                        `flavor: suffix=-{{target}},onlatest=true`";
        problems.push(InputProblem::new("targets", name(build), why, accepted));
    }
    problems
}
