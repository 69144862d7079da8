//! A job: steps in their order, then their post stages in reverse.
//!
//! Owns what steps of a job share (folders, environment, masks, outputs) and
//! what is done before and after each stage. Specification: the runner's
//! StepsRunner, ActionRunner, FileCommandManager. Other than the runner: an
//! `env` that is given wins over the runner's own `GITHUB_…`, so that a test can
//! make up any run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};

use crate::action::{Action, input_variables};
use crate::environment::{self, Variables};
use crate::file_commands::Files;
use crate::folders::Folders;
use crate::log::{Level, Log, Sink};
use crate::masks::Masks;
use crate::running::{Control, SharedLog, Stage};
use crate::{
    Conclusion, Context, Error, Spec, StageRun, StepRun, Uses, docker, expression, file_commands,
    process,
};

/// What the runner sets so that it finds the processes of a job again.
const TRACKING: &str = "RUNNER_TRACKING_ID";

/// The two stages of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Main,
    Post,
}

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

/// A step of the job, from its preparation to its post stage.
#[derive(Debug)]
pub(crate) struct Active {
    spec: Spec,
    action: Option<Action>,
    inputs: Vec<(String, String)>,
    env: Variables,
    files: BTreeMap<&'static str, Files>,
    container: String,
    pub(crate) log: SharedLog,
    outputs: BTreeMap<String, String>,
    state: BTreeMap<String, String>,
    set_env: BTreeMap<String, String>,
    set_path: Vec<String>,
    summary: String,
    main: Option<StageRun>,
    post: Option<StageRun>,
    conclusion: Conclusion,
}

