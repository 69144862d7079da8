//! A variable that the buildx which builds is given beside what all programs get.

use serde::Serialize;

/// A variable for buildx; never its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuildxVariable {
    /// Its name.
    pub variable: String,
    /// Where its value comes from.
    pub from: Source,
}

/// Where the value of a variable comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The runner.
    Runner,
    /// An attribute of the caches of a type.
    Cache {
        /// The type.
        kind: &'static str,
        /// The attribute.
        attribute: &'static str,
    },
}
