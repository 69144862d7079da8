//! Whether the image is pushed: the input `push`, or what the event suggests.

use std::fmt;

use serde::Serialize;

use super::{Level, Notice};
use crate::event::RunContext;
use crate::input::{Inputs, Push};

/// Whether the image is pushed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Publication {
    /// True when it is pushed.
    pub push: bool,
    /// True when it is loaded into the engine.
    pub load: bool,
    /// Why it is pushed or not.
    pub reason: String,
    /// What the person at the workflow page should know of it.
    #[serde(skip)]
    pub notice: Option<Notice>,
}

/// `nowhere` says that every image is switched off.
pub(super) fn decide(inputs: &Inputs, context: &RunContext, nowhere: bool) -> Publication {
    let (push, reason) = match inputs.push {
        _ if nowhere => (
            false,
            "every entry of `images` has `enable=false`".to_owned(),
        ),
        Push::Always | Push::Auto if context.has_read_only_token() => {
            return from_a_fork(inputs, context);
        }
        Push::Always => (true, "`push: true`".to_owned()),
        Push::Never => (false, "`push: false`".to_owned()),
        Push::Auto if context.is_pull_request() => {
            let reason = "a pull request is built, not published; `push: true` overrules this";
            (false, reason.to_owned())
        }
        Push::Auto if inputs.load => {
            let reason = "`load: true` asks for a local image; add `push: true` to publish it too";
            (false, reason.to_owned())
        }
        Push::Auto => (true, format!("the event is {}", context.event_name)),
    };
    Publication {
        push,
        load: inputs.load,
        reason,
        notice: None,
    }
}

/// A pull request from a fork: GitHub gives it a token that can only read, and
/// no secrets.
fn from_a_fork(inputs: &Inputs, context: &RunContext) -> Publication {
    let reason = "a pull request from a fork is built, not published: its token can only read";
    let head = context
        .payload
        .text(&["pull_request", "head", "repo", "full_name"]);
    let message = format!(
        "built, not published: the pull request comes from {}, and GitHub gives runs of forks a \
         token that can only read, and no secrets. Nothing is to be mended; the image is \
         published once the change is merged",
        head.unwrap_or("a fork that is gone")
    );
    Publication {
        push: false,
        load: inputs.load,
        reason: reason.to_owned(),
        notice: Some(Notice {
            level: Level::Notice,
            title: "Fork".to_owned(),
            message,
        }),
    }
}

impl fmt::Display for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.push { "push" } else { "no push" };
        write!(f, "{what}: {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                decide(&inputs, &context, false).push,
                expected,
                "{event} {push:?} {load}"
            );
        }
    }
}
