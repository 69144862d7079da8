//! One build of an image, and what has come of it.

use std::sync::Arc;

use crate::execute::buildx::build_result::BuildResult;
use crate::execute::buildx::cache_deadline::CacheDeadline;
use crate::execute::buildx::export::Export;
use crate::execute::buildx::progress::ProgressObserver;
use crate::execute::buildx::push_stall::Pushing;
use crate::execute::outcome::ImageOutcome;
use crate::execute::workdir::cache_dir;
use crate::host::Signal;
use crate::image::Digest;
use crate::plan::{Build, Content, Exclusions};
use crate::registry::ManifestBytes;

/// A build that has ended.
pub struct BuildAttempt<'a> {
    /// The generation of the builder that it began on.
    pub generation: usize,
    /// What its progress told.
    pub watch: ProgressObserver<'a>,
    /// What its metadata file told, when there is one.
    pub result: Option<BuildResult>,
    /// The bytes of the index, where it was pushed under no name and read since.
    pub index: Option<ManifestBytes>,
    /// The names that were pushed out of the engine's store meanwhile.
    pub pushed: Vec<StorePush>,
    /// How it ended.
    pub done: AttemptResult,
}

/// A name that was to be pushed out of the engine's store.
pub struct StorePush {
    /// The name.
    pub reference: String,
    /// What has become of it.
    pub result: StoreResult,
}

/// What has become of a name that was to be pushed out of the engine's store.
pub enum StoreResult {
    /// It was pushed: this, where the engine tells it.
    Pushed(Option<Digest>),
    /// It was not, in the engine's words.
    Failed(String),
    /// It stands for something newer.
    KeptBack(String),
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
    let due = built.pushes.due();
    let (wait, pushed) = match build.content {
        Content::FromEngine if exclusions.is_content_alone() => {
            let wait = CacheDeadline::for_names(&due, &build.cache, exclusions);
            (wait, Vec::new())
        }
        Content::ByDigest if exclusions.is_content_alone() => {
            let repositories = built.pushes.repositories_of_builder();
            let wait = CacheDeadline::for_references(&repositories, &build.cache, exclusions);
            (wait, repositories)
        }
        _ => (
            CacheDeadline::for_references(&due, &build.cache, exclusions),
            due,
        ),
    };
    ProgressObserver {
        target: build.target.as_deref(),
        export: Export::default(),
        wait: wait.into(),
        pushing: Pushing::of(build, pushed).into(),
        content: Arc::default(),
    }
}
