//! What the tests run the program in and against.

pub(crate) mod bridge;
pub(crate) mod builder_recorder;
pub(crate) mod cache_service;
pub(crate) mod cached_build;
pub(crate) mod classic_engine;
pub(crate) mod engine_socket;
pub(crate) mod front;
pub(crate) mod git_server;
mod place;
pub(crate) mod recorder;
pub(crate) mod site;
pub(crate) mod stub;
pub(crate) mod watched_engine;

pub(crate) use place::{
    Lab, NOW, PROGRAM, Place, Printed, SHA, action, event, install, read, root, run,
};
