//! The caches of a build: what is read, what is written, and why.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::input::{CacheEntry, Inputs};
use crate::plan::cache::local::LocalCache;
use crate::plan::findings::Notice;

/// The caches of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cache {
    /// What is read, as buildx takes it.
    pub from: Vec<CacheEntry>,
    /// What is written, as buildx takes it.
    pub to: Vec<CacheEntry>,
    /// True when no workflow has given these entries.
    #[serde(skip)]
    pub added: bool,
    /// The folders, where it is kept in such.
    #[serde(skip)]
    pub local: Option<LocalCache>,
    /// Where it is kept, in a few words.
    pub place: String,
    /// Why.
    pub reason: String,
    /// What the person at the workflow page should know of it.
    #[serde(skip)]
    pub notice: Option<Notice>,
}

impl Cache {
    /// The entries as the workflow gives them. Jobs that build parts of an image would
    /// overwrite each other's, so each has its own, and reads the given one too.
    pub fn given(inputs: &Inputs) -> Self {
        let leg = inputs.leg.as_ref().filter(|leg| leg.is_joined());
        if let Some(leg) = leg {
            let platforms = leg.leg().platforms.iter().map(ToString::to_string);
            let suffix = platforms.collect::<Vec<_>>().join("-").replace('/', "-");
            let own = |entry: &CacheEntry| entry.renamed(&suffix);
            let written = |entry: &CacheEntry| own(entry).unwrap_or_else(|| entry.clone());
            let read = inputs.cache_from.iter().filter_map(own);
            return Self {
                from: read.chain(inputs.cache_from.iter().cloned()).collect(),
                to: inputs.cache_to.iter().map(written).collect(),
                place: format!("as given, with {suffix} in its name"),
                reason: "other jobs of the matrix write theirs".to_owned(),
                ..Self::default()
            };
        }
        Self {
            from: inputs.cache_from.clone(),
            to: inputs.cache_to.clone(),
            place: "as given".to_owned(),
            reason: "`cache-from` and `cache-to`".to_owned(),
            ..Self::default()
        }
    }

    pub fn none(reason: impl Into<String>) -> Self {
        Self {
            place: "in the builder alone".to_owned(),
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// Every entry.
    pub fn entries(&self) -> impl Iterator<Item = &CacheEntry> {
        self.from.iter().chain(&self.to)
    }

    /// True where one is written to a registry.
    pub fn is_written_to_registry(&self) -> bool {
        self.to.iter().any(|entry| entry.reference().is_some())
    }

    /// The folder that the run keeps its own caches in.
    pub fn own_folder(&self) -> Option<PathBuf> {
        self.local.as_ref().map(|local| local.own.clone())
    }

    /// Where, and why, for a table.
    pub fn describe(&self) -> String {
        format!("{}: {}", self.place, self.reason)
    }
}

impl fmt::Display for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cache {}", self.describe())
    }
}
