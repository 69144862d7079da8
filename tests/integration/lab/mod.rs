//! With a real engine, registry and emulator: what `lab/up` starts.

mod act;
mod advice;
mod bake;
mod build_checks;
mod builders;
mod cache_scopes;
mod cache_silent;
mod caches;
mod engine;
mod engine_inputs;
mod failed_step;
mod hidden;
mod hostile_bake;
mod image_test;
mod left_overs;
mod made_builder;
mod matrix;
mod names;
mod nodes;
mod outputs;
mod registries;
mod report;
mod silence;
mod stopped_builder;
mod unreached;
mod unwritten;
