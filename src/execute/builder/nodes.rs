//! A builder of several nodes, some of which cannot be reached: the run goes on
//! with those that are left, where they can build everything.
//!
//! Nothing more is asked while all is well. A node that a command stumbles over
//! is taken out by making the builder again without it: a `buildx create` that
//! gives up on a node forgets what it was told of the others.

use std::fs;
use std::io;
use std::time::Duration;

use crate::execute::builder::boot::StopRequest;
use crate::execute::builder::failure::{advice, not_made};
use crate::execute::builder::node_set::{NOTE, Nodes, silence_text};
use crate::execute::builder::set_up;
use crate::execute::buildx::command::{self};
use crate::execute::buildx::inspect::{self, NodeStatus};
use crate::execute::buildx::last_words;
use crate::execute::error::{Error, UnreachableNode};
use crate::execute::outcome::BuilderState;
use crate::execute::scope::Scope;
use crate::execute::workdir::run_dir::RETIRED;
use crate::host::{Command, CommandResult, Progress, file};
use crate::image::Platform;
use crate::input::builder::Driver;
use crate::plan::{BuilderNode, CreateCommand, NodeAssignment, ReachableNode};

/// How long a BuildKit that nobody here starts may take until it listens, while
/// others are there that could do its work.
const LISTEN: Duration = Duration::from_secs(5);
/// What to do when a node is lost too late.
const PUSHED: &str = "ActionKind of the image is pushed, so that it is not built again, which would make \
                      another image: run the job again";
/// How far the commands that make a builder came.
enum Attempt {
    /// All nodes are up; what the builder says of itself.
    Up(String),
    /// The command of this place did not reach its node.
    Unreached(usize, String),
    /// All are noted, and some are not up.
    NotUp(String),
}

