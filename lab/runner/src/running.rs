//! A step that was started: signalled, cancelled, waited for.

use std::time::Duration;

use crate::active::{Active, Phase};
use crate::job::Job;
use crate::log::Sink;
use crate::process::Signal;
use crate::stage::{Control, Stage};
use crate::{Error, Spec, StepRun};

/// A step whose main stage was started.
#[derive(Debug)]
pub struct Running {
    job: Job,
    step: Active,
    main: Stage,
}

impl Running {
    pub(crate) fn start(mut job: Job, spec: Spec, sink: Option<Sink>) -> Result<Self, Error> {
        let mut step = job.prepare(spec, sink)?;
        let main = job.start(&mut step, Phase::Main)?;
        Ok(Self { job, step, main })
    }

    /// A hand on the process, for other threads.
    #[must_use]
    pub fn control(&self) -> Control {
        self.job.control.clone()
    }

    /// See [`Control::cancel`].
    pub fn cancel(&self) {
        self.job.control.cancel();
    }

    /// See [`Control::signal`].
    #[must_use]
    pub fn signal(&self, signal: Signal) -> bool {
        self.job.control.signal(signal)
    }

    /// See [`Control::pid`].
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.job.control.pid()
    }

    /// Waits until the log, unmasked, holds `text`; false when `time` was not enough.
    #[must_use]
    pub fn wait_for(&self, text: &str, time: Duration) -> bool {
        self.step.log.wait_for(text, time)
    }

    /// `RUNNER_TEMP` of the running job.
    #[must_use]
    pub fn temp(&self) -> std::path::PathBuf {
        self.job.temp()
    }

    /// Waits for main, runs post whatever happened, and ends the job.
    ///
    /// # Errors
    /// The machine fails; a step that fails is no error.
    pub fn wait(self) -> Result<StepRun, Error> {
        let Self {
            mut job,
            mut step,
            main,
        } = self;
        job.finish(&mut step, Phase::Main, main.wait()?)?;
        job.run_post(&mut step)?;
        let end = job.end();
        step.into_run(&end)
    }
}
