//! What has come out of a run, also of one that failed.

use std::path::PathBuf;

use crate::input::CacheEntry;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::execute::buildx::build_result::BuildResult;
use crate::execute::buildx::export::Export;
use crate::execute::error::{Error, FailedTest, UnreachableNode};
use crate::execute::progress::trace::Trace;
use crate::execute::pushes::{Push, Pushes};
use crate::execute::verified::Verified;
use crate::image::{Digest, ImageName, Reference, Registry};
use crate::plan::{Build, Exclusions, Plan};
use crate::registry::ManifestBytes;

/// What has come out of a run, also of one that failed.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What has come of each image, in the plan's order.
    pub builds: Vec<ImageOutcome>,
    /// What the registries said before the build.
    pub run_state: RunState,
    /// The file with BuildKit's record of the builds.
    pub record: Option<PathBuf>,
    /// What is worth knowing of what was published.
    pub notices: Vec<String>,
    /// What went wrong without stopping anything.
    pub warnings: Vec<String>,
    /// True when clean-up was given up: the engine did not answer in time.
    pub is_unclean: bool,
}

/// What registries said before the build, and what became of the builder.
#[derive(Debug, Default)]
pub struct RunState {
    /// The images that their registries said they would take.
    pub(crate) allowed: Vec<ImageName>,
    /// The entries of caches that are left out.
    pub(crate) without_caches: Vec<CacheEntry>,
    /// Why nothing is pushed after all, though the plan wanted it.
    pub withheld: Option<String>,
    /// What became of the builder. Who takes a node out of it is alone.
    pub builder_state: Mutex<BuilderState>,
}

impl RunState {
    /// Whether an image is pushed, as far as is known by now.
    pub fn pushes(&self, build: &Build) -> bool {
        build.publication.pushes() && self.withheld.is_none()
    }

    /// What a build leaves out, beside references that are settled: the names too,
    /// where they are written afterwards.
    pub async fn exclusions(&self, settled: Vec<String>, names: bool) -> Exclusions {
        let builder_state = self.builder_state.lock().await;
        let without = self
            .without_caches
            .iter()
            .chain(&builder_state.without_caches);
        Exclusions {
            references: settled,
            push: self.withheld.is_some(),
            names,
            caches: without.cloned().collect(),
        }
    }
}

/// What has come of one image.
#[derive(Debug, Default)]
pub struct ImageOutcome {
    /// What buildx told of the result.
    pub result: BuildResult,
    /// How far each reference has come; none when nothing is pushed.
    pub pushes: Pushes,
    /// True when the content is where its names can be written: in its repositories,
    /// or in the engine's store.
    pub has_content: bool,
    /// The repositories that have it, under no name.
    pub content_in: Vec<ImageName>,
    /// The manifests of the platforms that were built.
    pub manifests: Vec<Digest>,
    /// The bytes of the index or manifest, where they are known here.
    pub index: Option<ManifestBytes>,
    /// True when the builder writes the names, as nobody here can.
    pub builder_names: bool,
    /// The versions that an earlier run has published, and that are kept.
    pub kept: Vec<KeptVersion>,
    /// What the names that were written stood for before, where none is to be written
    /// without all.
    pub before: Vec<FormerName>,
    /// Why names were left where they are, one for each.
    pub kept_back_because: Vec<String>,
    /// The test that has failed, when one has.
    pub failed_test: Option<FailedTest>,
    /// What became of the vertices of the build.
    pub trace: Trace,
    /// What is in the image, in a file for each platform.
    pub sbom_files: Vec<PathBuf>,
    /// What the registries told after the push.
    pub verified: Verified,
    /// How it ended.
    pub ending: Conclusion,
    /// What is worth knowing of what was published.
    pub notices: Vec<String>,
    /// What went wrong without stopping anything.
    pub warnings: Vec<String>,
}

/// What a name stood for before it was written.
#[derive(Clone, Debug)]
pub struct FormerName {
    /// The name.
    pub reference: Reference,
    /// What it stood for; `None` for nothing.
    pub manifest: Option<ManifestBytes>,
}

