//! A job: steps in their order, then their post stages in reverse.
//!
//! Owns what steps of a job share (folders, environment, masks, outputs) and
//! what is done before and after each stage. Specification: the runner's
//! StepsRunner, ActionRunner, FileCommandManager. Other than the runner: an
//! `env` that is given wins over the runner's own `GITHUB_…`, so that a test can
//! make up any run.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::action::{Action, input_variables};
use crate::active::{Active, End, Given, Phase, introduce, unexpected};
use crate::environment::{self, Variables};
use crate::file_commands::Files;
use crate::folders::Folders;
use crate::log::{Level, Log, Sink};
use crate::masks::Masks;
use crate::stage::{Control, Stage};
use crate::{Context, Error, Spec, StageRun, StepRun, Uses, docker, expression, process};

/// What the runner sets so that it finds the processes of a job again.
const TRACKING: &str = "RUNNER_TRACKING_ID";

/// What steps of a job share.
#[derive(Debug)]
pub(crate) struct Job {
    context: Context,
    folders: Folders,
    masks: Arc<Mutex<Masks>>,
    /// What steps set for those that follow.
    env: Variables,
    path: Vec<String>,
    /// The `steps` context.
    steps: Map<String, Value>,
    tracking: String,
    stages: usize,
    pub(crate) control: Control,
}

impl Job {
    pub(crate) fn begin(context: Context, control: Control) -> Result<Self, Error> {
        let folders = Folders::create(context.workspace.as_deref(), context.tool_cache.as_deref())?;
        let event = folders.event_file();
        std::fs::write(&event, context.event.to_string()).map_err(Error::file(&event))?;
        let mut masks = Masks::default();
        masks.add(&context.token);
        context
            .secrets
            .values()
            .for_each(|secret| masks.add(secret));
        let temp = folders.temp();
        let tracking =
            format!("lab_{}", temp.parent().unwrap_or(&temp).display()).replace('/', "_");
        Ok(Self {
            context,
            folders,
            masks: Arc::new(Mutex::new(masks)),
            env: Variables::new(),
            path: Vec::new(),
            steps: Map::new(),
            tracking,
            stages: 0,
            control,
        })
    }

    pub(crate) fn temp(&self) -> PathBuf {
        self.folders.temp()
    }

    /// Resolves what the step is given, and says so in its log.
    pub(crate) fn prepare(&mut self, spec: Spec, sink: Option<Sink>) -> Result<Active, Error> {
        let values = self.expression_values();
        let expand = |pairs: &[(String, String)]| -> Result<Vec<(String, String)>, Error> {
            pairs
                .iter()
                .map(|(name, value)| Ok((name.clone(), expression::expand(value, &values)?)))
                .collect()
        };
        let given = expand(&spec.with)?;
        let env: Variables = expand(&spec.env)?.into_iter().collect();
        let mut log = Log::new(Arc::clone(&self.masks), self.context.debug, sink);
        let (action, inputs) = match &spec.uses {
            Uses::Docker(_) => (None, given),
            Uses::Node(folder) => {
                let folder = folder.canonicalize().map_err(Error::file(folder))?;
                let action = Action::read(&folder)?;
                let resolved = action.resolve(&given, &values)?;
                if !resolved.unexpected.is_empty() {
                    log.say(
                        Level::Warning,
                        unexpected(&resolved.unexpected, &resolved.declared),
                    );
                }
                (Some(action), resolved.values)
            }
        };
        introduce(&mut log, &spec, &inputs, &env);
        self.stages += 1;
        let container = format!("{}_{}", self.tracking, self.stages);
        Ok(Active::new(
            Given {
                spec,
                action,
                inputs,
                env,
                container,
            },
            log,
        ))
    }

    /// Starts a stage of the step.
    pub(crate) fn start(&mut self, step: &mut Active, phase: Phase) -> Result<Stage, Error> {
        self.stages += 1;
        let files = Files::create(&self.folders.file_commands(), &self.stages.to_string())?;
        let variables = self.variables(step, &files);
        let command = match (&step.given.spec.uses, &step.given.action) {
            (Uses::Docker(image), _) => self.container(image, step, variables)?,
            (_, Some(action)) => self.node(action, phase, variables),
            (Uses::Node(folder), None) => {
                return Err(Error::content(folder, "no action.yml was read"));
            }
        };
        step.files = Some(files);
        let begin = Instant::now();
        let (process, output) = process::start(command)?;
        self.control.set(Some(process));
        Ok(Stage::follow(output, step.log.clone(), begin))
    }

    /// Takes in what a stage left, as the runner does after each.
    pub(crate) fn finish(
        &mut self,
        step: &mut Active,
        phase: Phase,
        run: StageRun,
    ) -> Result<(), Error> {
        self.control.set(None);
        if let (Uses::Docker(_), Some(_)) = (&step.given.spec.uses, run.signal) {
            // The docker program was killed; the container does not notice.
            let _ = Command::new("docker")
                .args(["rm", "-f", &step.given.container])
                .output();
        }
        if let Some(files) = step.files.take() {
            step.read(&files)?;
        }
        self.env.extend(step.set_env.clone());
        self.path.retain(|folder| !step.set_path.contains(folder));
        self.path.splice(..0, step.set_path.clone());
        if phase == Phase::Main {
            step.conclude(&run, self.control.is_cancelled());
            if let Some(id) = &step.given.spec.id {
                self.steps
                    .insert(id.clone(), json!({"outputs": step.outputs}));
            }
            step.main = Some(run);
        } else {
            step.post = Some(run);
        }
        Ok(())
    }

