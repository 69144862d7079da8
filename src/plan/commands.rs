//! Whether a build runs commands, and on which platforms.
//!
//! Where the Dockerfile is not seen from here, or not understood, it counts as
//! one with a `RUN` for every platform.

use std::collections::BTreeSet;

use super::dockerfile::Question;
use super::draft::{Draft, Wanted};
use super::targets::is_linked;
use super::{BuildContext, ContextKind};
use crate::facts::Machine;
use crate::image::Platform;

/// The platforms that commands run on.
pub(super) fn running(draft: &Draft<'_>, platforms: &[Platform]) -> BTreeSet<Platform> {
    let mut read = question(draft.wanted, &draft.source).and_then(Question::read);
    let of = |platform: &Platform| {
        let read = read.as_mut();
        let known = read.and_then(|read| read.platforms_that_run(platform));
        known.unwrap_or_else(|| BTreeSet::from([platform.clone()]))
    };
    platforms.iter().flat_map(of).collect()
}

/// True when any command is run, also one on the builder's own platform.
pub(super) fn are_run(wanted: &Wanted<'_>, source: &BuildContext, platforms: &[Platform]) -> bool {
    let Some(mut read) = question(wanted, source).and_then(Question::read) else {
        return true;
    };
    let own = [Machine::this().platform()];
    let platforms = match platforms {
        [] => &own,
        some => some,
    };
    let mut platforms = platforms.iter();
    platforms.any(|platform| read.runs(platform) != Some(false))
}

/// What is asked of the Dockerfile, where it tells of every command.
fn question<'a>(wanted: &'a Wanted<'_>, source: &BuildContext) -> Option<Question<'a>> {
    if wanted.target.is_some_and(is_linked) {
        // What it is made from may hold a RUN.
        return None;
    }
    dockerfile(wanted, source)
}

/// The Dockerfile, where it is seen from here.
pub(super) fn dockerfile<'a>(
    wanted: &'a Wanted<'_>,
    source: &BuildContext,
) -> Option<Question<'a>> {
    let text = match source.kind {
        ContextKind::Local => wanted.workspace.dockerfile.as_deref()?,
        ContextKind::Repository { .. } | ContextKind::Remote => return None,
    };
    Some(Question {
        text,
        target: wanted.inputs.target.as_deref(),
        arguments: &wanted.inputs.build_args,
    })
}
