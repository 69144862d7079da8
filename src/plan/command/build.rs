//! The arguments for `buildx build`, in docker/build-push-action's order.

use crate::plan::command::by_digest::RepositoryReferences;
use crate::plan::image::content::Content;
use std::ffi::OsString;
use std::path::Path;

use crate::error::InputProblem;
use crate::facts::Facts;
use crate::image::Platform;
use crate::input::CacheEntry;
use crate::input::build::output::Output;
use crate::input::build::secrets::SecretSource;
use crate::input::{Inputs, Push};
use crate::metadata::Metadata;
use crate::plan::builder::buildx_features::BuildxFeatures;
use crate::plan::builder::model::{Builder, BuilderChoice};
use crate::plan::cache::model::Cache;
use crate::plan::command::exclusions::{Exclusions, WRITES_CACHE};
use crate::plan::draft::model::ImageDraft;
use crate::plan::image::context::{BuildContext, ContextKind};
use crate::plan::image::publication::Publication;
use crate::plan::image::secrets;
use crate::plan::lists::distinct;
use crate::plan::run_files::RunFiles;

/// The option that puts the result into the engine.
const LOAD: &str = "--load";
/// The exporter that makes an image and sends it nowhere.
pub const IMAGE: &str = "type=image";

/// One argument; some name files whose place is known only when the run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    Text(String),
    Tag(String),
    /// What sends something to a registry.
    Push(Vec<String>),
    /// What pushes all names, where the content does not go first.
    PushNames,
    /// What builds into the engine's store, where the content goes first. Without an
    /// exporter buildx drops the annotations.
    IntoStore,
    /// What pushes the content by its digest.
    ByDigest(RepositoryReferences),
    MetadataFile(Option<String>),
    LoadUnlessPushed,
    BakeFile(Option<String>),
    GitSecret(String),
    /// A login for the Git repositories of a host, by its place.
    GitLogin {
        id: String,
        index: usize,
    },
    /// What lets bake read such a login.
    GitLoginRead(usize),
    Secret {
        id: String,
        index: usize,
    },
    Cache(&'static str, CacheEntry),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments(Vec<Argument>);

impl Arguments {
    /// Those of no build.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    fn push(&mut self, text: impl Into<String>) {
        self.0.push(Argument::Text(text.into()));
    }

    fn option(&mut self, name: &str, value: impl Into<String>) {
        self.push(name);
        self.push(value);
    }

    fn options<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a String>) {
        for value in values {
            self.option(name, value);
        }
    }

    fn push_only<const N: usize>(&mut self, texts: [&str; N]) {
        self.0
            .push(Argument::Push(texts.map(str::to_owned).to_vec()));
    }

    fn flag(&mut self, name: &str, is_set: bool) {
        if is_set {
            self.push(name);
        }
    }

    fn caches<'a>(&mut self, option: &'static str, entries: impl Iterator<Item = &'a CacheEntry>) {
        let entries = entries.cloned();
        self.0
            .extend(entries.map(|entry| Argument::Cache(option, entry)));
    }

    fn secret(&mut self, argument: Argument) {
        self.push("--secret");
        self.0.push(argument);
    }

    /// With the run's files in their places, and without what is to be left out.
    pub fn with(&self, files: &RunFiles, exclusions: &Exclusions) -> Vec<OsString> {
        let is_content_alone = exclusions.is_content_alone();
        let by_digest = |argument: &Argument| matches!(argument, Argument::ByDigest(_));
        let is_unnamed = is_content_alone && self.0.iter().any(by_digest);
        let resolve = |argument: &Argument| match argument {
            Argument::Text(text) => vec![text.into()],
            Argument::PushNames if exclusions.push || is_content_alone => Vec::new(),
            Argument::PushNames => vec!["--push".into()],
            Argument::ByDigest(content) if is_content_alone => {
                vec!["--output".into(), content.output(exclusions).into()]
            }
            Argument::IntoStore if is_content_alone => vec!["--output".into(), IMAGE.into()],
            Argument::IntoStore | Argument::ByDigest(_) => Vec::new(),
            Argument::Tag(_) if is_unnamed => Vec::new(),
            Argument::Push(_) if exclusions.push => Vec::new(),
            Argument::Push(texts) => texts.iter().map(Into::into).collect(),
            Argument::Tag(reference) if exclusions.references.contains(reference) => Vec::new(),
            Argument::Tag(reference) => vec!["--tag".into(), reference.into()],
            Argument::Cache(option, entry) if exclusions.has_cache(option, entry) => Vec::new(),
            Argument::Cache(option, entry) => vec![option.into(), entry.text().into()],
            Argument::LoadUnlessPushed if exclusions.push => vec![LOAD.into()],
            Argument::LoadUnlessPushed => Vec::new(),
            Argument::MetadataFile(target) => {
                vec![files.metadata(target.as_deref()).into_os_string()]
            }
            Argument::BakeFile(target) => {
                vec![files.definition(target.as_deref()).into_os_string()]
            }
            Argument::GitSecret(id) => vec![secret(id, &files.git_token())],
            Argument::GitLogin { id, index } => vec![secret(id, &files.git_login(*index))],
            Argument::GitLoginRead(index) => {
                let mut entry = OsString::from("fs.read=");
                entry.push(files.git_login(*index));
                vec!["--allow".into(), entry]
            }
            Argument::Secret { id, index } => vec![secret(id, &files.secret(*index))],
        };
        self.0.iter().flat_map(resolve).collect()
    }
}

