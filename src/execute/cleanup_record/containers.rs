//! Containers that are being made when a run ends.

use serde::{Deserialize, Serialize};

use crate::plan::{BuilderNode, NewBuilder};

/// Containers that were being made in the engine of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Those of the builder, when it is to be removed.
    pub containers: Vec<String>,
}

impl Boot {
    /// What the engine of this machine makes of this builder.
    pub fn of(made: &NewBuilder) -> Self {
        let here = made.nodes.iter().filter(|node| node.endpoint.is_none());
        let is_removed = |_: &&BuilderNode| !made.stays;
        let removed = here.filter(is_removed);
        let name = |node: &BuilderNode| format!("buildx_buildkit_{}", node.name.to_lowercase());
        Self {
            containers: removed.map(name).collect(),
        }
    }
}
