//! The builder of a run: the engine's own, one that exists, or one that is created.

use std::fmt;

use serde::Serialize;

use crate::facts::Facts;
use crate::input::Inputs;
use crate::plan::builder::create::NewBuilder;

/// Where to read how the containerd image store is switched on.
pub const CONTAINERD_DOCS: &str = "https://docs.docker.com/engine/storage/containerd/";

/// The builder of the run, and why it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Builder {
    /// Which one.
    pub choice: BuilderChoice,
    /// Why.
    pub reason: String,
}

/// A builder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuilderChoice {
    /// The engine's own BuildKit, the `docker` driver.
    Engine,
    /// A builder that exists already.
    Named(String),
    /// A builder that the run makes, and removes.
    Created(NewBuilder),
}

impl Builder {
    pub fn engine(reason: &str) -> Self {
        Self {
            choice: BuilderChoice::Engine,
            reason: reason.to_owned(),
        }
    }

    /// One for the run; where an earlier run has left it, that one.
    pub fn for_run(inputs: &Inputs, facts: &Facts, named: Option<&str>, reason: String) -> Self {
        let created = NewBuilder::of(inputs, facts, named);
        let choice = if facts.builder.left.is_some() && created.name == facts.builder.lasting_name {
            BuilderChoice::Named(created.name)
        } else {
            BuilderChoice::Created(created)
        };
        Self { choice, reason }
    }

    /// The name that buildx knows it by; the engine's own needs none.
    pub fn name(&self) -> Option<&str> {
        match &self.choice {
            BuilderChoice::Engine => None,
            BuilderChoice::Named(name) => Some(name),
            BuilderChoice::Created(created) => Some(&created.name),
        }
    }

    /// The builder that the run makes, when it makes one.
    pub fn made(&self) -> Option<&NewBuilder> {
        match &self.choice {
            BuilderChoice::Created(created) => Some(created),
            BuilderChoice::Engine | BuilderChoice::Named(_) => None,
        }
    }

    /// True when nothing can be built without the engine of this machine.
    pub fn needs_engine(&self) -> bool {
        match &self.choice {
            BuilderChoice::Engine => true,
            BuilderChoice::Named(_) => false,
            BuilderChoice::Created(created) => created.needs_engine,
        }
    }
}

impl Builder {
    /// Which one, and why, for a table.
    pub fn describe(&self) -> String {
        match &self.choice {
            BuilderChoice::Engine => format!("the engine's own: {}", self.reason),
            BuilderChoice::Named(name) => format!("{name}: {}", self.reason),
            BuilderChoice::Created(made) => format!(
                "{}, made for this run with the driver {}: {}",
                made.name, made.driver, self.reason
            ),
        }
    }
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "builder {}", self.describe())
    }
}
