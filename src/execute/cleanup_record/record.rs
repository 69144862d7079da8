//! What a run makes and has to take away, told to the post step before it is there.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::env_vars;
use crate::execute::cleanup_record::containers::Boot;
use crate::execute::error::Error;
use crate::execute::workdir::run_dir::RunFolder;
use crate::input::builder::Cleanup;
use crate::plan::{Build, BuilderChoice, Handlers, Plan};

/// What is to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CleanupRecord {
    /// The run's folder.
    pub folder: Option<PathBuf>,
    /// The builder that the run makes.
    pub builder: Option<String>,
    /// True when the build cache of the builder is kept.
    pub keep_state: bool,
    /// Handlers that the run has installed.
    pub handlers: Option<Handlers>,
    /// Images that the build leaves in the engine.
    pub images: Vec<String>,
    /// Images in the engine that a later step may use, and that go with the job.
    pub images_of_job: Vec<String>,
    /// Containers that are being made.
    pub boot: Option<Boot>,
}

/// Keeps the state for the post step.
pub type SaveState<'a> = dyn Fn(&str) -> io::Result<()> + 'a;

/// What a run has to take away, told to the post step before it is there.
pub struct Record<'a> {
    pub take_down: RefCell<CleanupRecord>,
    keep: &'a SaveState<'a>,
}

impl<'a> Record<'a> {
    /// Begins the record with all that the plan knows.
    ///
    /// # Errors
    /// When `keep`, which keeps it for the post step, fails.
    pub fn begin(plan: &Plan, folder: &RunFolder, keep: &'a SaveState<'a>) -> io::Result<Self> {
        let made = plan.builder.made().filter(|made| !made.stays);
        let all = plan.cleanup == Cleanup::All;
        // The engine's own builder leaves in the engine what it pushes, too.
        let leaves = all && plan.builder.choice == BuilderChoice::Engine;
        let images = |are_kept: bool, which: fn(&Build) -> bool| {
            if are_kept {
                tags(plan, which)
            } else {
                Vec::new()
            }
        };
        let take_down = CleanupRecord {
            folder: Some(folder.path().to_owned()),
            // As buildx spells it.
            builder: made.map(|made| made.name.to_ascii_lowercase()),
            keep_state: made.is_some_and(|made| made.keeps_state),
            handlers: None,
            images: images(leaves, |build| !build.publication.load),
            images_of_job: images(all, |build| build.publication.load),
            boot: None,
        };
        let record = Self {
            take_down: RefCell::new(take_down),
            keep,
        };
        record.save()?;
        Ok(record)
    }

    /// Adds handlers that the run has installed.
    pub fn add_handlers(&self, handlers: Handlers) -> Result<(), Error> {
        self.take_down.borrow_mut().handlers = Some(handlers);
        self.save().map_err(Error::files(env_vars::GITHUB_STATE))
    }

    /// Adds containers that are about to be made.
    pub fn add_boot(&self, boot: Boot) -> Result<(), Error> {
        self.take_down.borrow_mut().boot = Some(boot);
        self.save().map_err(Error::files(env_vars::GITHUB_STATE))
    }

    /// The containers were made, or could not be: nobody works on them any more.
    pub fn end_boot(&self) -> Result<(), Error> {
        if self.take_down.borrow_mut().boot.take().is_none() {
            return Ok(());
        }
        self.save().map_err(Error::files(env_vars::GITHUB_STATE))
    }

    /// Leaves to the post step only what goes with the job, since the run has
    /// taken the rest away.
    ///
    /// # Errors
    /// As [`Record::begin`].
    pub fn end(self) -> io::Result<()> {
        let left = CleanupRecord {
            images_of_job: self.take_down.take().images_of_job,
            ..CleanupRecord::default()
        };
        self.take_down.replace(left);
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        (self.keep)(&serde_json::to_string(&*self.take_down.borrow())?)
    }
}

/// The references of some images of a plan.
pub fn tags(plan: &Plan, which: fn(&Build) -> bool) -> Vec<String> {
    let builds = plan.builds.iter().filter(|build| which(build));
    let all = builds.flat_map(|build| build.tags.iter().chain(&build.pushed_by_outputs));
    all.cloned().collect()
}
