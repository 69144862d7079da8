//! A step of a job, from its preparation to its post stage.
//!
//! Owns what the step was given and what it left: file commands are taken in
//! here. Specification: the runner's ActionRunner and FileCommandManager.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::action::Action;
use crate::environment::Variables;
use crate::file_commands::{self, Files};
use crate::log::{Level, Log};
use crate::masks::Masks;
use crate::stage::SharedLog;
use crate::{Conclusion, Error, Spec, StageRun, StepRun, Uses};

/// The two stages of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Main,
    Post,
}
/// What a step was given, all expressions resolved.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) spec: Spec,
    /// The action of a Node step.
    pub(crate) action: Option<Action>,
    pub(crate) inputs: Vec<(String, String)>,
    pub(crate) env: Variables,
    /// The name of a `docker://` step's container.
    pub(crate) container: String,
}

/// A step of the job, from its preparation to its post stage.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) given: Given,
    /// Of the stage that runs now.
    pub(crate) files: Option<Files>,
    pub(crate) log: SharedLog,
    pub(crate) outputs: BTreeMap<String, String>,
    /// The files that outputs name.
    pub(crate) named_files: BTreeMap<String, String>,
    pub(crate) state: BTreeMap<String, String>,
    pub(crate) set_env: BTreeMap<String, String>,
    pub(crate) set_path: Vec<String>,
    summary: String,
    pub(crate) main: Option<StageRun>,
    pub(crate) post: Option<StageRun>,
    conclusion: Conclusion,
}

/// What the job left behind.
pub(crate) struct End {
    pub(crate) leftovers: Vec<PathBuf>,
    pub(crate) orphans: Vec<String>,
    pub(crate) masks: Masks,
}
impl Active {
    pub(crate) fn new(given: Given, log: Log) -> Self {
        Self {
            given,
            files: None,
            log: SharedLog::new(log),
            outputs: BTreeMap::new(),
            named_files: BTreeMap::new(),
            state: BTreeMap::new(),
            set_env: BTreeMap::new(),
            set_path: Vec::new(),
            summary: String::new(),
            main: None,
            post: None,
            conclusion: Conclusion::Success,
        }
    }

    pub(crate) fn failed(&self) -> bool {
        self.conclusion != Conclusion::Success
    }

    pub(crate) fn conclude(&mut self, run: &StageRun, cancelled: bool) {
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
    pub(crate) fn read(&mut self, files: &Files) -> Result<(), Error> {
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
        let named = outputs
            .iter()
            .filter(|(_, value)| Path::new(value).is_absolute());
        let named = named.filter_map(|(name, value)| {
            let text = std::fs::read_to_string(value).ok()?;
            Some((name.clone(), text))
        });
        self.named_files.extend(named);
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
        let (outputs, dropped_outputs): (BTreeMap<String, String>, _) = self
            .outputs
            .into_iter()
            .partition(|(_, value)| shown(value));
        // What an output names is a result.
        let is_named = |path: &PathBuf| {
            let mut values = outputs.values();
            values.any(|value| Path::new(value).ends_with(path))
        };
        let leftovers = end.leftovers.iter().filter(|path| !is_named(path));
        let leftovers = leftovers.cloned().collect();
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
            files: self.named_files,
            state: self.state,
            env: self.set_env,
            path: self.set_path,
            summary: self.summary,
            annotations: log.annotations.clone(),
            masks: end.masks.values(),
            leftovers,
            orphans: end.orphans.clone(),
        })
    }
}
fn read(file: &Path) -> Result<String, Error> {
    let bytes = match std::fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(Error::file(file))?,
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The runner's words for inputs that action.yml does not declare.
pub(crate) fn unexpected(names: &[String], declared: &[String]) -> String {
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

/// The head of a step's log: what it was given.
pub(crate) fn introduce(log: &mut Log, spec: &Spec, inputs: &[(String, String)], env: &Variables) {
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
