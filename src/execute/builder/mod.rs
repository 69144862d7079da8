//! The builder of the run: set up, watched for nodes that are lost.

pub mod boot;
pub mod failure;
pub mod node_set;
pub mod nodes;
pub mod recovery;
pub mod set_up;
pub mod unreachable;
