//! The command line, for runs outside a workflow. In a workflow there are no
//! arguments: everything comes from the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tracing::{debug, info};

use crate::env_vars;
use crate::event::RunContext;
use crate::facts::Checkout;
use crate::host::{END_WITH_PARENT, Host};

/// Build a container image for several platforms, tag it from the event, publish it.
#[derive(Debug, Parser)]
#[command(name = "stevedore", version, max_term_width = 100)]
pub struct Cli {
    /// What to do; `publish` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The parts of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build and publish: what a step of a workflow does.
    Publish(Box<Publish>),
    /// Ask the registries if they would take the push, and build nothing.
    Preflight(Box<StepOptions>),
    /// Version, tags, labels and annotations only, for bake and other builders.
    Metadata(Box<Metadata>),
    /// Version, tags, labels and jobs of an image that several machines build.
    Plan(Box<Metadata>),
    /// Join and name what those machines have built.
    Merge(Box<StepOptions>),
    /// Say what costs time in a Dockerfile, and what to write in its place.
    Advise(Advise),
    /// Remove what a killed run left behind: the action's post step.
    #[command(hide = true)]
    Post,
    /// Start a program that the kernel ends with the one that started this.
    #[command(hide = true, name = END_WITH_PARENT)]
    EndWithParent(Child),
}

/// A program that this one starts.
#[derive(Args, Debug)]
pub struct Child {
    /// The process that starts it.
    pub parent: u32,
    /// The program and its arguments.
    #[arg(last = true)]
    pub command: Vec<OsString>,
}

/// Options of `publish`.
#[derive(Args, Debug, Default)]
pub struct Publish {
    /// Print the plan and stop: needs no Docker and no network.
    #[arg(long)]
    pub dry_run: bool,
    /// How the plan of a dry run is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Ask the registries and stop: the command `preflight`.
    #[arg(skip)]
    pub preflight_only: bool,
    /// What a step would bring.
    #[command(flatten)]
    pub step: StepOptions,
}