/// What Linux does not hand over to a program (`execve(2)`): an argument of more
/// than 128 KiB with the byte that ends it.
const LONGEST: usize = 128 * 1024 - 1;

impl Arguments {
    /// The first option whose value no program can be given.
    pub fn too_long(&self) -> Option<InputProblem> {
        let texts = self.0.iter().map(|argument| match argument {
            Argument::Text(text) => text.as_str(),
            _ => "",
        });
        let mut pairs = texts
            .clone()
            .zip(texts.skip(1))
            .filter(|(_, value)| value.len() > LONGEST);
        let (option, value) = pairs.next()?;
        let why = format!(
            "is {} bytes long, and the most that Linux hands over as one argument is {LONGEST}",
            value.len()
        );
        Some(InputProblem::new(option, value, why, "a shorter value"))
    }
}

fn secret(id: &str, source: &Path) -> OsString {
    let mut argument = OsString::from(format!("id={id},src="));
    argument.push(source);
    argument
}

/// What the arguments are made of.
pub struct Parts<'a> {
    pub inputs: &'a Inputs,
    pub facts: &'a Facts,
    pub features: BuildxFeatures,
    pub metadata: &'a Metadata,
    pub annotations: &'a [String],
    pub build_args: &'a [String],
    pub platforms: &'a [Platform],
    pub publication: &'a Publication,
    pub content: Content,
    pub context: &'a BuildContext,
    pub build_contexts: &'a [String],
    pub attestations: &'a [String],
    /// What exporters push without a tag of ours.
    pub pushed_by_outputs: &'a [String],
    pub builder: &'a Builder,
    pub cache: &'a Cache,
    /// The target of a bake file that it is.
    pub target: Option<&'a str>,
    /// The places of the logins for Git of that and what it is made from.
    pub git_logins: &'a [usize],
}

/// What bake is allowed beside what the workflow allows.
struct Allowed {
    features: BuildxFeatures,
    folders: Vec<String>,
    git_logins: Vec<usize>,
}

