//! Running buildx, and reading what it prints.

pub mod build_check;
pub mod build_result;
pub mod cache_deadline;
pub mod cache_reads;
pub mod command;
pub mod content_signal;
pub mod export;
pub mod imagetools;
pub mod inspect;
pub mod last_words;
pub mod prefixed_log;
pub mod progress;
pub mod push_stall;
pub mod references;
pub mod run;
