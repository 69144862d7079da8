//! The arguments for `buildx build`, in docker/build-push-action's order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{BuildContext, Builder, BuilderChoice, ContextKind, Publication};
use crate::image::Platform;
use crate::input::Inputs;
use crate::metadata::Metadata;

/// Where a run keeps its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFiles {
    /// The run's folder, mode 0700, gone after the run.
    pub folder: PathBuf,
}

impl RunFiles {
    /// What buildx tells of the result, JSON.
    pub fn metadata(&self) -> PathBuf {
        self.folder.join("metadata.json")
    }

    /// The Git token as a file, for BuildKit's secret.
    pub fn git_token(&self) -> PathBuf {
        self.folder.join("git-token")
    }
}

/// One argument; some name files whose place is known only when the run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    Text(String),
    Tag(String),
    Push,
    MetadataFile,
    GitSecret(String),
}

/// What an execution leaves out of the planned command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omit {
    /// References that are not to be pushed any more.
    pub references: Vec<String>,
    /// True when nothing is to be pushed after all.
    pub push: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arguments(Vec<Argument>);

impl Arguments {
    fn push(&mut self, text: impl Into<String>) {
        self.0.push(Argument::Text(text.into()));
    }

    fn option(&mut self, name: &str, value: impl Into<String>) {
        self.push(name);
        self.push(value);
    }

    fn options(&mut self, name: &str, values: &[String]) {
        for value in values {
            self.option(name, value);
        }
    }

    /// With the run's files in their places, and without what is to be left out.
    pub(super) fn with(&self, files: &RunFiles, omit: &Omit) -> Vec<OsString> {
        let resolve = |argument: &Argument| match argument {
            Argument::Text(text) => vec![text.into()],
            Argument::Push if omit.push => Vec::new(),
            Argument::Push => vec!["--push".into()],
            Argument::Tag(reference) if omit.references.contains(reference) => Vec::new(),
            Argument::Tag(reference) => vec!["--tag".into(), reference.into()],
            Argument::MetadataFile => vec![files.metadata().into_os_string()],
            Argument::GitSecret(id) => vec![secret(id, &files.git_token())],
        };
        self.0.iter().flat_map(resolve).collect()
    }
}

fn secret(id: &str, source: &Path) -> OsString {
    let mut argument = OsString::from(format!("id={id},src="));
    argument.push(source);
    argument
}

pub(super) fn arguments(
    inputs: &Inputs,
    metadata: &Metadata,
    platforms: &[Platform],
    publication: &Publication,
    context: &BuildContext,
    builder: &Builder,
) -> Arguments {
    let mut arguments = Arguments(Vec::new());
    arguments.push("build");
    arguments.options("--annotation", &metadata.annotations);
    arguments.options("--build-arg", &inputs.build_args);
    arguments.options("--cache-from", &inputs.cache_from);
    arguments.options("--cache-to", &inputs.cache_to);
    if let Some(file) = &inputs.file {
        arguments.option("--file", file);
    }
    arguments.options("--label", &metadata.labels);
    if !platforms.is_empty() {
        let list: Vec<String> = platforms.iter().map(ToString::to_string).collect();
        arguments.option("--platform", list.join(","));
    }
    if let (ContextKind::Repository { secret }, Some(_)) = (&context.kind, &inputs.github_token) {
        arguments.push("--secret");
        arguments.0.push(Argument::GitSecret(secret.clone()));
    }
    arguments
        .0
        .extend(metadata.tags.iter().cloned().map(Argument::Tag));
    if let Some(target) = &inputs.target {
        arguments.option("--target", target);
    }
    if let BuilderChoice::Named(name) = &builder.choice {
        arguments.option("--builder", name);
    }
    if publication.load {
        arguments.push("--load");
    }
    arguments.push("--metadata-file");
    arguments.0.push(Argument::MetadataFile);
    if publication.push {
        arguments.0.push(Argument::Push);
    }
    arguments.push(&context.location);
    arguments
}