impl Parts<'_> {
    pub fn arguments(&self) -> Arguments {
        if let Some(target) = self.target {
            let allowed = Allowed {
                features: self.features,
                folders: folders(self.cache, self.features),
                git_logins: self.git_logins.to_vec(),
            };
            return bake(self.inputs, self.builder, &allowed, Some(target), &[target]);
        }
        let mut arguments = Arguments(Vec::new());
        arguments.push("build");
        self.first(&mut arguments);
        self.result(&mut arguments);
        self.secrets(&mut arguments);
        self.last(&mut arguments);
        let load = if self.leaves_in_engine() {
            Argument::LoadUnlessPushed
        } else {
            Argument::Text(LOAD.to_owned())
        };
        let load = self.publication.load.then_some(load);
        common(self.inputs, self.builder, load, None, &mut arguments);
        let outputs = &self.inputs.build.outputs;
        let by_outputs = outputs.iter().any(Output::pushes_by_itself);
        if self.publication.pushes_tags() && (self.inputs.push == Push::Always || !by_outputs) {
            match self.content {
                Content::WithNames => arguments.push_only(["--push"]),
                Content::FromEngine => {
                    let both = [Argument::PushNames, Argument::IntoStore];
                    arguments.0.extend(both);
                }
                Content::ByDigest => arguments.0.extend([
                    Argument::PushNames,
                    Argument::ByDigest(RepositoryReferences::of(&self.references())),
                ]),
            }
        }
        arguments.push(&self.context.location);
        arguments
    }

    /// The caches that are written, but for those that a read-only token cannot.
    pub fn written_caches(&self) -> impl Iterator<Item = &CacheEntry> {
        let withheld = self.publication.is_withheld();
        let written = self.cache.to.iter();
        written.filter(move |entry| !withheld || entry.reference().is_none())
    }

    /// What the image is pushed under. A tag cannot be pushed by digest; the name
    /// can.
    pub fn references(&self) -> Vec<String> {
        let outputs = &self.inputs.build.outputs;
        match outputs.iter().find(|output| output.pushes_by_digest()) {
            Some(output) if output.attribute("name").is_some() => Vec::new(),
            Some(_) => self.pushed_by_outputs.to_vec(),
            None => self.metadata.tags.clone(),
        }
    }

    /// Up to the Dockerfile.
    fn first(&self, arguments: &mut Arguments) {
        let inputs = self.inputs;
        arguments.options("--add-host", &inputs.build.add_hosts);
        arguments.options("--allow", &inputs.build.allow);
        if self.features.annotations {
            arguments.options("--annotation", self.annotations);
        }
        arguments.options("--build-arg", self.build_args);
        if self.features.build_contexts {
            arguments.options("--build-context", self.build_contexts);
        }
        arguments.caches("--cache-from", self.cache.from.iter());
        arguments.caches(WRITES_CACHE, self.written_caches());
        arguments.options("--call", &inputs.build.call);
        arguments.options("--cgroup-parent", &inputs.build.cgroup_parent);
        for SecretSource { id, from } in &inputs.build.secrets.variables {
            arguments.option("--secret", format!("id={id},env={from}"));
        }
        arguments.options("--file", &inputs.file);
    }

    /// What is made, up to what is attested of it.
    fn result(&self, arguments: &mut Arguments) {
        let build = &self.inputs.build;
        arguments.options("--label", &self.metadata.labels);
        arguments.options("--no-cache-filter", &build.no_cache_filters);
        for output in &build.outputs {
            match output.pushes_by_itself() {
                true if !self.publication.pushes() => {}
                true => arguments.push_only(["--output", &output.text]),
                false => arguments.option("--output", &output.text),
            }
        }
        if !self.platforms.is_empty() {
            let list: Vec<String> = self.platforms.iter().map(ToString::to_string).collect();
            arguments.option("--platform", list.join(","));
        }
        if self.features.attestations {
            arguments.options("--attest", self.attestations);
        }
    }

    fn secrets(&self, arguments: &mut Arguments) {
        let secrets = &self.inputs.build.secrets;
        for (index, secret) in secrets.values.iter().enumerate() {
            let id = secret.id.clone();
            arguments.secret(Argument::Secret { id, index });
        }
        for SecretSource { id, from } in secrets::files(self.inputs, &self.facts.paths) {
            arguments.option("--secret", format!("id={id},src={from}"));
        }
        for (index, login) in self.inputs.logins.git.iter().enumerate() {
            let id = login.secret_id();
            // One of the workflow's own wins.
            if !secrets.has(&id) {
                arguments.secret(Argument::GitLogin { id, index });
            }
        }
        let is_ours = self.inputs.github_token.is_some() && !secrets.has_git_token;
        if let (ContextKind::Repository { secret }, true) = (&self.context.kind, is_ours) {
            arguments.secret(Argument::GitSecret(secret.clone()));
        }
    }

    /// The rest of what only a build knows.
    fn last(&self, arguments: &mut Arguments) {
        let inputs = self.inputs;
        arguments.options("--shm-size", &inputs.build.shm_size);
        arguments.options("--ssh", &inputs.build.ssh);
        let references = self.references().into_iter();
        arguments.0.extend(references.map(Argument::Tag));
        arguments.options("--target", &inputs.target);
        arguments.options("--ulimit", &inputs.build.ulimit);
    }

    /// True where a push leaves the image in the engine, as the engine's own
    /// builder does: doing both at once it trips over its own names.
    pub fn leaves_in_engine(&self) -> bool {
        self.builder.choice == BuilderChoice::Engine && self.publication.pushes_tags()
    }
}

