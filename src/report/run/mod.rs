//! What a run did, as data: what the summary shows, and what the output `report` names.

pub mod change;
pub mod collect;
pub mod file;
pub mod markdown;
pub mod model;
pub mod steps;
pub mod timeline;
