//! Bake files, as buildx reads them: variables, functions, groups, matrices and
//! overrides are worked out by `buildx bake --print`, which builds nothing.

pub mod compose;
mod definition;
mod logins;
mod reach;
mod read;
mod target;

pub use crate::facts::bake::reach::{MachineAccess, MachineResource};
pub use crate::facts::bake::read::Bake;
pub use crate::facts::bake::target::Target;
