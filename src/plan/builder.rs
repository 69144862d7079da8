//! What builds: the engine's own BuildKit, or a builder by name.

use std::fmt;

use serde::Serialize;

use crate::error::InputProblem;
use crate::facts::{Engine, Facts};
use crate::image::Platform;
use crate::input::Inputs;

/// Where to read how the containerd image store is switched on.
const CONTAINERD_DOCS: &str = "https://docs.docker.com/engine/storage/containerd/";

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
}

impl Builder {
    pub(super) fn engine(reason: &str) -> Self {
        Self {
            choice: BuilderChoice::Engine,
            reason: reason.to_owned(),
        }
    }
}

pub(super) fn decide(
    inputs: &Inputs,
    facts: &Facts,
    platforms: &[Platform],
) -> Result<Builder, InputProblem> {
    if let Some(name) = &inputs.builder {
        return Ok(named(name, "`builder`"));
    }
    if let Some(chosen) = &facts.chosen_builder {
        return Ok(named(&chosen.name, &chosen.by));
    }
    match &facts.engine {
        Engine::Running {
            version,
            containerd_store,
        } => {
            if platforms.len() > 1 && !containerd_store {
                return Err(one_platform_only(version, platforms));
            }
            let store = if *containerd_store {
                "containerd"
            } else {
                "classic"
            };
            Ok(Builder::engine(&format!(
                "Docker Engine {version} with the {store} image store can do it"
            )))
        }
        Engine::Absent(_) => Ok(Builder::engine("no builder is named")),
        Engine::Unasked => Ok(Builder::engine(
            "no builder is named; the engine was not asked",
        )),
    }
}

fn named(name: &str, reason: &str) -> Builder {
    Builder {
        choice: BuilderChoice::Named(name.to_owned()),
        reason: reason.to_owned(),
    }
}

fn one_platform_only(version: &str, platforms: &[Platform]) -> InputProblem {
    let value: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    let why = format!(
        "Docker Engine {version} keeps images in its classic store, which holds one platform of an image"
    );
    let accepted = format!(
        "one platform; or a `builder` that an earlier step made with docker/setup-buildx-action; \
         or an engine with the containerd image store ({CONTAINERD_DOCS})"
    );
    InputProblem::new("platforms", value.join(","), why, accepted)
}

impl Builder {
    /// Which one, and why, for a table.
    pub(super) fn described(&self) -> String {
        match &self.choice {
            BuilderChoice::Engine => format!("the engine's own: {}", self.reason),
            BuilderChoice::Named(name) => format!("{name}: {}", self.reason),
        }
    }
}

impl fmt::Display for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "builder {}", self.described())
    }
}
