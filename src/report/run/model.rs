//! The report of a run. docs/report.md describes it; its shape has a version.

use serde::{Deserialize, Serialize};

use crate::advice::Advice;
use crate::execute::Conclusion;

/// The version of the shape.
pub const SCHEMA: u32 = 1;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Report {
    /// The version of the shape.
    pub schema: u32,
    /// The version of the program.
    pub stevedore: String,
    /// True when everything that was planned was done.
    pub success: bool,
    /// How long the run took, in seconds.
    pub seconds: f64,
    /// What the run decided by itself, each with its reason.
    pub decisions: Vec<String>,
    /// What failed, one for each thing to fix.
    pub errors: Vec<FailureReport>,
    /// What went wrong without stopping anything.
    pub warnings: Vec<String>,
    /// Each image.
    pub images: Vec<Image>,
}

/// Something that failed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FailureReport {
    /// What kind of thing it is, such as `Build` or `Push refused`.
    pub title: String,
    /// What failed, why, and what to do.
    pub message: String,
    /// The file of the repository that it is about, and the line, from 1; empty and 0
    /// where there is none.
    pub file: String,
    /// The line.
    pub line: u32,
}

/// What has come of one image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Image {
    /// The target of a bake file; empty without one.
    pub target: String,
    /// How the work on it ended.
    pub outcome: Conclusion,
    /// The digest of the index or manifest; empty where there is none.
    pub digest: String,
    /// Every reference, and how far it has come.
    pub names: Vec<Name>,
    /// The platforms that are in the registry.
    pub platforms: Vec<Platform>,
    /// The number of attestation manifests beside them.
    pub attestations: usize,
    /// The Dockerfile, as a file of the repository; empty where it is not one.
    pub dockerfile: String,
    /// The steps of the build, in the order in which they became known; without those
    /// that were never begun.
    pub steps: Vec<Step>,
    /// What would make the build faster, the most expensive first.
    pub advice: Vec<Advice>,
}

/// One reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Name {
    /// `HOST/NAME:TAG`.
    pub reference: String,
    /// How far it has come.
    pub state: NameState,
}

/// How far a reference has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameState {
    /// It was not tried.
    #[default]
    NotWritten,
    /// It is in its registry.
    Published,
    /// It stands for a newer version or commit, and was left there.
    KeptBack,
    /// It stands again for what it stood for before.
    PutBack,
    /// It could not be written.
    Failed,
}

/// One platform of a published image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Platform {
    /// `OS/ARCHITECTURE`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The compressed bytes that a pull takes; `null` where that is not known.
    pub bytes: Option<u64>,
    /// What has changed; `null` where there was nothing before, or it is not known.
    pub change: Option<Change>,
}

/// What has changed against the image that the name that moves most stood for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Change {
    /// The name.
    pub reference: String,
    /// The digest of the platform's manifest before.
    pub digest: String,
    /// The compressed bytes of a pull before.
    pub bytes_before: u64,
    /// How many layers are new.
    pub new_layers: usize,
    /// How many there are.
    pub layers: usize,
    /// The compressed bytes of the new ones: what a puller of the old image downloads.
    pub download: u64,
    /// True when the first layer is the same. Where the image has a base, that is the
    /// base's.
    pub same_first_layer: bool,
}

/// One step of a build, of the Dockerfile or of BuildKit's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// As BuildKit names it, such as `[linux/arm64 build 2/3] RUN make`.
    pub name: String,
    /// The target that it is of, where that is not the image's own.
    pub target: String,
    /// The platform that it is for; empty for what is for none.
    pub platform: String,
    /// The stage of the Dockerfile, and which step of it; empty and 0 otherwise.
    pub stage: String,
    /// Which step of the stage it is.
    pub number: usize,
    /// What it does, such as `RUN make`.
    pub instruction: String,
    /// When it began, in seconds from the first step on.
    pub began: f64,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// How it ended.
    pub outcome: StepOutcome,
    /// True when it ran in emulation.
    pub emulated: bool,
    /// The bytes that were sent or fetched for it.
    pub bytes: u64,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// The build ended before it.
    #[default]
    Unfinished,
    /// It was done.
    Done,
    /// It was cached.
    Cached,
    /// It was cached, and its layer was fetched for another step to run on.
    Fetched,
    /// It was given up, as another one failed.
    Cancelled,
    /// It failed.
    Failed,
}

impl StepOutcome {
    /// As the report spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfinished => "unfinished",
            Self::Done => "done",
            Self::Cached => "cached",
            Self::Fetched => "fetched",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

impl Step {
    /// True for a step of the Dockerfile that is worth a look: not a base image.
    pub fn is_work(&self) -> bool {
        self.number > 0 && !self.instruction.starts_with("FROM ")
    }

    /// True when it took no work.
    pub fn is_cached(&self) -> bool {
        matches!(self.outcome, StepOutcome::Cached | StepOutcome::Fetched)
    }

    /// What it does, and where: `build 2 RUN make`.
    pub fn short_name(&self) -> String {
        if self.number == 0 {
            return self.name.clone();
        }
        let stage = match self.stage.as_str() {
            "" => String::new(),
            stage => format!("{stage} "),
        };
        format!("{stage}{} {}", self.number, self.instruction)
    }
}
