//! A build that failed because of the builder: a node that is gone is taken out, or
//! named, and a build that BuildKit cancelled by itself is made again.

use tokio::sync::Mutex;

use crate::execute::builder::boot::StopRequest;
use crate::execute::builder::node_set::Nodes;
use crate::execute::buildx::inspect::{self, NodeStatus, inspect_builder};
use crate::execute::error::{Error, UnreachableNode};
use crate::execute::outcome::BuilderState;
use crate::execute::scope::Scope;
use crate::host::{Command, Host, Progress};
use crate::input::builder::Driver;
use crate::plan::{BuilderChoice, without_password};

/// A build that has failed.
pub struct FailedBuild {
    pub error: Error,
    /// The generation of the builder that it began on.
    pub generation: usize,
    /// True when something of the image is in its registry.
    pub is_pushed: bool,
}

/// A build has failed: where that is for nodes that cannot be reached, takes
/// them out, so that it can be done again. Gives the error otherwise.
pub async fn recover(
    scope: &Scope<'_>,
    base: Command,
    builder_state: &Mutex<BuilderState>,
    failed: FailedBuild,
    progress: Progress<'_>,
) -> Result<(), Error> {
    let FailedBuild {
        error: failed,
        generation,
        is_pushed,
    } = failed;
    let Error::Build { message, .. } = &failed else {
        return Err(failed);
    };
    if failed_by_itself(message) {
        return Err(failed);
    }
    match &scope.plan.builder.choice {
        BuilderChoice::Created(made) if made.nodes.len() > 1 => {
            let nodes = Nodes { scope, made, base };
            let builder_state = &mut *builder_state.lock().await;
            if builder_state.generation > generation && !is_pushed {
                // The build of another image has changed the builder meanwhile.
                return Ok(());
            }
            let before = builder_state.lost.len();
            let lost = &mut builder_state.lost;
            let stops = StopRequest {
                host: scope.host,
                refused: None,
            };
            let told = nodes
                .take_out_lost(failed, lost, is_pushed, progress, stops)
                .await;
            builder_state.generation += usize::from(builder_state.lost.len() > before);
            builder_state.warnings.extend(told?);
            Ok(())
        }
        BuilderChoice::Named(name) => Err(name_unreached(name, &base, failed, scope.host).await),
        BuilderChoice::Created(_) | BuilderChoice::Engine => Err(failed),
    }
}

/// True when BuildKit ended a build that nobody cancelled. Builds that share steps are
/// one for BuildKit, and one that is cancelled can take another with it
/// (moby/buildkit#3628).
pub fn was_cancelled_with_another(error: &Error) -> bool {
    let Error::Build { message, .. } = error else {
        return false;
    };
    message.ends_with("context canceled") || message.contains(": buildkit scheduler error: ")
}

/// True when a command of the Dockerfile was run and failed, whatever became of the
/// builder.
pub fn failed_by_itself(message: &str) -> bool {
    message.contains("did not complete successfully: exit code:")
}

/// A build on a builder that was there before has failed: names its nodes that
/// cannot be reached. Nothing is taken out of it.
pub async fn name_unreached(name: &str, base: &Command, failed: Error, host: &Host) -> Error {
    let inspected = match inspect_builder(base, name, host).await {
        Ok(inspected) => inspected.unwrap_or_default(),
        Err(cancelled) => return cancelled,
    };
    let is_remote = inspect::driver(&inspected) == Some(Driver::Remote.as_str());
    // Where buildx starts containers, one that does not run may yet be started.
    let nodes = inspect::nodes(&inspected);
    let down = |node: &&NodeStatus| !node.is_up() && (is_remote || node.error.is_some());
    let down: Vec<&NodeStatus> = nodes.iter().filter(down).collect();
    let Some(one) = down.first().map(|node| node.name.clone()) else {
        return failed;
    };
    let mut lost = Vec::new();
    for (index, node) in down.into_iter().enumerate() {
        let reason = match &node.error {
            Some(error) => inspect::reason(error),
            None => "BuildKit does not answer".to_owned(),
        };
        let endpoint = without_password(&node.endpoint);
        let shown = format!("{} ({endpoint})", node.name);
        lost.push(UnreachableNode {
            index,
            shown,
            reason,
        });
    }
    Error::Nodes {
        name: name.to_owned(),
        lost,
        without_node: Vec::new(),
        advice: format!(
            "The builder was there before the run, which takes no node out of it: start the node, \
             or take it out with `docker buildx create --leave --name {name} --node {one}`"
        ),
        build: Some(Box::new(failed)),
    }
}
