//! A step as a workflow describes it.
//!
//! Owns the description; running it is `job`'s.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::job::Job;
use crate::log::Sink;
use crate::running::Running;
use crate::stage::Control;
use crate::{Context, Error, StepRun};

/// What a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uses {
    /// A Node action: the folder of its action.yml.
    Node(PathBuf),
    /// An image: what stands after `docker://`.
    Docker(String),
}

/// One entry of a job's `steps`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Spec {
    /// The `id`, for `steps.ID.outputs`.
    pub id: Option<String>,
    /// The `uses`.
    pub uses: Uses,
    /// The `with`; values may hold expressions.
    pub with: Vec<(String, String)>,
    /// The `env`; values may hold expressions.
    pub env: Vec<(String, String)>,
}

impl Spec {
    /// A step with neither `with` nor `env`.
    #[must_use]
    pub fn new(uses: Uses) -> Self {
        Self {
            id: None,
            uses,
            with: Vec::new(),
            env: Vec::new(),
        }
    }
}

/// A job of one step.
pub struct Step {
    /// What stands in the workflow.
    pub spec: Spec,
    /// The run that it belongs to.
    pub context: Context,
    sink: Option<Sink>,
}

impl Step {
    /// A Node action, main and post, from the folder of its action.yml.
    #[must_use]
    pub fn node(action: impl AsRef<Path>) -> Self {
        Self::new(Uses::Node(action.as_ref().to_path_buf()))
    }

    /// An image.
    #[must_use]
    pub fn docker(image: impl Into<String>) -> Self {
        Self::new(Uses::Docker(image.into()))
    }

    fn new(uses: Uses) -> Self {
        Self {
            spec: Spec::new(uses),
            context: Context::default(),
            sink: None,
        }
    }

    /// An entry of `with`; the value may hold expressions, `${{ secrets.NAME }}` too.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.with.push((name.into(), value.into()));
        self
    }

    /// An entry of the step's `env`; it wins over the host's.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.spec.env.push((name.into(), value.into()));
        self
    }

    /// A secret, for `${{ secrets.NAME }}`; masked.
    #[must_use]
    pub fn secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.context.secrets.insert(name.into(), value.into());
        self
    }

    /// The event's name and payload.
    #[must_use]
    pub fn event(mut self, name: impl Into<String>, payload: Value) -> Self {
        self.context.event_name = name.into();
        self.context.event = payload;
        self
    }

    /// The full ref, such as `refs/heads/main`.
    #[must_use]
    pub fn git_ref(mut self, git_ref: impl Into<String>) -> Self {
        self.context.git_ref = git_ref.into();
        self
    }

    /// The commit.
    #[must_use]
    pub fn sha(mut self, sha: impl Into<String>) -> Self {
        self.context.sha = sha.into();
        self
    }

    /// `OWNER/NAME`.
    #[must_use]
    pub fn repository(mut self, repository: impl Into<String>) -> Self {
        self.context.repository = repository.into();
        self
    }

    /// Who started the run.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.context.actor = actor.into();
        self
    }

    /// The run's token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.context.token = token.into();
        self
    }

    /// The GitHub server and its API.
    #[must_use]
    pub fn server(mut self, server: impl Into<String>, api: impl Into<String>) -> Self {
        self.context.server_url = server.into();
        self.context.api_url = api.into();
        self
    }

    /// The checkout.
    #[must_use]
    pub fn workspace(mut self, folder: impl AsRef<Path>) -> Self {
        self.context.workspace = Some(folder.as_ref().to_path_buf());
        self
    }

    /// The tool cache.
    #[must_use]
    pub fn tool_cache(mut self, folder: impl AsRef<Path>) -> Self {
        self.context.tool_cache = Some(folder.as_ref().to_path_buf());
        self
    }

    /// The Node program to run the action with.
    #[must_use]
    pub fn node_program(mut self, program: impl AsRef<Path>) -> Self {
        self.context.node = Some(program.as_ref().to_path_buf());
        self
    }

    /// The network of a `docker://` step.
    #[must_use]
    pub fn network(mut self, network: impl Into<String>) -> Self {
        self.context.network = Some(network.into());
        self
    }

    /// Debug logging.
    #[must_use]
    pub fn debug(mut self) -> Self {
        self.context.debug = true;
        self
    }

    /// Calls `sink` with each line that is shown, as it comes, masked.
    #[must_use]
    pub fn on_line(mut self, sink: impl FnMut(&str) + Send + 'static) -> Self {
        self.sink = Some(Box::new(sink));
        self
    }

    /// Runs main and post, and waits for both.
    ///
    /// # Errors
    /// Something keeps the step from being run at all; a step that fails is no error.
    pub fn run(self) -> Result<StepRun, Error> {
        self.start()?.wait()
    }

    /// Starts main, so that it can be watched, signalled and cancelled.
    ///
    /// # Errors
    /// As [`Step::run`].
    pub fn start(self) -> Result<Running, Error> {
        Running::start(
            Job::begin(self.context, Control::default())?,
            self.spec,
            self.sink,
        )
    }
}
