//! The script that tests an image before it gets its names, and for which platforms.

use serde::Serialize;

use crate::error::InputProblem;
use crate::facts::Facts;
use crate::facts::Machine;
use crate::image::Platform;
use crate::input::{Inputs, TestPlatforms};
use crate::plan::findings::{Findings, Level, Notice};
use crate::plan::image::content::Content;
use crate::plan::image::publication::Publication;

/// What is run before an image gets its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageTest {
    /// The script, for `bash -e`.
    pub script: String,
    /// The platforms that it is run for, in this order.
    pub platforms: Vec<Platform>,
}

/// What the decision is about.
pub struct Question<'a> {
    pub inputs: &'a Inputs,
    pub facts: &'a Facts,
    pub platforms: &'a [Platform],
    pub publication: &'a Publication,
    pub content: Content,
    /// True where the result is in an engine.
    pub is_in_engine: bool,
}

impl Question<'_> {
    /// The test; `None` where there is none to run.
    pub fn decide(&self, findings: &mut Findings) -> Option<ImageTest> {
        let script = self.inputs.test.clone()?;
        if !self.publication.builds() {
            return None;
        }
        findings.problems.extend(self.problem(&script));
        if !self.publication.pushes_tags() && !self.is_in_engine {
            findings.notices.push(untested_notice(
                "nothing is pushed, and the image is in no engine; `load: true` puts it there",
            ));
            return None;
        }
        let platforms = self.tested_platforms();
        if platforms.is_empty() {
            findings.notices.push(untested_notice(
                "no platform of the image is this machine's own; `test-platforms: all` tests under \
                 emulation",
            ));
            return None;
        }
        Some(ImageTest { script, platforms })
    }

    fn tested_platforms(&self) -> Vec<Platform> {
        let machine = self.facts.machine.clone().unwrap_or_else(Machine::own);
        let own = |platform: &&Platform| {
            platform.os == "linux" && platform.architecture == machine.architecture
        };
        match (self.inputs.test_platforms, self.platforms) {
            (_, []) => Platform::of_linux().filter(|one| own(&one)).collect(),
            (TestPlatforms::All, all) => all.to_vec(),
            (TestPlatforms::Native, all) => all.iter().filter(own).cloned().collect(),
        }
    }

    fn problem(&self, script: &str) -> Option<InputProblem> {
        let problem = |why: &str, accepted: &str| InputProblem::new("test", script, why, accepted);
        if self.facts.paths.mounts.is_some() {
            let why = "this step is an image, which has neither bash nor docker";
            return Some(problem(
                why,
                "the action itself, `uses: OWNER/stevedore@v1`",
            ));
        }
        let is_named_at_once = self.publication.pushes_tags() && !self.content.is_first();
        is_named_at_once.then(|| {
            problem(
                "this build pushes content and names in one act, so nothing can be tested in \
                 between",
                "no `outputs`, no `load` with another builder than the engine's, and an engine \
                 that is not reached over SSH",
            )
        })
    }
}

fn untested_notice(why: &str) -> Notice {
    Notice {
        level: Level::Notice,
        title: "Test".to_owned(),
        message: format!("`test` is not run: {why}"),
    }
}
