//! The action as the runner starts it, with the runner's Node.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use lab_runner::Step;
use serde_json::Value;

use crate::place::{GIT_REF, NOW, Place, REPOSITORY, SHA, root};

pub(crate) struct Action {
    node: PathBuf,
    event: Value,
}

impl Action {
    pub(crate) fn prepare(place: &Place) -> Result<Self, Box<dyn Error>> {
        let found = Command::new(root().join("lab/node.sh")).output()?;
        if !found.status.success() {
            return Err(String::from_utf8_lossy(&found.stderr).into());
        }
        let event = fs::read_to_string(root().join("examples/events/push-tag.json"))?;
        fs::create_dir_all(place.path("tools"))?;
        Ok(Self {
            node: String::from_utf8(found.stdout)?.trim().into(),
            event: serde_json::from_str(&event)?,
        })
    }

    /// Main and post together of the publication of all figures, changed like this;
    /// without what the stand-in for the runner does around them.
    pub(crate) fn time(
        &self,
        place: &Place,
        change: impl Fn(Step) -> Step,
    ) -> Result<Duration, Box<dyn Error>> {
        let mut step = Step::node(root())
            .event("push", self.event.clone())
            .git_ref(GIT_REF)
            .sha(SHA)
            .repository(REPOSITORY)
            .workspace(Place::workspace())
            .tool_cache(place.path("tools"))
            .node_program(&self.node)
            .env("STEVEDORE_NOW", NOW)
            .env("HOME", place.path("home").to_string_lossy())
            .secret("LAB_PASSWORD", &place.password)
            .with("password", "${{ secrets.LAB_PASSWORD }}");
        for (name, value) in place.inputs() {
            step = step.with(name, value);
        }
        let run = change(step).run()?;
        match run.post {
            Some(ref post) if run.succeeded() => Ok(run.main.elapsed + post.elapsed),
            _ => Err(run.log.into()),
        }
    }
}