/// Options of `advise`.
#[derive(Args, Debug)]
pub struct Advise {
    /// The Dockerfile.
    #[arg(default_value = "Dockerfile")]
    pub file: PathBuf,
    /// The folder that it is built from; that of the Dockerfile when it is left out.
    #[arg(long, value_name = "FOLDER")]
    pub context: Option<PathBuf>,
    /// The report of a run, which has the Dockerfile's place, and seconds.
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    pub report: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `metadata`.
#[derive(Args, Debug, Default)]
pub struct Metadata {
    /// How the result is printed: for people, or as the output `json`.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// What a step would bring.
    #[command(flatten)]
    pub step: StepOptions,
}

/// What a step of a workflow run would bring. What is not said is read from the
/// checkout in the working directory.
#[derive(Args, Debug, Default)]
pub struct StepOptions {
    /// The event, such as push, pull_request, schedule.
    #[arg(long, value_name = "NAME")]
    pub event_name: Option<String>,
    /// The event's payload, a JSON file; made up when it is left out.
    #[arg(long, value_name = "FILE")]
    pub event_file: Option<PathBuf>,
    /// The full ref, such as refs/tags/v1.2.3.
    #[arg(long = "ref", value_name = "REF")]
    pub git_ref: Option<String>,
    /// The commit.
    #[arg(long)]
    pub sha: Option<String>,
    /// The repository on GitHub.
    #[arg(long, value_name = "OWNER/NAME")]
    pub repository: Option<String>,
    /// An input, as under `with:` in a workflow; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub with: Vec<(String, String)>,
    /// Take the inputs of the step that uses this action in a workflow file.
    #[arg(long, value_name = "FILE")]
    pub workflow: Option<PathBuf>,
    /// The job of that workflow, when several use this action.
    #[arg(long, requires = "workflow")]
    pub job: Option<String>,
    /// The clock of tags and labels, RFC 3339.
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
}

/// A way to print a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}

impl StepOptions {
    /// Puts the options in the places where a workflow run would have them.
    /// Outside one, what neither they nor the environment say comes from the
    /// event file, the checkout, and where `invent` allows it from nowhere.
    pub fn apply(&self, host: &mut Host, invent: bool) {
        let file = self
            .event_file
            .as_ref()
            .map(|file| file.display().to_string());
        let options = [
            (env_vars::GITHUB_EVENT_NAME, &self.event_name),
            (env_vars::GITHUB_EVENT_PATH, &file),
            (env_vars::GITHUB_REF, &self.git_ref),
            (env_vars::GITHUB_SHA, &self.sha),
            (env_vars::GITHUB_REPOSITORY, &self.repository),
            (env_vars::STEVEDORE_NOW, &self.now),
        ];
        for (variable, value) in options {
            if let Some(value) = value {
                host.set_var(variable, value);
            }
        }
        if !host.is_github_actions() {
            take_checkout(host);
            make_up(host, invent);
        }
    }
}

/// Sets variables that are not set.
fn fill_in(host: &mut Host, values: impl IntoIterator<Item = (&'static str, String)>) {
    for (variable, value) in values {
        if host.var(variable).is_none() {
            host.set_var(variable, &value);
        }
    }
}

/// Fills in what the event file tells; the rest is invented where that is
/// allowed.
fn make_up(host: &mut Host, invent: bool) {
    let (context, _) = RunContext::read(host);
    fill_in(host, context.made_up(false));
    if !invent {
        return;
    }
    for (variable, value) in context.made_up(true) {
        if host.var(variable).is_none() {
            info!("{variable} {value}: made up");
            host.set_var(variable, &value);
        }
    }
}

/// Ref, commit and repository of the checkout in the working directory, where
/// there is one and no event file that would say otherwise.
fn take_checkout(host: &mut Host) {
    let open = [
        env_vars::GITHUB_REF,
        env_vars::GITHUB_SHA,
        env_vars::GITHUB_REPOSITORY,
    ]
    .iter()
    .any(|variable| host.var(variable).is_none());
    if !open || host.var(env_vars::GITHUB_EVENT_PATH).is_some() {
        return;
    }
    let checkout = match Checkout::open(host.directory()) {
        Ok(checkout) => checkout,
        Err(error) => return debug!("{error}"),
    };
    let (context, _) = RunContext::read(host);
    let git_ref = checkout.git_ref().ok();
    // An event of its own, and the only one on such a ref.
    if context.git_ref.is_empty()
        && git_ref
            .as_ref()
            .is_some_and(|name| name.starts_with("refs/pull/"))
    {
        fill_in(
            host,
            [(env_vars::GITHUB_EVENT_NAME, "pull_request".to_owned())],
        );
    }
    let event_name = host.var(env_vars::GITHUB_EVENT_NAME).unwrap_or("push");
    let git_ref = git_ref.filter(|name| may_run_on(event_name, name));
    let values = [
        (env_vars::GITHUB_REF, git_ref),
        (env_vars::GITHUB_SHA, Some(checkout.sha())),
        (
            env_vars::GITHUB_REPOSITORY,
            checkout.repository_on(context.server_host()),
        ),
    ];
    let told = values
        .map(|(variable, value)| Some((variable, value?)))
        .into_iter()
        .flatten();
    let taken: Vec<_> = told
        .filter(|(variable, _)| host.var(variable).is_none())
        .collect();
    for (variable, value) in &taken {
        info!("{variable} {value}: as checked out here");
    }
    fill_in(host, taken);
}

/// Whether an event's ref can be this one: a checkout of a branch says nothing
/// of the ref of a pull request or release.
fn may_run_on(event_name: &str, git_ref: &str) -> bool {
    match event_name {
        "release" => git_ref.starts_with("refs/tags/"),
        _ if event_name.starts_with("pull_request") => git_ref.starts_with("refs/pull/"),
        _ => !git_ref.starts_with("refs/pull/"),
    }
}
