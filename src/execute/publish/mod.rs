//! Building, pushing and reading back.

pub mod all;
pub mod attempt;
pub mod bake;
mod build_record;
mod copy;
pub mod failure;
mod former;
mod forward;
mod from_store;
pub mod gate;
pub mod image;
mod image_test;
mod join;
mod left_names;
mod names;
mod one_build;
mod put_back;
mod sbom;
mod size;
pub mod uncached;
pub mod verify;
pub mod visibility;
