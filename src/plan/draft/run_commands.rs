//! Whether a build runs commands, and on which platforms.
//!
//! Where the Dockerfile is not seen from here, or not understood, it counts as
//! one with a `RUN` for every platform.

use crate::facts::Machine;
use crate::image::Platform;
use crate::plan::dockerfile::commands::Question;
use crate::plan::draft::bake_target::is_linked;
use crate::plan::draft::request::ImageRequest;
use crate::plan::image::context::{BuildContext, ContextKind};

/// True when any command is run, also one on the builder's own platform.
pub fn are_run(request: &ImageRequest<'_>, source: &BuildContext, platforms: &[Platform]) -> bool {
    let Some(mut read) = question(request, source).and_then(Question::read) else {
        return true;
    };
    let own = [Machine::own().platform()];
    let platforms = match platforms {
        [] => &own,
        some => some,
    };
    let mut platforms = platforms.iter();
    platforms.any(|platform| read.runs(platform) != Some(false))
}

/// What is asked of the Dockerfile, where it tells of every command.
pub fn question<'a>(request: &'a ImageRequest<'_>, source: &BuildContext) -> Option<Question<'a>> {
    if request.target.is_some_and(is_linked) {
        // What it is made from may hold a RUN.
        return None;
    }
    dockerfile(request, source)
}

/// The Dockerfile, where it is seen from here.
pub fn dockerfile<'a>(
    request: &'a ImageRequest<'_>,
    source: &BuildContext,
) -> Option<Question<'a>> {
    let text = match source.kind {
        ContextKind::Local => request.workspace.dockerfile.as_deref()?,
        ContextKind::Repository { .. } | ContextKind::Remote => return None,
    };
    Some(Question {
        text,
        target: request.inputs.target.as_deref(),
        arguments: &request.inputs.build_args,
    })
}