    /// Runs the post stage of a step, if it has one.
    pub(crate) fn run_post(&mut self, step: &mut Active) -> Result<(), Error> {
        if step
            .given
            .action
            .as_ref()
            .is_none_or(|action| action.post.is_none())
        {
            return Ok(());
        }
        step.log.lock().show("Post job cleanup.");
        let stage = self.start(step, Phase::Post)?;
        self.finish(step, Phase::Post, stage.wait()?)
    }

    /// Ends the job: kills what is left of it, and looks through its temp folder.
    pub(crate) fn end(self) -> End {
        let leftovers = self.folders.leftovers();
        let orphans = orphans(&format!("{TRACKING}={}", self.tracking));
        let masks = self
            .masks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        End {
            leftovers,
            orphans,
            masks,
        }
    }

    fn expression_values(&self) -> Map<String, Value> {
        let mut values = self.context.expression_values();
        let runner: Map<String, Value> = environment::runner(&self.context, &self.folders)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        let env: Variables = self
            .env
            .clone()
            .into_iter()
            .chain(self.context.env.clone())
            .collect();
        values.insert("runner".into(), Value::Object(runner));
        values.insert("env".into(), json!(env));
        values.insert("steps".into(), Value::Object(self.steps.clone()));
        if let Some(Value::Object(github)) = values.get_mut("github") {
            github.insert(
                "workspace".into(),
                environment::text(&self.folders.workspace).into(),
            );
        }
        values
    }

    /// What both kinds of step get; the host's own is not in it.
    fn variables(&self, step: &Active, files: &Files) -> Variables {
        let mut variables = environment::run(&self.context, &self.folders, files);
        variables.extend(input_variables(&step.given.inputs));
        for (name, value) in &step.state {
            variables.insert(format!("STATE_{name}"), value.clone());
        }
        for env in [&self.env, &self.context.env, &step.given.env] {
            variables.extend(env.clone());
        }
        variables
    }

    fn node(&self, action: &Action, phase: Phase, given: Variables) -> Command {
        let script = match (phase, &action.post) {
            (Phase::Post, Some(post)) => post,
            _ => &action.main,
        };
        let mut variables = environment::host();
        variables.extend(given);
        variables
            .entry("CI".into())
            .or_insert_with(|| "true".into());
        variables.insert(TRACKING.into(), self.tracking.clone());
        if !self.path.is_empty() {
            let old = variables.get("PATH").cloned().unwrap_or_default();
            variables.insert("PATH".into(), format!("{}:{old}", self.path.join(":")));
        }
        let program = self.context.node.clone().unwrap_or_else(|| "node".into());
        let mut command = Command::new(program);
        command
            .arg(script)
            .env_clear()
            .envs(variables)
            .current_dir(&self.folders.workspace);
        command
    }

    fn container(
        &self,
        image: &str,
        step: &Active,
        variables: Variables,
    ) -> Result<Command, Error> {
        let input = |wanted: &str| {
            let is = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(wanted);
            step.given
                .inputs
                .iter()
                .find(is)
                .map(|(_, value)| value.as_str())
        };
        let mut command = docker::command(docker::Container {
            image,
            name: &step.given.container,
            entrypoint: input("entrypoint"),
            args: input("args"),
            network: self.context.network.as_deref(),
            folders: &self.folders,
            variables,
        })?;
        command.env(TRACKING, &self.tracking);
        Ok(command)
    }
}

impl Drop for Job {
    /// Nothing of a job outlives it, also when a test gives up in the middle.
    fn drop(&mut self) {
        orphans(&format!("{TRACKING}={}", self.tracking));
    }
}

/// Runs steps as a job: in order, up to the first that fails; then the post
/// stages of those that ran, in reverse. `sink` gets each line that is shown.
///
/// # Errors
/// As [`crate::Step::run`].
pub fn run_job(
    context: Context,
    steps: Vec<Spec>,
    control: &Control,
    sink: impl FnMut(&str) + Send + 'static,
) -> Result<Vec<StepRun>, Error> {
    let mut job = Job::begin(context, control.clone())?;
    let sink = Arc::new(Mutex::new(sink));
    let mut ran: Vec<Active> = Vec::new();
    for spec in steps {
        if control.is_cancelled() {
            break;
        }
        let sink = Arc::clone(&sink);
        let each: Sink =
            Box::new(move |line| sink.lock().unwrap_or_else(PoisonError::into_inner)(line));
        let mut step = job.prepare(spec, Some(each))?;
        let stage = job.start(&mut step, Phase::Main)?;
        job.finish(&mut step, Phase::Main, stage.wait()?)?;
        let failed = step.failed();
        ran.push(step);
        if failed {
            break;
        }
    }
    for step in ran.iter_mut().rev() {
        job.run_post(step)?;
    }
    let end = job.end();
    ran.into_iter().map(|step| step.into_run(&end)).collect()
}

/// Kills the processes that carry `mark` in their environment; their command lines.
fn orphans(mark: &str) -> Vec<String> {
    let carries = |pid: &u32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == mark.as_bytes())
    };
    let found = process::pids().filter(carries);
    found
        .filter_map(|pid| {
            let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            process::kill(pid);
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            // A process that has ended and waits for its parent has none.
            (!command.is_empty()).then(|| command.trim_end().to_owned())
        })
        .collect()
}
