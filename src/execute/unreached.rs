//! Which nodes of a builder cannot be reached, and why.
//!
//! buildx is asked, which asks all nodes side by side. Of a BuildKit that is
//! elsewhere it says only that it does not run: the reason is what it says of a
//! builder with that node alone.

use std::time::Duration;

use futures_util::future::join_all;
use tracing::info;

use super::inspected::{self, Said};
use super::nodes::Nodes;
use super::{Error, build};
use crate::env_vars;
use crate::host::{Command, Host};
use crate::input::builder::Driver;
use crate::plan::{MadeNode, without_password};

/// How long buildx may take to note a node, or to say why it does not reach one.
pub(super) const NOTE: Duration = Duration::from_secs(10);
/// How long buildx may take to ask all nodes; it gives up after 20 s by itself.
const ASK: Duration = Duration::from_secs(25);

/// A node that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostNode {
    /// Its place among the nodes of the builder.
    pub(crate) index: usize,
    /// Its name and where it is.
    pub(crate) shown: String,
    /// Why.
    pub(crate) reason: String,
}

impl Nodes<'_> {
    /// What the nodes say of themselves; buildx asks them side by side.
    pub(super) async fn ask(&self) -> Result<Vec<Said>, Error> {
        let said = said(&self.base, &self.made.name, self.job.host).await?;
        Ok(inspected::nodes(&said.unwrap_or_default()))
    }

    /// The nodes that are not up, each with its reason.
    pub(super) async fn not_up(
        &self,
        said: &[Said],
        lost: &[LostNode],
        words: &str,
    ) -> Result<Vec<LostNode>, Error> {
        let down = self.left(lost).filter_map(|index| {
            let node = &self.made.nodes[index];
            let said = said.iter().find(|said| node.is_called(&said.name))?;
            (!said.is_up()).then_some((index, said))
        });
        let reasons = down.map(|(index, node)| async move {
            let reason = match (&node.error, self.made.driver) {
                (Some(error), _) => Some(inspected::reason(error)),
                (None, Driver::Remote) => self.reason(index).await,
                (None, _) if words.is_empty() => Some(format!("its BuildKit is {}", node.status)),
                (None, _) => Some(inspected::reason(words)),
            };
            reason.map(|reason| self.lost(index, reason))
        });
        let lost = self.job.host.unless_cancelled(join_all(reasons)).await?;
        Ok(lost.into_iter().flatten().collect())
    }

    /// Why a remote node is not reached, which buildx tells of a builder with
    /// that node alone, asked for no part of its cache. `None` when it is.
    async fn reason(&self, index: usize) -> Option<String> {
        let notes = self.job.folder.path().join(format!("asked/{index}"));
        let base = self.base.clone().env(env_vars::BUILDX_CONFIG, notes);
        let create = self.made.again(&self.made.pinned([index].into_iter()));
        let files = self.job.folder.files();
        let asked = async {
            for one in &create {
                base.clone()
                    .args(one.arguments(&files))
                    .read(self.job.host)
                    .await?;
            }
            let du = ["du", "--builder", &self.made.name, "--filter", "id=none"];
            base.args(du).read(self.job.host).await
        };
        match tokio::time::timeout(NOTE, asked).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(inspected::reason(&build::last_words(&error.to_string()))),
            Err(_) => Some(silent(NOTE)),
        }
    }

    pub(super) fn lost(&self, index: usize, reason: String) -> LostNode {
        let shown = self.node(index).map(MadeNode::shown).unwrap_or_default();
        info!("the node {shown} cannot be reached: {reason}");
        LostNode {
            index,
            shown,
            reason,
        }
    }
}

/// A build on a builder that was there before has failed: names its nodes that
/// cannot be reached. Nothing is taken out of it.
pub(super) async fn name_unreached(
    name: &str,
    base: &Command,
    failed: Error,
    host: &Host,
) -> Error {
    let said = match said(base, name, host).await {
        Ok(said) => said.unwrap_or_default(),
        Err(cancelled) => return cancelled,
    };
    let is_remote = inspected::driver(&said) == Some(Driver::Remote.as_str());
    // Where buildx starts containers, one that does not run may yet be started.
    let nodes = inspected::nodes(&said);
    let down = |node: &&Said| !node.is_up() && (is_remote || node.error.is_some());
    let down: Vec<&Said> = nodes.iter().filter(down).collect();
    let Some(one) = down.first().map(|node| node.name.clone()) else {
        return failed;
    };
    let mut lost = Vec::new();
    for (index, node) in down.into_iter().enumerate() {
        let reason = match &node.error {
            Some(error) => inspected::reason(error),
            None => "BuildKit does not answer".to_owned(),
        };
        let endpoint = without_password(&node.endpoint);
        let shown = format!("{} ({endpoint})", node.name);
        lost.push(LostNode {
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

/// What `buildx inspect` prints of a builder, when it prints anything in time.
async fn said(base: &Command, name: &str, host: &Host) -> Result<Option<String>, Error> {
    let inspect = base.clone().args(["inspect", name]);
    let inspect = tokio::time::timeout(ASK, inspect.read(host));
    let said = host.unless_cancelled(inspect).await?;
    Ok(said.ok().and_then(Result::ok))
}

pub(super) fn silent(limit: Duration) -> String {
    format!("it did not answer within {} s", limit.as_secs())
}
