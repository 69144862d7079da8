//! Whether the image is pushed: the input `push`, or what the event suggests.

use std::fmt;

use serde::Serialize;

use crate::event::RunContext;
use crate::input::build::output::Output;
use crate::input::{Inputs, Push};
use crate::plan::findings::{Level, Notice};
use crate::plan::image::output_names::OutputNames;

/// Where the image goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Nowhere: nothing is built, only looked at, as the input `call` says.
    Nowhere,
    /// To no registry, and no cache goes to one: the token can only read.
    Withheld,
    /// To no registry.
    Local,
    /// To its registries, under its tags.
    Registry,
    /// To registries, by entries of `outputs` alone: by digest, or under names of
    /// their own.
    Outputs,
    /// To registries under its tags, and by entries of `outputs` beside them.
    RegistryAndOutputs,
}

/// Whether the image is pushed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "PrintedPublication")]
pub struct Publication {
    /// Where it goes.
    pub destination: Destination,
    /// True when it is loaded into the engine.
    pub load: bool,
    /// Why it is pushed or not.
    pub reason: String,
    /// What the person at the workflow page should know of it.
    pub notice: Option<Notice>,
}

/// A publication as a plan prints it.
#[derive(Serialize)]
struct PrintedPublication {
    build: bool,
    push: bool,
    load: bool,
    by_outputs: bool,
    withheld: bool,
    reason: String,
}

impl From<Publication> for PrintedPublication {
    fn from(publication: Publication) -> Self {
        Self {
            build: publication.builds(),
            push: publication.pushes_tags(),
            load: publication.load,
            by_outputs: publication.pushes_by_outputs(),
            withheld: publication.is_withheld(),
            reason: publication.reason,
        }
    }
}

/// `nowhere` says that every image is switched off.
pub fn decide(
    inputs: &Inputs,
    named: &OutputNames,
    context: &RunContext,
    nowhere: bool,
) -> Publication {
    if let Some(call) = &inputs.build.call
        && !is_build(call)
    {
        return Publication {
            destination: Destination::Nowhere,
            load: false,
            reason: "`call` looks at the build and makes nothing".to_owned(),
            notice: None,
        };
    }
    let outputs = &inputs.build.outputs;
    let sends = outputs.iter().any(Output::pushes);
    let by_digest = outputs.iter().any(Output::pushes_by_digest);
    let by_outputs = by_digest || !named.pushed_by_outputs.is_empty();
    let planned = inputs.leg.as_ref().map(|leg| leg.plan.publishes);
    let (push, reason) = match inputs.push {
        _ if nowhere && !sends => (false, "every entry of `images` has `enable=false`"),
        Push::Always | Push::Auto if context.has_read_only_token() => {
            return from_a_fork(inputs, context);
        }
        Push::Never if sends && context.has_read_only_token() => {
            return from_a_fork(inputs, context);
        }
        _ if planned == Some(false) => (false, "the plan does not publish it"),
        _ if planned == Some(true) && !by_outputs => (true, "the plan publishes it"),
        _ if by_digest => (false, "it goes by its digest, without a tag"),
        _ if nowhere => (false, "every entry of `images` has `enable=false`"),
        Push::Always => (true, "`push: true`"),
        _ if by_outputs => (false, "its exporters push under names of their own"),
        Push::Never if sends => (
            true,
            "`outputs` has an exporter that pushes, in spite of `push: false`",
        ),
        Push::Never => (false, "`push: false`"),
        Push::Auto if sends => (true, "`outputs` has an exporter that pushes"),
        Push::Auto if context.is_pull_request() => (
            false,
            "a pull request is built, not published; `push: true` overrules this",
        ),
        Push::Auto if inputs.load => (
            false,
            "`load: true` asks for a local image; add `push: true` to publish it too",
        ),
        Push::Auto if !outputs.is_empty() && !inputs.build.output_pushes => (
            false,
            "`outputs` says where the result goes; add `push: true` to publish it too",
        ),
        Push::Auto => (true, ""),
    };
    let reason = match reason {
        "" => format!("the event is {}", context.event_name),
        reason => reason.to_owned(),
    };
    Publication {
        destination: match (push, by_outputs) {
            (true, true) => Destination::RegistryAndOutputs,
            (true, false) => Destination::Registry,
            (false, true) => Destination::Outputs,
            (false, false) => Destination::Local,
        },
        load: inputs.load,
        reason,
        notice: None,
    }
}

