//! All facts of a run.

use std::path::PathBuf;

use semver::Version;

use crate::error::InputProblem;
use crate::event::RunContext;
use crate::facts::bake::Bake;
use crate::facts::builder::BuilderFacts;
use crate::facts::buildx::{self, ChosenBuilder};
use crate::facts::cache::CacheFacts;
use crate::facts::docker::DockerSettings;
use crate::facts::engine::{self, Engine};
use crate::facts::event::EventFacts;
use crate::facts::machine::Machine;
use crate::facts::paths::Paths;
use crate::facts::workspace::Workspace;
use crate::host::{Host, file};
use crate::input::Inputs;
use crate::input::builder::Driver;

/// What the plan is made from, beside inputs and context.
#[derive(Clone, Debug)]
pub struct Facts {
    /// What names are made from.
    pub event: EventFacts,
    /// The files of the workspace.
    pub workspace: Workspace,
    /// What of the machine's files can be seen.
    pub paths: Paths,
    /// Docker as the user has set it up.
    pub docker: DockerSettings,
    /// The engine.
    pub engine: Engine,
    /// The buildx program.
    pub buildx: Option<PathBuf>,
    /// Its version: older ones lack flags. `None`, where it was not asked or did
    /// not say, is taken for the newest.
    pub buildx_version: Option<Version>,
    /// The builder that the environment has chosen.
    pub chosen_builder: Option<ChosenBuilder>,
    /// What is known of builders beside.
    pub builder: BuilderFacts,
    /// Where caches can be kept.
    pub cache: CacheFacts,
    /// What the bake files say, where there are any.
    pub bake: Bake,
    /// The machine that the engine is on, where that was asked.
    pub machine: Option<Machine>,
}

impl Facts {
    /// What can be known from files alone: for a dry run, and for the check of
    /// inputs before anything else is asked.
    pub fn local(host: &Host, inputs: &Inputs, context: &RunContext) -> Self {
        let docker = DockerSettings::read(host);
        let chosen_builder = buildx::chosen(host, &docker);
        let paths = Paths::inspect(host, inputs);
        Self {
            cache: CacheFacts::inspect(host, context, &paths, &docker),
            event: EventFacts::local(host, inputs, context),
            workspace: Workspace::look(
                host,
                inputs.context.as_deref(),
                inputs.file.as_deref(),
                file::SETTINGS,
            ),
            paths,
            engine: Engine::Unasked,
            buildx: None,
            buildx_version: None,
            builder: BuilderFacts::local(host, inputs, context, &docker, chosen_builder.as_ref()),
            bake: Bake::default(),
            machine: None,
            chosen_builder,
            docker,
        }
    }

    /// Has buildx read the bake files, where there are any: for a dry run too.
    ///
    /// # Errors
    /// As [`Bake::read`].
    pub async fn read_bake(&mut self, host: &Host, inputs: &Inputs) -> Result<(), InputProblem> {
        let buildx = buildx::find(host, &self.docker);
        self.bake = Bake::read(host, buildx.as_deref(), inputs).await?;
        Ok(())
    }

    /// Asks the engine and, where they are needed, buildx's version and GitHub's
    /// API, and has the bake files read, all at once.
    ///
    /// # Errors
    /// As [`Bake::read`].
    pub async fn ask(&mut self, host: &Host, inputs: &Inputs) -> Result<(), InputProblem> {
        self.buildx = buildx::find(host, &self.docker);
        self.builder.name_the_run(host);
        let needs_engine = self.needs_engine(inputs);
        let endpoint = &self.docker.endpoint;
        let engine = async {
            if needs_engine {
                engine::ask(endpoint).await
            } else {
                (Engine::Unasked, None)
            }
        };
        let program = self.buildx.as_deref();
        let version = buildx::version(host, program);
        let bake = Bake::read(host, program, inputs);
        let event = self.event.ask(inputs);
        let (engine, version, (), bake) = tokio::join!(engine, version, event, bake);
        (self.engine, self.machine) = engine;
        self.buildx_version = version;
        self.bake = bake?;
        Ok(())
    }

    /// A builder that exists may be anywhere, and so may one that is made with
    /// an endpoint or by another driver: no local engine is needed for them,
    /// except to load the image.
    fn needs_engine(&self, inputs: &Inputs) -> bool {
        if inputs.load {
            return true;
        }
        if self.builder.existing.is_some() {
            return false;
        }
        let own = &inputs.own_builder;
        match own.asks_for_own() {
            Some(_) => own.own_driver() == Driver::DockerContainer && own.first.endpoint.is_none(),
            None if own.driver == Some(Driver::Docker) => true,
            None => inputs.builder.is_none() && self.chosen_builder.is_none(),
        }
    }

    /// What could not be found out, for the log.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        let all = self.docker.warnings.iter().chain(&self.event.warnings);
        all.map(String::as_str)
    }
}
