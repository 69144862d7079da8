//! How the content of an image gets into its registries: before it has a name there,
//! where the builder can do that.

use serde::Serialize;

/// How the content of an image gets into its registries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// The builder pushes it by its digest. Names are written afterwards.
    ByDigest,
    /// The engine builds it into its store and pushes the first name of each
    /// repository from there. The other names are written afterwards.
    FromEngine,
    /// The builder pushes it under all its names.
    #[default]
    WithNames,
}

impl Content {
    /// True where names are written when the content is there.
    pub fn is_first(self) -> bool {
        self != Self::WithNames
    }
}
