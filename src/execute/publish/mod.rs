//! Building, pushing and reading back.

pub mod all;
pub mod attempt;
pub mod bake;
pub mod failure;
pub mod image;
pub mod uncached;
pub mod verify;
pub mod visibility;
