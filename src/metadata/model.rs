//! What an image is called.

use crate::image::Motion;
use std::collections::BTreeMap;

use crate::error::InputProblem;
use crate::input::metadata::tags::TagRule;
use crate::metadata::rules::Outcome;

/// What an image is called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    /// The first tag; `None` when no rule gave one.
    pub version: Option<String>,
    /// The names of the images that are not switched off, in lower case.
    pub images: Vec<String>,
    /// The tags, without names.
    pub tag_names: Vec<String>,
    /// The tags of every image, as references; bare tags without images.
    pub tags: Vec<String>,
    /// Labels, as `KEY=VALUE`.
    pub labels: Vec<String>,
    /// Annotations, as `LEVEL:KEY=VALUE`.
    pub annotations: Vec<String>,
    /// What the person at the workflow page should know.
    pub notices: Vec<Notice>,
    /// Tags and names that no registry accepts. The outputs have them still.
    pub unpublishable: Vec<InputProblem>,
    pub plain_annotations: Vec<String>,
    /// Whether each of the tags stays with the image.
    pub motions: BTreeMap<String, Motion>,
}

/// What the rules gave together.
#[derive(Debug, Default)]
pub struct VersionChoice {
    pub main: Option<String>,
    pub partial: Vec<String>,
    pub latest: Option<bool>,
}

/// Rules that could be applied, with what they gave.
pub type Applied<'a> = Vec<(&'a TagRule, Outcome)>;

/// Something to know that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What there is to know.
    pub text: String,
}

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// What the original warns of, in the same words.
    Warning,
    /// What it says nothing about.
    Notice,
    /// For the log only.
    Info,
}
