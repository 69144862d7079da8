//! The inputs of the metadata engine, from strings to types.
//!
//! Owns [`MetadataInputs`]. Collects every problem; renders no template and
//! knows no event.

use crate::error::InputProblem;
use crate::input::grammar::javascript;
use crate::input::grammar::list::{self, Entry};
use crate::input::metadata::flavor::{self, Flavor};
use crate::input::metadata::full_reference::{self, Reference};
use crate::input::metadata::images::{self, ImageRule};
use crate::input::metadata::tags;
use crate::input::metadata::tags::rule::TagRule;

/// The inputs and variables as they were given. Empty means not given.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawMetadata<'a> {
    /// Input `images`.
    pub images: &'a str,
    /// Input `tags`.
    pub tags: &'a str,
    /// Input `flavor`.
    pub flavor: &'a str,
    /// Input `labels`.
    pub labels: &'a str,
    /// Input `annotations`.
    pub annotations: &'a str,
    /// Input `sep-tags`, not trimmed.
    pub sep_tags: &'a str,
    /// Input `sep-labels`, not trimmed.
    pub sep_labels: &'a str,
    /// Input `sep-annotations`, not trimmed.
    pub sep_annotations: &'a str,
    /// Input `bake-target`.
    pub bake_target: &'a str,
    /// `DOCKER_METADATA_SHORT_SHA_LENGTH`.
    pub short_sha_length: &'a str,
    /// `DOCKER_METADATA_ANNOTATIONS_LEVELS`.
    pub annotations_levels: &'a str,
}

/// How much of a commit a short sha has. Said to be wrong only when it is
/// used, as workflows set the variable for all their jobs.
#[derive(Clone, Debug, PartialEq)]
pub enum ShortShaLength {
    /// Characters.
    Characters(f64),
    /// What was given, and is not a number.
    Invalid(String),
}

/// The inputs, valid.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataInputs {
    /// The images, in order.
    pub images: Vec<ImageRule>,
    /// The rules, in the order in which they run.
    pub tags: Vec<TagRule>,
    /// True when the rules are ours, as none were given.
    pub default_tags: bool,
    /// What all tags have in common.
    pub flavor: Flavor,
    /// Templates of further labels, as `KEY=VALUE`.
    pub labels: Vec<Entry>,
    /// Templates of further annotations, as `KEY=VALUE`.
    pub annotations: Vec<Entry>,
    /// What stands between two tags in an output.
    pub sep_tags: String,
    /// What stands between two labels in an output.
    pub sep_labels: String,
    /// What stands between two annotations in an output.
    pub sep_annotations: String,
    /// The target in bake files.
    pub bake_target: String,
    /// What `{{target}}` stands for: the target whose image it is, when there is
    /// one.
    pub target: Option<String>,
    /// Length of a short sha.
    pub short_sha_length: ShortShaLength,
    /// Where annotations go, such as `manifest` and `index`.
    pub annotation_levels: Vec<String>,
}

impl Default for MetadataInputs {
    fn default() -> Self {
        let (tags, _) = tags::parse(&[]);
        let newline = || "\n".to_owned();
        Self {
            images: Vec::new(),
            tags,
            default_tags: true,
            flavor: Flavor::default(),
            labels: Vec::new(),
            annotations: Vec::new(),
            sep_tags: newline(),
            sep_labels: newline(),
            sep_annotations: newline(),
            bake_target: "docker-metadata-action".to_owned(),
            target: None,
            short_sha_length: ShortShaLength::Characters(7.0),
            annotation_levels: vec!["manifest".to_owned()],
        }
    }
}

impl MetadataInputs {
    /// Turns strings into types.
    ///
    /// # Errors
    /// Every entry that cannot be used, with its line and column.
    pub fn parse(raw: &RawMetadata<'_>) -> Result<Self, Vec<InputProblem>> {
        Self::read(raw, false).map(|(inputs, _)| inputs)
    }

    /// The same, for a build: entries of `tags` that are whole references are
    /// no rules and come back beside them.
    ///
    /// # Errors
    /// As [`MetadataInputs::parse`].
    pub fn with_references(
        raw: &RawMetadata<'_>,
    ) -> Result<(Self, Vec<Reference>), Vec<InputProblem>> {
        Self::read(raw, true)
    }

    fn read(
        raw: &RawMetadata<'_>,
        takes_references: bool,
    ) -> Result<(Self, Vec<Reference>), Vec<InputProblem>> {
        let mut problems = Vec::new();
        let mut entries = |input: &str, value: &str| {
            list::entries(value).unwrap_or_else(|error| {
                let accepted = "one entry a line; a quote inside doubled";
                let problem = InputProblem::new(input, "", error.why, accepted);
                problems.push(problem.at(error.line, error.column));
                Vec::new()
            })
        };
        let image_entries = entries("images", raw.images);
        let mut tag_entries = entries("tags", raw.tags);
        let flavor_entries = entries("flavor", raw.flavor);
        let labels = entries("labels", raw.labels);
        let annotations = entries("annotations", raw.annotations);
        let (images, mut bad_images) = images::parse(&image_entries);
        let references = if takes_references {
            full_reference::take_references(&mut tag_entries, &mut problems)
        } else {
            Vec::new()
        };
        // Whole references are tags already: no rules of ours beside them.
        let (tags, mut bad_tags) = if tag_entries.is_empty() && !references.is_empty() {
            (Vec::new(), Vec::new())
        } else {
            tags::parse(&tag_entries)
        };
        let (flavor, mut bad_flavor) = flavor::parse(&flavor_entries);
        for bad in [&mut bad_images, &mut bad_tags, &mut bad_flavor] {
            problems.append(bad);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let inputs = Self {
            images,
            default_tags: tag_entries.is_empty(),
            tags,
            flavor,
            labels,
            annotations,
            ..Self::default()
        };
        Ok((inputs.with_options(raw), references))
    }

    fn with_options(mut self, raw: &RawMetadata<'_>) -> Self {
        let set = |given: &str, field: &mut String| {
            if !given.is_empty() {
                given.clone_into(field);
            }
        };
        set(raw.sep_tags, &mut self.sep_tags);
        set(raw.sep_labels, &mut self.sep_labels);
        set(raw.sep_annotations, &mut self.sep_annotations);
        set(javascript::trim(raw.bake_target), &mut self.bake_target);
        if !raw.short_sha_length.is_empty() {
            let length = javascript::number(raw.short_sha_length);
            self.short_sha_length = if length.is_nan() {
                ShortShaLength::Invalid(raw.short_sha_length.to_owned())
            } else {
                ShortShaLength::Characters(length)
            };
        }
        if !raw.annotations_levels.is_empty() {
            let levels = raw.annotations_levels.split(',');
            self.annotation_levels = levels.map(str::to_owned).collect();
        }
        self
    }

    /// The names of the images that are not switched off, as they were given.
    pub fn enabled_images(&self) -> impl Iterator<Item = &str> {
        let enabled = self.images.iter().filter(|image| image.enable);
        enabled.map(|image| image.name.as_str())
    }
}