/// A pull request from a fork: GitHub gives it a token that can only read, and
/// no secrets.
fn from_a_fork(inputs: &Inputs, context: &RunContext) -> Publication {
    let reason = "a pull request from a fork is built, not published: its token can only read";
    let message = format!(
        "built, not published: the pull request comes from {}, and GitHub gives runs of forks a \
         token that can only read, and no secrets. No image and no cache is sent to a \
         registry. There is nothing to fix; the image is published once the change is merged",
        context
            .payload
            .head_repository()
            .unwrap_or("a fork that is gone")
    );
    Publication {
        destination: Destination::Withheld,
        load: inputs.load,
        reason: reason.to_owned(),
        notice: Some(Notice {
            level: Level::Notice,
            title: "Fork".to_owned(),
            message,
        }),
    }
}

/// `build` and what stands for it, with or without further attributes.
fn is_build(call: &str) -> bool {
    let method = call.split(',').next().unwrap_or_default();
    matches!(method.trim_start_matches("type="), "build" | "")
}

impl Publication {
    /// That of an image whose parts are there.
    pub fn joined() -> Self {
        Self {
            destination: Destination::Registry,
            load: false,
            reason: "the legs have pushed their parts".to_owned(),
            notice: None,
        }
    }

    /// True when an image is made.
    pub fn builds(&self) -> bool {
        self.destination != Destination::Nowhere
    }

    /// True when something goes to a registry.
    pub fn pushes(&self) -> bool {
        self.pushes_tags() || self.pushes_by_outputs()
    }

    /// True when the image is pushed under its tags.
    pub fn pushes_tags(&self) -> bool {
        matches!(
            self.destination,
            Destination::Registry | Destination::RegistryAndOutputs
        )
    }

    /// True when an entry of `outputs` pushes by digest, or under a name of its own.
    pub fn pushes_by_outputs(&self) -> bool {
        matches!(
            self.destination,
            Destination::Outputs | Destination::RegistryAndOutputs
        )
    }

    /// True when nothing may go to a registry: the token can only read.
    pub fn is_withheld(&self) -> bool {
        self.destination == Destination::Withheld
    }
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.destination {
            Destination::Registry | Destination::RegistryAndOutputs => "push",
            Destination::Outputs => "push by `outputs`",
            Destination::Nowhere | Destination::Withheld | Destination::Local => "no push",
        };
        write!(f, "{what}: {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::findings::Findings;

    #[test]
    fn only_pull_requests_and_local_images_are_not_pushed_by_themselves() {
        for (event, push, load, expected) in [
            ("push", Push::Auto, false, true),
            ("schedule", Push::Auto, false, true),
            ("pull_request", Push::Auto, false, false),
            ("pull_request_target", Push::Auto, false, false),
            ("pull_request", Push::Always, false, true),
            ("push", Push::Never, false, false),
            ("push", Push::Auto, true, false),
            ("push", Push::Always, true, true),
        ] {
            let inputs = Inputs {
                push,
                load,
                ..Inputs::default()
            };
            let context = RunContext {
                event_name: event.to_owned(),
                ..RunContext::default()
            };
            assert_eq!(
                decide(&inputs, &OutputNames::default(), &context, false).pushes_tags(),
                expected,
                "{event} {push:?} {load}"
            );
        }
    }

    #[test]
    fn a_list_of_outputs_decides_unless_push_does() {
        for (output, push, expected, by_outputs) in [
            ("type=local,dest=out", Push::Auto, false, false),
            ("type=oci,dest=o.tar", Push::Always, true, false),
            ("type=registry", Push::Auto, true, false),
            ("type=image,push=true", Push::Auto, true, false),
            ("type=image,name=a/b,push=true", Push::Auto, true, false),
            (
                "type=image,push-by-digest=true,name=a/b,push=true",
                Push::Auto,
                false,
                true,
            ),
            ("type=image,name=a/b,push=true", Push::Never, true, false),
            ("type=registry", Push::Never, true, false),
        ] {
            let entry = crate::input::grammar::list::Entry {
                text: output.to_owned(),
                ..Default::default()
            };
            let mut inputs = Inputs {
                push,
                ..Inputs::default()
            };
            inputs.build.outputs = vec![Output::parse(&entry).unwrap()];
            let named = OutputNames::of(&inputs, &mut Findings::default());
            let publication = decide(&inputs, &named, &RunContext::default(), false);
            assert_eq!(publication.pushes_tags(), expected, "{output}");
            assert_eq!(publication.pushes_by_outputs(), by_outputs, "{output}");
        }
    }

    #[test]
    fn a_call_makes_nothing_unless_it_is_a_build() {
        for (call, expected) in [
            ("check", false),
            ("outline,format=json", false),
            ("build", true),
            ("build,format=json", true),
        ] {
            let mut inputs = Inputs {
                push: Push::Always,
                ..Inputs::default()
            };
            inputs.build.call = Some(call.to_owned());
            let named = OutputNames::default();
            let publication = decide(&inputs, &named, &RunContext::default(), false);
            assert_eq!(publication.pushes_tags(), expected, "{call}");
        }
    }
}
