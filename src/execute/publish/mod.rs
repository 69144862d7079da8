//! Building, pushing and reading back.

pub mod all;
pub mod attempt;
pub mod bake;
pub mod failure;
mod forward;
pub mod image;
mod image_test;
mod names;
pub mod uncached;
pub mod verify;
pub mod visibility;
