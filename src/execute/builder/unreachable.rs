//! Which nodes of a builder cannot be reached, and why.
//!
//! buildx is asked, which asks all nodes side by side. Of a BuildKit that is
//! elsewhere it says only that it does not run: the reason is what it says of a
//! builder with that node alone.

use futures_util::future::join_all;
use tracing::info;

use crate::env_vars;
use crate::execute::builder::node_set::{NOTE, Nodes, silence_text};
use crate::execute::buildx::inspect::{self, NodeStatus, inspect_builder};
use crate::execute::buildx::last_words::{self};
use crate::execute::error::{Error, UnreachableNode};
use crate::input::builder::Driver;
use crate::plan::BuilderNode;

impl Nodes<'_> {
    /// What the nodes say of themselves; buildx asks them side by side.
    pub async fn inspect(&self) -> Result<Vec<NodeStatus>, Error> {
        let inspected = inspect_builder(&self.base, &self.made.name, self.scope.host).await?;
        Ok(inspect::nodes(&inspected.unwrap_or_default()))
    }

    /// The nodes that are not up, each with its reason.
    pub async fn find_down(
        &self,
        inspected: &[NodeStatus],
        lost: &[UnreachableNode],
        words: &str,
    ) -> Result<Vec<UnreachableNode>, Error> {
        let down = self.remaining_nodes(lost).filter_map(|index| {
            let node = &self.made.nodes[index];
            let inspected = inspected
                .iter()
                .find(|inspected| node.is_called(&inspected.name))?;
            (!inspected.is_up()).then_some((index, inspected))
        });
        let reasons = down.map(|(index, node)| async move {
            let reason = match (&node.error, self.made.driver) {
                (Some(error), _) => Some(inspect::reason(error)),
                (None, Driver::Remote) => self.reason(index).await,
                (None, _) if words.is_empty() => Some(format!("its BuildKit is {}", node.status)),
                (None, _) => Some(inspect::reason(words)),
            };
            reason.map(|reason| self.unreachable_node(index, reason))
        });
        let lost = self.scope.host.unless_cancelled(join_all(reasons)).await?;
        Ok(lost.into_iter().flatten().collect())
    }

    /// Why a remote node is not reached, which buildx tells of a builder with
    /// that node alone, asked for no part of its cache. `None` when it is.
    async fn reason(&self, index: usize) -> Option<String> {
        let notes = self.scope.folder.path().join(format!("asked/{index}"));
        let base = self.base.clone().env(env_vars::BUILDX_CONFIG, notes);
        let create = self
            .made
            .recreate_commands(&self.made.pinned([index].into_iter()));
        let files = self.scope.folder.files();
        let asked = async {
            for one in &create {
                base.clone()
                    .args(one.arguments(&files))
                    .read(self.scope.host)
                    .await?;
            }
            let du = ["du", "--builder", &self.made.name, "--filter", "id=none"];
            base.args(du).read(self.scope.host).await
        };
        match tokio::time::timeout(NOTE, asked).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(inspect::reason(&last_words::last_words(&error.to_string()))),
            Err(_) => Some(silence_text(NOTE)),
        }
    }

    pub fn unreachable_node(&self, index: usize, reason: String) -> UnreachableNode {
        let shown = self
            .node(index)
            .map(BuilderNode::display_name)
            .unwrap_or_default();
        info!("the node {shown} cannot be reached: {reason}");
        UnreachableNode {
            index,
            shown,
            reason,
        }
    }
}