impl Nodes<'_> {
    /// Makes the builder of the nodes that can be reached.
    pub async fn make(
        &self,
        mut progress: Progress<'_>,
        stops: StopRequest<'_>,
    ) -> Result<BuilderState, Error> {
        let mut lost = Vec::new();
        let mut commands = self.made.commands.clone();
        let mut is_late = false;
        loop {
            let attempt = self.attempt(&commands, progress.reborrow(), stops).await?;
            match attempt {
                Attempt::Up(inspected) => {
                    return self.finish_set_up(inspected, lost, progress, stops).await;
                }
                Attempt::Unreached(place, reason) => {
                    let index = self.remaining_nodes(&lost).nth(place).unwrap_or_default();
                    lost.push(self.unreachable_node(index, reason));
                    if self.remaining_nodes(&lost).next().is_none() {
                        self.assign(&[], &lost, None)?;
                    }
                    self.forget_builder(false)?;
                    commands = self.made.recreate_commands(&self.pinned(&lost));
                    commands.push(self.made.wait());
                }
                Attempt::NotUp(words) => {
                    let inspected = self.inspect().await?;
                    let more = self.find_down(&inspected, &lost, &words).await?;
                    if more.is_empty() && (is_late || inspected.is_empty()) {
                        return Err(not_made(self.made, words.clone(), &words));
                    }
                    commands.clear();
                    if more.is_empty() {
                        // All that were missing answer by now.
                        is_late = true;
                    } else {
                        lost.extend(more);
                        self.assign(&self.reachable(&inspected, &lost), &lost, None)?;
                        self.forget_builder(true)?;
                        commands = self.made.recreate_commands(&self.pinned(&lost));
                    }
                    commands.push(self.made.wait());
                }
            }
        }
    }

    /// All nodes that are left are up: gives them what the others had.
    async fn finish_set_up(
        &self,
        inspected: String,
        lost: Vec<UnreachableNode>,
        progress: Progress<'_>,
        stops: StopRequest<'_>,
    ) -> Result<BuilderState, Error> {
        set_up::log_nodes(&inspected);
        let mut warnings = Vec::new();
        if !lost.is_empty() {
            let able = self.reachable(&inspect::nodes(&inspected), &lost);
            let spread = self.assign(&able, &lost, None)?;
            if spread.pins != self.pinned(&lost) {
                self.make_again(&spread.pins, progress, stops).await?;
            }
            warnings = self.warnings(&lost, 0, &spread);
        }
        Ok(BuilderState {
            inspected: Some(inspected),
            lost,
            warnings,
            ..BuilderState::default()
        })
    }

    /// Looks whether a build failed for a node that is gone, and takes it out.
    /// Gives the error back where that is not so, and says what is missing where
    /// the others cannot build everything or must not build again.
    pub async fn take_out_lost(
        &self,
        failed: Error,
        lost: &mut Vec<UnreachableNode>,
        is_pushed: bool,
        progress: Progress<'_>,
        stops: StopRequest<'_>,
    ) -> Result<Vec<String>, Error> {
        let inspected = self.inspect().await?;
        let more = self.find_down(&inspected, lost, "").await?;
        if more.is_empty() {
            return Err(failed);
        }
        let before = lost.len();
        let all = [lost.as_slice(), more.as_slice()].concat();
        let able = self.reachable(&inspected, &all);
        let (failed, pushed) = if is_pushed {
            (None, Some(failed))
        } else {
            (Some(failed), None)
        };
        let spread = self.assign(&able, &all, failed)?;
        self.make_again(&spread.pins, progress, stops).await?;
        // From here on the builder is without them: also for other images.
        *lost = all;
        match pushed {
            None => Ok(self.warnings(lost, before, &spread)),
            Some(failed) => {
                let advice = PUSHED.to_owned();
                Err(self.error(&more, Vec::new(), advice, Some(failed)))
            }
        }
    }

    /// Runs the commands that make the builder; the last one waits for its nodes.
    async fn attempt(
        &self,
        commands: &[CreateCommand],
        mut progress: Progress<'_>,
        stops: StopRequest<'_>,
    ) -> Result<Attempt, Error> {
        let mut inspected = String::new();
        for (place, one) in commands.iter().enumerate() {
            let waits = place + 1 == commands.len();
            // Where containers are started, that takes as long as it takes.
            let limit = match (waits, self.made.driver) {
                (false, _) => Some(NOTE),
                (true, Driver::Remote) => Some(LISTEN),
                (true, _) => None,
            };
            let finished = self.run(one, limit, progress.reborrow(), stops).await?;
            let words = match finished {
                Ok(finished) if finished.success => {
                    inspected = finished.tail.unwrap_or_default();
                    continue;
                }
                Ok(finished) => last_words::failure_text(&finished),
                Err(words) if !waits => return Ok(Attempt::Unreached(place, words)),
                Err(words) => words,
            };
            return match (waits, inspect::given_up(&words)) {
                (true, _) => Ok(Attempt::NotUp(words)),
                (false, Some(reason)) => Ok(Attempt::Unreached(place, reason)),
                (false, None) => Err(not_made(self.made, words.clone(), &words)),
            };
        }
        Ok(Attempt::Up(inspected))
    }

    /// Runs one command, and gives it up after the time that it may take.
    async fn run(
        &self,
        command: &CreateCommand,
        limit: Option<Duration>,
        progress: Progress<'_>,
        stops: StopRequest<'_>,
    ) -> Result<Result<CommandResult, String>, Error> {
        let command = self.command(command);
        // Its words are needed here, also where a terminal shows them.
        let mut terminal = io::stderr();
        let progress = match progress {
            Progress::Terminal => Progress::Through(&mut terminal),
            Progress::Through(writer) => Progress::Through(&mut *writer),
        };
        let is_patient = limit.is_none();
        let run = set_up::run(self.scope, self.made, command, is_patient, progress, stops);
        match limit {
            Some(limit) => match tokio::time::timeout(limit, run).await {
                Ok(finished) => finished.map(Ok),
                Err(_) => Ok(Err(silence_text(limit))),
            },
            None => run.await.map(Ok),
        }
    }

    fn command(&self, command: &CreateCommand) -> Command {
        let arguments = command.arguments(&self.scope.folder.files());
        self.base.clone().args(arguments)
    }

    /// Makes the builder again of these nodes; they are up already.
    async fn make_again(
        &self,
        nodes: &[(usize, Vec<Platform>)],
        mut progress: Progress<'_>,
        stops: StopRequest<'_>,
    ) -> Result<(), Error> {
        self.forget_builder(true)?;
        for command in self.made.recreate_commands(nodes) {
            let finished = self.run(&command, Some(NOTE), progress.reborrow(), stops);
            let words = match finished.await? {
                Ok(finished) if finished.success => continue,
                Ok(finished) => last_words::failure_text(&finished),
                Err(words) => words,
            };
            return Err(not_made(self.made, words.clone(), &words));
        }
        Ok(())
    }

    /// Lets buildx forget the builder, as `buildx rm` would without stopping what
    /// runs. What was started is noted for the end: a node that is lost, or a run
    /// that is cancelled now, may leave it behind.
    fn forget_builder(&self, is_started: bool) -> Result<(), Error> {
        let name = self.made.name.to_ascii_lowercase();
        let Scope {
            plan, facts, host, ..
        } = self.scope;
        let notes = command::notes(&plan.builder, facts, host, self.scope.folder.path());
        let note = notes.join("instances").join(&name);
        let kept = format!("{RETIRED}/instances/{name}");
        let is_there = self.scope.folder.path().join(&kept).exists();
        let starts = self.made.driver != Driver::Remote && !self.made.stays;
        if let (true, true, false, Ok(text)) = (
            is_started,
            starts,
            is_there,
            file::read(&note, file::SETTINGS),
        ) {
            let written = self.scope.folder.write(&kept, &text);
            written.map_err(Error::files(&kept))?;
        }
        match fs::remove_file(&note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::files("the notes of buildx")(error))
            }
            _ => Ok(()),
        }
    }

    pub fn node(&self, index: usize) -> Option<&BuilderNode> {
        self.made.nodes.get(index)
    }

    /// The places of the nodes that are left.
    pub fn remaining_nodes(&self, lost: &[UnreachableNode]) -> impl Iterator<Item = usize> {
        let all = 0..self.made.nodes.len();
        all.filter(|index| lost.iter().all(|node| node.index != *index))
    }

    fn pinned(&self, lost: &[UnreachableNode]) -> Vec<(usize, Vec<Platform>)> {
        self.made.pinned(self.remaining_nodes(lost))
    }

    /// What the nodes that are left can build.
    fn reachable(&self, inspected: &[NodeStatus], lost: &[UnreachableNode]) -> Vec<ReachableNode> {
        let able = self.remaining_nodes(lost).map(|index| {
            let node = &self.made.nodes[index];
            let own = inspected
                .iter()
                .filter(|inspected| node.is_called(&inspected.name));
            let runs = own.flat_map(|node| node.platforms.clone()).collect();
            ReachableNode { index, runs }
        });
        able.collect()
    }

    /// Which of them builds what, or the error that some platform has none.
    fn assign(
        &self,
        able: &[ReachableNode],
        lost: &[UnreachableNode],
        failed: Option<Error>,
    ) -> Result<NodeAssignment, Error> {
        let spread = self.scope.plan.assign_platforms(self.made, able);
        if spread.without_node.is_empty() && !able.is_empty() {
            Ok(spread)
        } else {
            Err(self.error(lost, spread.without_node, self.advice(), failed))
        }
    }

    fn error(
        &self,
        lost: &[UnreachableNode],
        without: Vec<Platform>,
        advice: String,
        failed: Option<Error>,
    ) -> Error {
        Error::Nodes {
            name: self.made.name.clone(),
            lost: lost.to_vec(),
            without_node: without,
            advice,
            build: failed.map(Box::new),
        }
    }

    /// The one thing to look at when nodes are missing.
    fn advice(&self) -> String {
        match self.made.driver {
            Driver::Remote => "Look whether BuildKit listens there, and which certificates it \
                               asks for (BUILDER_NODE_…_AUTH_TLS_…)"
                .to_owned(),
            Driver::Docker | Driver::DockerContainer => "Look whether an engine answers there \
                                                         that can start the image moby/buildkit"
                .to_owned(),
            Driver::Kubernetes => advice(self.made.driver, ""),
        }
    }

    /// What is to be told of nodes that the run goes on without.
    fn warnings(
        &self,
        lost: &[UnreachableNode],
        from: usize,
        spread: &NodeAssignment,
    ) -> Vec<String> {
        let moved = |node: &UnreachableNode| {
            let own = self.node(node.index).map(|node| node.platforms.as_slice());
            let builds = own.unwrap_or_default().iter().filter_map(|platform| {
                let mut pins = spread.pins.iter();
                let (index, _) = pins.find(|(_, pins)| pins.contains(platform))?;
                Some(format!(
                    "{platform} is built on {}",
                    self.node(*index)?.display_name()
                ))
            });
            builds.collect::<Vec<_>>().join(", ")
        };
        let warning = |node: &UnreachableNode| {
            let instead = match moved(node) {
                none if none.is_empty() => "the others build what it would have built".to_owned(),
                moved => format!("{moved} instead"),
            };
            let UnreachableNode { shown, reason, .. } = node;
            format!("the node {shown} cannot be reached ({reason}): {instead}")
        };
        lost[from..].iter().map(warning).collect()
    }
}
