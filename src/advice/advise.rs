//! What costs time in a build, the most expensive first.

use std::collections::BTreeSet;

use crate::advice::model::Advice;
use crate::advice::outline::{Outline, Stage};
use crate::advice::question::Question;
use crate::advice::rules::{base, changing, context, dependencies, emulation, package_lists};

/// What a rule says of one stage.
type StageRule = fn(&Question<'_>, &Outline<'_>, &Stage) -> Option<Advice>;

/// How much is said at most.
const MOST: usize = 5;

/// The stages that run on the builder's own platform, as BuildKit names them.
pub fn native_stages(text: &str) -> BTreeSet<String> {
    Outline::read(text).map_or_else(BTreeSet::new, |outline| outline.native_stages())
}

/// What costs time, with what to write in its place. Nothing for a Dockerfile that
/// cannot be read, or has nothing of the kind.
pub fn advise(question: &Question<'_>) -> Vec<Advice> {
    let Some(outline) = Outline::read(question.text) else {
        return Vec::new();
    };
    let of_stages = |rule: StageRule| {
        let stages = outline.stages.iter();
        let outline = &outline;
        stages.filter_map(move |stage| rule(question, outline, stage))
    };
    let mut all: Vec<Advice> = of_stages(dependencies::advise)
        .chain(emulation::advise(question, &outline))
        .chain(context::advise(question, &outline))
        .chain(of_stages(changing::advise))
        .chain(of_stages(package_lists::advise))
        .chain(base::advise(question, &outline))
        .collect();
    all.sort_by(|one, other| {
        let cost = |advice: &Advice| advice.seconds.unwrap_or_default();
        cost(other).total_cmp(&cost(one))
    });
    all.truncate(MOST);
    all
}
