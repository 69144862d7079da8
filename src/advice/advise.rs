//! What costs time in a build, the most expensive first.

use std::collections::BTreeSet;

use crate::advice::model::Advice;
use crate::advice::outline::Outline;
use crate::advice::question::Question;
use crate::advice::rules::{base, changing, context, dependencies, emulation, package_lists};

/// How much is said at most.
const MOST: usize = 5;

/// The stages that run on the builder's own platform, as BuildKit names them.
pub fn native_stages(text: &str) -> BTreeSet<String> {
    Outline::read(text).map_or_else(BTreeSet::new, |outline| outline.native())
}

/// What costs time, with what to write in its place. Nothing for a Dockerfile that
/// cannot be read, or has nothing of the kind.
pub fn advise(question: &Question<'_>) -> Vec<Advice> {
    let Some(outline) = Outline::read(question.text) else {
        return Vec::new();
    };
    let rules = [
        dependencies::advise,
        emulation::advise,
        context::advise,
        changing::advise,
        package_lists::advise,
        base::advise,
    ];
    let all = rules.iter().flat_map(|rule| rule(question, &outline));
    let mut all: Vec<Advice> = all.collect();
    all.sort_by(|one, other| {
        let cost = |advice: &Advice| advice.seconds.unwrap_or_default();
        cost(other).total_cmp(&cost(one))
    });
    all.truncate(MOST);
    all
}
