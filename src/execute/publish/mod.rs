//! Building, pushing and reading back.

pub mod all;
pub mod bake;
pub mod image;
pub mod uncached;
pub mod verify;
pub mod visibility;
