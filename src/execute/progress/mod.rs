//! What buildx tells while it builds: reading it, showing it, keeping what is asked
//! of it later.

pub mod event;
pub mod live_log;
pub mod plain;
pub mod printed;
pub mod rawjson;
pub mod step;
pub mod trace;
pub mod transcript;