/// What the job left behind.
pub(crate) struct End {
    leftovers: Vec<PathBuf>,
    orphans: Vec<String>,
    masks: Masks,
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
        Ok(Active {
            spec,
            action,
            inputs,
            env,
            files: BTreeMap::new(),
            container,
            log: SharedLog::new(log),
            outputs: BTreeMap::new(),
            state: BTreeMap::new(),
            set_env: BTreeMap::new(),
            set_path: Vec::new(),
            summary: String::new(),
            main: None,
            post: None,
            conclusion: Conclusion::Success,
        })
    }

    /// Starts a stage of the step.
    pub(crate) fn start(&mut self, step: &mut Active, phase: Phase) -> Result<Stage, Error> {
        self.stages += 1;
        let files = Files::create(&self.folders.file_commands(), &self.stages.to_string())?;
        let variables = self.variables(step, &files);
        let command = match (&step.spec.uses, &step.action) {
            (Uses::Docker(image), _) => self.container(image, step, variables)?,
            (_, Some(action)) => self.node(action, phase, variables),
            (Uses::Node(folder), None) => {
                return Err(Error::content(folder, "no action.yml was read"));
            }
        };
        step.files.insert(phase.name(), files);
        let (process, output) = process::start(command)?;
        self.control.set(Some(process));
        Ok(Stage::follow(output, step.log.clone()))
    }

    /// Takes in what a stage left, as the runner does after each.
    pub(crate) fn finish(
        &mut self,
        step: &mut Active,
        phase: Phase,
        run: StageRun,
    ) -> Result<(), Error> {
        self.control.set(None);
        if let (Uses::Docker(_), Some(_)) = (&step.spec.uses, run.signal) {
            // The docker program was killed; the container does not notice.
            let _ = Command::new("docker")
                .args(["rm", "-f", &step.container])
                .output();
        }
        if let Some(files) = step.files.remove(phase.name()) {
            step.read(&files)?;
        }
        self.env.extend(step.set_env.clone());
        self.path = [step.set_path.clone(), std::mem::take(&mut self.path)].concat();
        if phase == Phase::Main {
            step.conclude(&run, self.control.is_cancelled());
            if let Some(id) = &step.spec.id {
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
        variables.extend(input_variables(&step.inputs));
        for (name, value) in &step.state {
            variables.insert(format!("STATE_{name}"), value.clone());
        }
        for env in [&self.env, &self.context.env, &step.env] {
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
            step.inputs.iter().find(is).map(|(_, value)| value.as_str())
        };
        let mut command = docker::command(docker::Container {
            image,
            name: &step.container,
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

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Post => "post",
        }
    }
}

impl Active {
    pub(crate) fn failed(&self) -> bool {
        self.conclusion != Conclusion::Success
    }

    fn conclude(&mut self, run: &StageRun, cancelled: bool) {
        if cancelled {
            self.conclusion = Conclusion::Cancelled;
            self.log
                .lock()
                .say(Level::Error, "The operation was canceled.");
            return;
        }
        if let Some(code) = run.exit_code.filter(|code| *code != 0) {
            self.log.lock().show(&format!(
                "##[error]Process completed with exit code {code}."
            ));
        }
        if run.exit_code != Some(0) || self.log.lock().failed {
            self.conclusion = Conclusion::Failure;
        }
    }

    /// Reads the stage's files, in the order and with the refusals of the runner.
    fn read(&mut self, files: &Files) -> Result<(), Error> {
        let path = read(&files.path)?;
        self.set_path.extend(
            path.lines()
                .rev()
                .filter(|line| !line.is_empty())
                .map(ToOwned::to_owned),
        );
        for (name, value) in self.pairs("env", &read(&files.env)?) {
            if name.eq_ignore_ascii_case("NODE_OPTIONS") {
                let message =
                    "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.";
                self.log.lock().say(Level::Error, message);
            } else {
                self.set_env.insert(name, value);
            }
        }
        self.summarise(&read(&files.summary)?);
        let (mut outputs, mut state) = (BTreeMap::new(), BTreeMap::new());
        std::mem::swap(&mut outputs, &mut self.log.lock().outputs);
        std::mem::swap(&mut state, &mut self.log.lock().state);
        outputs.extend(self.pairs("output", &read(&files.output)?));
        state.extend(self.pairs("state", &read(&files.state)?));
        self.outputs.extend(outputs);
        self.state.extend(state);
        Ok(())
    }

    fn pairs(&mut self, name: &str, text: &str) -> Vec<(String, String)> {
        let (pairs, mistake) = file_commands::pairs(text);
        if let Some(mistake) = mistake {
            let mut log = self.log.lock();
            log.fail(format!(
                "Unable to process file command '{name}' successfully."
            ));
            log.fail(mistake);
        }
        pairs
    }

    fn summarise(&mut self, text: &str) {
        let mut log = self.log.lock();
        if text.len() > file_commands::SUMMARY_LIMIT {
            log.say(Level::Error, format!(
                "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of {}k, got {}k.",
                file_commands::SUMMARY_LIMIT / 1024,
                text.len() / 1024
            ));
        } else {
            let masked: Vec<String> = text.lines().map(|line| log.masked(line) + "\n").collect();
            self.summary.push_str(&masked.concat());
        }
    }

    pub(crate) fn into_run(self, end: &End) -> Result<StepRun, Error> {
        let main = self
            .main
            .ok_or_else(|| Error::Unsupported("a step that did not run".into()))?;
        let log = self.log.lock();
        let shown = |value: &String| end.masks.apply(value) == *value;
        let (outputs, dropped_outputs) = self
            .outputs
            .into_iter()
            .partition(|(_, value)| shown(value));
        Ok(StepRun {
            conclusion: self.conclusion,
            exit_code: main.exit_code,
            signal: main.signal,
            main,
            post: self.post,
            log: log.raw.clone(),
            shown: log.shown.clone(),
            outputs,
            dropped_outputs,
            state: self.state,
            env: self.set_env,
            path: self.set_path,
            summary: self.summary,
            annotations: log.annotations.clone(),
            masks: end.masks.values(),
            leftovers: end.leftovers.clone(),
            orphans: end.orphans.clone(),
        })
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

fn read(file: &std::path::Path) -> Result<String, Error> {
    let bytes = match std::fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(Error::file(file))?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn unexpected(names: &[String], declared: &[String]) -> String {
    let quoted = |names: &[String]| {
        names
            .iter()
            .map(|name| format!("'{name}'"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "Unexpected input(s) {}, valid inputs are [{}]",
        quoted(names),
        quoted(declared)
    )
}

fn introduce(log: &mut Log, spec: &Spec, inputs: &[(String, String)], env: &Variables) {
    let uses = match &spec.uses {
        Uses::Node(folder) => folder.display().to_string(),
        Uses::Docker(image) => format!("docker://{image}"),
    };
    log.show(&format!("##[group]Run {uses}"));
    log.show("with:");
    for (name, value) in inputs.iter().filter(|(_, value)| !value.is_empty()) {
        format!("  {name}: {value}")
            .lines()
            .for_each(|line| log.show(line));
    }
    if !env.is_empty() {
        log.show("env:");
    }
    for (name, value) in env {
        format!("  {name}: {value}")
            .lines()
            .for_each(|line| log.show(line));
    }
    log.show("##[endgroup]");
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
