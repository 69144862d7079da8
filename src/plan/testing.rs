//! Inputs and facts for the tests of this module.

use std::path::Path;

use crate::event::RunContext;
use crate::facts::{Engine, Facts};
use crate::host::Host;
use crate::input::spec::ActionKind;
use crate::input::{Inputs, RawInputs};
use crate::plan::findings::Findings;
use crate::plan::image::output_names::OutputNames;
use crate::plan::image::publication::{self, Publication};

fn host() -> Host {
    Host::with(&[], Path::new("/nowhere"), jiff::Timestamp::UNIX_EPOCH)
}

/// The inputs of a workflow that gives these, all of them good.
pub fn inputs(given: &[(&str, &str)]) -> Inputs {
    let mut raw = RawInputs::from_environment(ActionKind::Publish, &host());
    for (name, value) in given {
        raw.set(name, value);
    }
    let (inputs, problems) = Inputs::parse(&raw, &host());
    assert_eq!(problems, Vec::new());
    inputs
}

/// What is known before anything is asked, with this Dockerfile.
pub fn facts(inputs: &Inputs, dockerfile: &str) -> Facts {
    let (context, _) = RunContext::read(&host());
    let mut facts = Facts::local(&host(), inputs, &context);
    facts.workspace.dockerfile = Some(dockerfile.to_owned());
    facts.workspace.no_dockerfile = None;
    facts
}

/// An engine that answered, with the containerd image store or the classic one.
pub fn engine(containerd_store: bool) -> Engine {
    Engine::Running {
        version: "28.0.0".to_owned(),
        containerd_store,
    }
}

/// Whether the image of these inputs is pushed.
pub fn publication(inputs: &Inputs, facts: &Facts) -> Publication {
    let named = OutputNames::of(inputs, &mut Findings::default());
    publication::decide(inputs, &named, &facts.event.context.0, false)
}
