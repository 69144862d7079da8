//! One image of a run.

use crate::plan::image::content::Content;
use crate::plan::image::destination_names::DestinationName;
use crate::plan::image::image_test::ImageTest;
use crate::plan::image::joined::JoinedImage;
use serde::Serialize;

use crate::image::{ImageName, Platform};
use crate::metadata::Metadata;
use crate::plan::cache::model::Cache;
use crate::plan::command::bake_file::BakeFile;
use crate::plan::command::build::Arguments;
use crate::plan::command::exclusions::Exclusions;
use crate::plan::image::context::BuildContext;
use crate::plan::image::publication::Publication;
use crate::plan::run_files::RunFiles;

/// A Dockerfile of the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dockerfile {
    /// Its path.
    pub path: String,
    /// Its text, where it is in the workspace and can be read.
    pub text: Option<String>,
}

/// One image of a run: what it is called, what it is made of, where it goes.
#[derive(Clone, Debug, Serialize)]
pub struct Build {
    /// The target of a bake file that it is made from.
    #[serde(skip)]
    pub target: Option<String>,
    /// The outputs that follow from the event alone, as name and value.
    #[serde(skip)]
    pub outputs: Vec<(String, String)>,
    /// The version, empty when no rule gave one.
    pub version: String,
    /// Where the image goes, as full references.
    pub tags: Vec<String>,
    /// The same in the order in which the names are written.
    pub names: Vec<DestinationName>,
    /// How the content gets into its registries.
    pub content: Content,
    /// What legs have built of it, where nothing is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub joined: Option<JoinedImage>,
    /// What is run before the names are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<ImageTest>,
    /// The labels, as `KEY=VALUE`.
    pub labels: Vec<String>,
    /// The annotations that buildx is asked for, as `LEVEL:KEY=VALUE`.
    pub annotations: Vec<String>,
    /// True when there are some beside those that every image has.
    #[serde(skip)]
    pub asks_for_annotations: bool,
    /// The names of the images, without tags.
    pub images: Vec<ImageName>,
    /// What is pushed beside those: under names of exporters, or, without a tag, by
    /// digest.
    pub pushed_by_outputs: Vec<String>,
    /// What is built for; empty means the builder's own platform.
    pub platforms: Vec<Platform>,
    /// Whether the image is pushed, and why.
    pub publication: Publication,
    /// What is built.
    pub context: BuildContext,
    /// The Dockerfile, where it is in the repository.
    #[serde(skip)]
    pub dockerfile: Option<Dockerfile>,
    /// Where the build cache is kept.
    pub cache: Cache,
    /// The image that is pulled to scan the result for `sbom`.
    #[serde(skip)]
    pub scanner: Option<ImageName>,
    /// The arguments for buildx, with places of the run's files left open.
    #[serde(skip)]
    pub arguments: Arguments,
    /// The bake file of the target.
    #[serde(skip)]
    pub definition: Option<BakeFile>,
}

impl Build {
    /// What is joined of what legs have built, without its names and repositories.
    pub fn joined(metadata: Metadata, joined: JoinedImage) -> Self {
        Self {
            target: None,
            outputs: Vec::new(),
            version: metadata.version.unwrap_or_default(),
            tags: metadata.tags,
            names: Vec::new(),
            content: Content::ByDigest,
            joined: Some(joined),
            test: None,
            labels: metadata.labels,
            annotations: metadata.annotations,
            asks_for_annotations: false,
            images: Vec::new(),
            pushed_by_outputs: Vec::new(),
            platforms: Vec::new(),
            publication: Publication::joined(),
            context: BuildContext::none(),
            dockerfile: None,
            cache: Cache::none("nothing is built"),
            scanner: None,
            arguments: Arguments::none(),
            definition: None,
        }
    }

    /// A line of the Dockerfile that BuildKit calls so, as a file of the repository.
    pub fn line_of(&self, name: &str, line: u32) -> Option<(&str, u32)> {
        let path = self.dockerfile.as_ref()?.path.as_str();
        (path.rsplit('/').next() == Some(name)).then_some((path, line))
    }

    /// The bake file of the target, with the run's files in their places and
    /// without what is to be left out.
    pub fn definition(&self, files: &RunFiles, exclusions: &Exclusions) -> Option<String> {
        Some(self.definition.as_ref()?.text(files, exclusions))
    }

    /// True when something is called by its tags: not for a look at the build, or
    /// where the result goes elsewhere.
    pub fn makes_an_image(&self) -> bool {
        let goes_elsewhere = self
            .definition
            .as_ref()
            .is_some_and(BakeFile::goes_elsewhere);
        self.publication.builds() && (self.publication.pushes_tags() || !goes_elsewhere)
    }

    /// True when all that comes of it is what is pushed under its tags.
    pub fn is_pushed_alone(&self) -> bool {
        let is_alone = self
            .definition
            .as_ref()
            .is_none_or(BakeFile::makes_images_alone);
        self.publication.pushes_tags() && !self.publication.load && is_alone
    }

    /// True when buildx tells of several targets, and so names the target of each
    /// step.
    pub fn names_targets(&self) -> bool {
        self.definition.as_ref().is_some_and(BakeFile::is_linked)
    }
}