/// The folders of caches that nobody gave, as what bake has to be allowed: it
/// keeps to the working directory by itself.
fn folders(cache: &Cache, features: BuildxFeatures) -> Vec<String> {
    let folders = cache
        .own_folder()
        .into_iter()
        .filter(|_| features.file_entitlements);
    folders
        .map(|folder| format!("fs={}", folder.display()))
        .collect()
}

fn common(
    inputs: &Inputs,
    builder: &Builder,
    load: Option<Argument>,
    target: Option<&str>,
    arguments: &mut Arguments,
) {
    let build = &inputs.build;
    if let Some(name) = builder.name() {
        arguments.option("--builder", name);
    }
    arguments.0.extend(load);
    arguments.push("--metadata-file");
    let target = target.map(str::to_owned);
    arguments.0.push(Argument::MetadataFile(target));
    arguments.options("--network", &build.network);
    arguments.flag("--no-cache", build.no_cache);
    arguments.flag("--pull", build.pull);
}

/// All targets by one command. `None` where they do not all go the same way.
pub fn build_together(
    inputs: &Inputs,
    drafts: &[ImageDraft<'_>],
    builder: &Builder,
) -> Option<Arguments> {
    let (first, rest) = drafts.split_first()?;
    let way = |draft: &ImageDraft<'_>| (draft.publication.pushes_tags(), draft.publication.load);
    if rest.is_empty() || rest.iter().any(|draft| way(draft) != way(first)) {
        return None;
    }
    let caches = drafts.iter().map(|draft| &draft.cache);
    let folders = caches.flat_map(|cache| folders(cache, first.features));
    let git_logins: Vec<usize> = drafts.iter().flat_map(ImageDraft::git_logins).collect();
    let allowed = Allowed {
        features: first.features,
        folders: folders.collect(),
        git_logins: distinct(&git_logins),
    };
    let targets = drafts
        .iter()
        .map(|draft| Some(draft.request.target?.name.as_str()))
        .collect::<Option<Vec<&str>>>()?;
    Some(bake(inputs, builder, &allowed, None, &targets))
}

/// True for leave that an older buildx does not ask for.
fn is_of_files(entry: &str) -> bool {
    let key = entry.split('=').next().unwrap_or_default();
    matches!(key, "fs" | "fs.read" | "fs.write" | "ssh")
}

/// Bake, whose file says all that is about one image alone: that of a target, or
/// of all together.
fn bake(
    inputs: &Inputs,
    builder: &Builder,
    given: &Allowed,
    file: Option<&str>,
    targets: &[&str],
) -> Arguments {
    let mut arguments = Arguments(Vec::new());
    arguments.push("bake");
    let is_known = |entry: &&String| given.features.file_entitlements || !is_of_files(entry);
    let allowed = inputs.build.allow.iter().filter(is_known);
    arguments.options("--allow", &distinct(allowed.chain(&given.folders)));
    if given.features.file_entitlements {
        let reads = given.git_logins.iter().copied();
        arguments.0.extend(reads.map(Argument::GitLoginRead));
    }
    arguments.push("--file");
    let definition = Argument::BakeFile(file.map(str::to_owned));
    arguments.0.push(definition);
    common(inputs, builder, None, file, &mut arguments);
    for target in targets {
        arguments.push(*target);
    }
    arguments
}
