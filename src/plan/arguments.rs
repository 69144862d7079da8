//! The arguments for `buildx build`, in docker/build-push-action's order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{BuildContext, Builder, ContextKind, Publication};
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
    MetadataFile,
    GitSecret(String),
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

    pub(super) fn with(&self, files: &RunFiles) -> Vec<OsString> {
        let resolve = |argument: &Argument| match argument {
            Argument::Text(text) => text.into(),
            Argument::MetadataFile => files.metadata().into_os_string(),
            Argument::GitSecret(id) => secret(id, &files.git_token()),
        };
        self.0.iter().map(resolve).collect()
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
    arguments.options("--tag", &metadata.tags);
    if let Some(target) = &inputs.target {
        arguments.option("--target", target);
    }
    if let Some(name) = builder.name() {
        arguments.option("--builder", name);
    }
    if publication.load {
        arguments.push("--load");
    }
    arguments.push("--metadata-file");
    arguments.0.push(Argument::MetadataFile);
    if publication.push {
        arguments.push("--push");
    }
    arguments.push(&context.location);
    arguments
}
