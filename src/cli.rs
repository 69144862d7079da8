//! The command line, for runs outside a workflow. In a workflow there are no
//! arguments: everything comes from the environment.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::event::RunContext;
use crate::host::Host;
use crate::vars;

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
    /// Remove what a killed run left behind: the action's post step.
    #[command(hide = true)]
    Post,
}

/// Options of `publish`. Each stands for what a workflow run would bring.
#[derive(Args, Debug, Default)]
pub struct Publish {
    /// Print the plan and stop: needs no Docker and no network.
    #[arg(long)]
    pub dry_run: bool,
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
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
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
    /// How the plan of a dry run is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A way to print a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is expected".to_owned()),
    }
}

impl Publish {
    /// Puts the options in the places where a workflow run would have them.
    pub fn apply(&self, host: &mut Host) {
        let file = self
            .event_file
            .as_ref()
            .map(|file| file.display().to_string());
        let options = [
            (vars::GITHUB_EVENT_NAME, &self.event_name),
            (vars::GITHUB_EVENT_PATH, &file),
            (vars::GITHUB_REF, &self.git_ref),
            (vars::GITHUB_SHA, &self.sha),
            (vars::GITHUB_REPOSITORY, &self.repository),
            (vars::STEVEDORE_NOW, &self.now),
        ];
        for (variable, value) in options {
            if let Some(value) = value {
                host.set_var(variable, value);
            }
        }
        if !host.is_github_actions() {
            self.make_up(host);
        }
    }

    /// Fills in what neither options nor environment say, from the event file
    /// where there is one; the rest is invented for a dry run only.
    fn make_up(&self, host: &mut Host) {
        let (context, _) = RunContext::read(host);
        for (variable, value) in context.made_up(self.dry_run) {
            if host.var(variable).is_none() {
                host.set_var(variable, &value);
            }
        }
    }
}
