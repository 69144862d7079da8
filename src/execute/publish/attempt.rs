//! One build of an image, and what has come of it.

use crate::execute::buildx::build_result::BuildResult;
use crate::execute::buildx::cache_deadline::CacheDeadline;
use crate::execute::buildx::export::Export;
use crate::execute::buildx::progress::ProgressObserver;
use crate::execute::buildx::push_stall::Pushing;
use crate::execute::outcome::ImageOutcome;
use crate::execute::workdir::cache_dir;
use crate::host::Signal;
use crate::plan::{Build, Exclusions};

/// A build that has ended.
pub struct BuildAttempt<'a> {
    /// The generation of the builder that it began on.
    pub generation: usize,
    /// What its progress told.
    pub watch: ProgressObserver<'a>,
    /// What its metadata file told, when there is one.
    pub result: Option<BuildResult>,
    /// How it ended.
    pub done: AttemptResult,
}

/// How the build of an image ended.
pub enum AttemptResult {
    /// All was built, and pushed.
    Well,
    /// It was ended with that of another image.
    Stopped,
    /// With this exit code and these last words.
    Failed(Option<i32>, String),
    /// On a signal.
    Cancelled(Signal),
}

/// What is looked for while an image is built. A local cache is written anew.
pub fn observer<'a>(
    build: &'a Build,
    built: &ImageOutcome,
    exclusions: &Exclusions,
) -> ProgressObserver<'a> {
    build.cache.local.as_ref().map(cache_dir::clear);
    ProgressObserver {
        target: build.target.as_deref(),
        export: Export::default(),
        wait: CacheDeadline::after(built.pushes.due(), &build.cache, exclusions).into(),
        pushing: Pushing::of(build, built.pushes.due()).into(),
    }
}
