//! A signal: what a registry or a build said, in a form that rows can be
//! compared with.

use crate::error::sanitize::{WORDS, clean};
use crate::registry::{Refusal, Stage};

/// What was said.
#[derive(Clone, Debug, Default)]
pub struct Signal {
    /// The HTTP status, where it is told or follows from the words.
    pub status: Option<u16>,
    /// Where on the way to a push.
    pub stage: Option<Stage>,
    /// The words, harmless.
    pub words: String,
    /// The words in lower case.
    pub lower: String,
    /// Whether a build said it.
    pub of_build: bool,
    /// Whether a registry's name or address is in it.
    pub names_registry: bool,
    /// Whether the step that failed copies from another stage or image.
    pub from_stage: bool,
    /// The image that it is about, as the build spells it.
    pub subject: Option<String>,
    /// The host of the Git server that it is about.
    pub git_host: Option<String>,
    /// The path that it is about.
    pub path: Option<String>,
    /// The platform that it is about.
    pub platform: Option<String>,
}

impl Signal {
    pub fn of_refusal(refusal: &Refusal) -> Self {
        let words = clean(&refusal.words, WORDS);
        Self {
            status: Some(refusal.status),
            stage: Some(refusal.stage),
            lower: words.to_lowercase(),
            words,
            names_registry: true,
            ..Self::default()
        }
    }

    /// Why a request of our own got no answer.
    pub fn of_silence(why: &str) -> Self {
        let words = clean(why, WORDS);
        Self {
            lower: words.to_lowercase(),
            words,
            names_registry: true,
            ..Self::default()
        }
    }
}
