//! What a step left behind.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::log::Annotation;

/// How a step ended, as the job sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// Exit code 0 and nothing for the runner to refuse.
    Success,
    /// Another exit code, a signal, or a file command that the runner refused.
    Failure,
    /// [`crate::Control::cancel`] was called.
    Cancelled,
}

/// How a process of a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageRun {
    /// The exit code; none when a signal ended the process.
    pub exit_code: Option<i32>,
    /// The signal that ended the process.
    pub signal: Option<i32>,
    /// From the start to the last line.
    pub elapsed: Duration,
}

/// Everything that a step did, main and post.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StepRun {
    /// How main ended, as the job sees it.
    pub conclusion: Conclusion,
    /// Main's exit code; none when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended main.
    pub signal: Option<i32>,
    /// Main.
    pub main: StageRun,
    /// Post; none where the action has none.
    pub post: Option<StageRun>,
    /// Both streams of both stages as they came, nothing masked.
    pub log: String,
    /// What GitHub's page would show, masked.
    pub shown: String,
    /// Outputs, as they reach other jobs.
    pub outputs: BTreeMap<String, String>,
    /// Outputs with a masked value in them: steps of the same job see them,
    /// other jobs do not.
    pub dropped_outputs: BTreeMap<String, String>,
    /// The files that outputs name, by the output's name: later steps can read them.
    pub files: BTreeMap<String, String>,
    /// What main left for post.
    pub state: BTreeMap<String, String>,
    /// What the step set for the following steps.
    pub env: BTreeMap<String, String>,
    /// Folders that the step added to PATH.
    pub path: Vec<String>,
    /// The job summary, masked; empty when it was refused.
    pub summary: String,
    /// Messages on the run's page.
    pub annotations: Vec<Annotation>,
    /// Every masked value of the job.
    pub masks: Vec<String>,
    /// Files left in `RUNNER_TEMP` at the end of the job, relative to it.
    pub leftovers: Vec<PathBuf>,
    /// Processes of the job that were still there at its end, and were killed:
    /// their command lines.
    pub orphans: Vec<String>,
}

impl StepRun {
    /// Main and post both did what they should.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        let post = self
            .post
            .as_ref()
            .is_none_or(|post| post.exit_code == Some(0));
        self.conclusion == Conclusion::Success && post
    }
}