/// A version that an earlier run has published.
#[derive(Clone, Debug)]
pub struct KeptVersion {
    /// Its name.
    pub reference: String,
    /// What it stands for.
    pub digest: Digest,
}

impl ImageOutcome {
    /// The builder writes the names after all, since this registry cannot be reached.
    pub fn let_builder_name(&mut self, registry: &Registry) {
        let why = || {
            format!(
                "{registry} cannot be reached from this step, so the builder writes the names, \
                 all together with the content"
            )
        };
        self.notices.extend((!self.builder_names).then(why));
        self.builder_names = true;
    }

    /// The first name that is due in each repository that lacks the content.
    pub fn lacking_content(&self) -> Vec<Reference> {
        let first = self.pushes.first_due().into_iter();
        let lacking = first.filter(|first| !self.has_content_in(&first.name));
        lacking.cloned().collect()
    }

    /// True where a repository has something of the image, so that all names can be
    /// written there.
    pub fn has_content_in(&self, image: &ImageName) -> bool {
        self.pushes.is_in(image) || self.content_in.contains(image)
    }

    /// Takes in the versions that are kept: they are there, and the image is theirs.
    pub fn take_kept(&mut self) {
        for kept in &self.kept {
            self.pushes.record_kept(&kept.reference, &kept.digest);
        }
        if let Some(first) = self.kept.first() {
            self.result.digest = Some(first.digest.clone());
        }
    }

    /// Leaves the names to the job that joins the legs: what is published is the content,
    /// by its digest.
    ///
    /// # Errors
    /// When a repository has not taken it, or nobody told its digest.
    pub fn leave_names(&mut self) -> Result<(), Error> {
        self.pushes.failures()?;
        let digest = self.result.digest.as_ref().ok_or(Error::NoDigest)?;
        self.pushes.leave_names(digest);
        Ok(())
    }

    /// Takes in what exporters have pushed under names of their own. What is told of
    /// the image is told of the first.
    pub fn take_apart(&mut self, apart: &[String], export: &Export, success: bool) {
        let Self { result, pushes, .. } = self;
        pushes.record_separate(apart, export, result.digest.as_ref(), success);
        let first = pushes.done().next();
        let Some(first) = first.and_then(|push| push.digest.clone()) else {
            return;
        };
        if result.image_id == result.digest {
            result.image_id = Some(first.clone());
        }
        result.digest = Some(first);
    }
}

/// How the work on an image ended, in GitHub's words for steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// It was not begun.
    #[default]
    Skipped,
    /// All of it was done.
    Success,
    /// Something of it was not done.
    Failure,
    /// The run was cancelled meanwhile.
    Cancelled,
}

impl Outcome {
    /// True where an earlier run has published the version of every image.
    pub fn is_begun(&self, plan: &Plan) -> bool {
        let all = plan.builds.iter().zip(&self.builds);
        let mut pushed = all
            .filter(|(build, _)| self.run_state.pushes(build))
            .peekable();
        pushed.peek().is_some() && pushed.all(|(_, built)| !built.kept.is_empty())
    }

    /// Every push that is done.
    pub fn done(&self) -> impl Iterator<Item = &Push> {
        self.builds.iter().flat_map(|built| built.pushes.done())
    }
}

/// What became of a builder.
#[derive(Debug, Default)]
pub struct BuilderState {
    /// What it said of itself.
    pub inspected: Option<String>,
    /// The nodes that it lacks.
    pub lost: Vec<UnreachableNode>,
    /// Entries of caches that have stopped a build, and are left out.
    pub without_caches: Vec<CacheEntry>,
    /// How often it was changed since it was made: restarted as a cache had made it
    /// stuck, or made again without a node. A build that failed on an earlier
    /// generation may not have failed by itself.
    pub generation: usize,
    /// What is to be told of all that.
    pub warnings: Vec<String>,
}

/// The warning about a cache that is not used.
pub fn left_out(name: &str, why: &str) -> String {
    format!("the build cache {name} is left out, and the image is not at fault: {why}")
}
