//! What a step says: lines in, log, annotations and masks out.
//!
//! Owns acting on workflow commands; must not know where lines come from.
//! Specification: the runner's ActionCommandManager and OutputManager. Less than
//! the runner: problem matchers and `::echo::` are taken and have no effect.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::commands::Command;
use crate::masks::Masks;

/// How serious an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `::notice::`
    Notice,
    /// `::warning::`
    Warning,
    /// `::error::`
    Error,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A message that GitHub shows on the run's page; masked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Annotation {
    /// How serious it is.
    pub level: Level,
    /// The `title=`.
    pub title: Option<String>,
    /// The text.
    pub message: String,
    /// The `file=`, as given.
    pub file: Option<String>,
    /// The `line=`, from 1.
    pub line: Option<u32>,
    /// The runner said it, not the step.
    pub by_runner: bool,
}

/// Receives each line that is shown, masked, without its newline.
pub(crate) type Sink = Box<dyn FnMut(&str) + Send>;

/// The log of one step, all its stages.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) raw: String,
    pub(crate) shown: String,
    pub(crate) annotations: Vec<Annotation>,
    /// From `::set-output::` and `::save-state::`, which still work.
    pub(crate) outputs: BTreeMap<String, String>,
    pub(crate) state: BTreeMap<String, String>,
    /// The runner itself found a mistake that fails the step.
    pub(crate) failed: bool,
    masks: Arc<Mutex<Masks>>,
    stop_token: Option<String>,
    debug: bool,
    sink: Option<Sink>,
}

impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Log")
            .field("shown", &self.shown)
            .finish_non_exhaustive()
    }
}

impl Log {
    pub(crate) fn new(masks: Arc<Mutex<Masks>>, debug: bool, sink: Option<Sink>) -> Self {
        Self {
            masks,
            debug,
            sink,
            ..Self::default()
        }
    }

    /// Takes a line of the step's standard output or error.
    pub(crate) fn line(&mut self, line: &str) {
        self.raw.push_str(line);
        self.raw.push('\n');
        match Command::parse(line, self.stop_token.as_deref()) {
            Some(command) => self.command(line, &command),
            None => self.show(line),
        }
    }

    /// Shows a line, masked.
    pub(crate) fn show(&mut self, line: &str) {
        let masked = self.masked(line);
        self.shown.push_str(&masked);
        self.shown.push('\n');
        if let Some(sink) = &mut self.sink {
            sink(&masked);
        }
    }

    /// A message of the runner's own.
    pub(crate) fn say(&mut self, level: Level, message: impl Into<String>) {
        let (message, by_runner) = (message.into(), true);
        self.annotate(Annotation {
            level,
            title: None,
            message,
            file: None,
            line: None,
            by_runner,
        });
    }

    /// An error of the runner's own: the step fails.
    pub(crate) fn fail(&mut self, message: impl Into<String>) {
        self.failed = true;
        self.say(Level::Error, message);
    }

    pub(crate) fn masked(&self, text: &str) -> String {
        self.masks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .apply(text)
    }

    fn annotate(&mut self, annotation: Annotation) {
        self.show(&format!(
            "##[{}]{}",
            annotation.level.word(),
            annotation.message
        ));
        self.annotations.push(Annotation {
            message: self.masked(&annotation.message),
            title: annotation.title.map(|title| self.masked(&title)),
            ..annotation
        });
    }

    fn command(&mut self, line: &str, command: &Command) {
        let name = command.name.to_lowercase();
        if let Some(token) = &self.stop_token {
            if command.name.eq_ignore_ascii_case(token) {
                self.stop_token = None;
            }
            return self.show(line);
        }
        match name.as_str() {
            "stop-commands" => self.stop(line, &command.data),
            "add-mask" => self.mask(&command.data),
            "group" => self.show(&format!("##[group]{}", command.data)),
            "endgroup" => self.show("##[endgroup]"),
            "debug" if self.debug => self.show(&format!("##[debug]{}", command.data)),
            "notice" => self.annotate(annotation(Level::Notice, command)),
            "warning" => self.annotate(annotation(Level::Warning, command)),
            "error" => self.annotate(annotation(Level::Error, command)),
            "set-output" | "save-state" => self.legacy(&name, command),
            "set-env" | "add-path" => {
                self.fail(format!("Unable to process command '{line}' successfully."));
                self.fail(format!(
                    "The `{name}` command is disabled. Use the environment file."
                ));
            }
            _ => {}
        }
    }

    fn stop(&mut self, line: &str, token: &str) {
        let is_command = crate::commands::KNOWN
            .iter()
            .any(|known| known.eq_ignore_ascii_case(token));
        if token.is_empty() || is_command || token.eq_ignore_ascii_case("pause-logging") {
            return self.fail(format!("Unable to process command '{line}' successfully."));
        }
        self.stop_token = Some(token.to_owned());
        if token.chars().count() > 6 {
            self.add_mask(token);
        }
        self.show(line);
    }

    fn mask(&mut self, value: &str) {
        if value.trim().is_empty() {
            return self.say(
                Level::Warning,
                "Can't add secret mask for empty string in ##[add-mask] command.",
            );
        }
        self.add_mask(value);
    }

    fn add_mask(&self, value: &str) {
        self.masks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(value);
    }

    fn legacy(&mut self, name: &str, command: &Command) {
        self.say(
            Level::Warning,
            format!("The `{name}` command is deprecated. Use the environment file."),
        );
        let Some(key) = command.property("name") else {
            return self.fail(format!(
                "Required field 'name' is missing in ##[{name}] command."
            ));
        };
        let values = if name == "set-output" {
            &mut self.outputs
        } else {
            &mut self.state
        };
        values.insert(key.to_owned(), command.data.clone());
    }
}

fn annotation(level: Level, command: &Command) -> Annotation {
    Annotation {
        level,
        title: command.property("title").map(ToOwned::to_owned),
        message: command.data.clone(),
        file: command.property("file").map(ToOwned::to_owned),
        line: command.property("line").and_then(|line| line.parse().ok()),
        by_runner: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(lines: &[&str]) -> Log {
        let mut log = Log::default();
        lines.iter().for_each(|line| log.line(line));
        log
    }

    #[test]
    fn masks_from_where_they_are_added() {
        let log = log(&[
            "s3cret",
            "::add-mask::s3cret",
            "a s3cret",
            "::error title=s3cret::it was s3cret",
        ]);
        assert_eq!(log.shown, "s3cret\na ***\n##[error]it was ***\n");
        assert_eq!(log.annotations[0].title.as_deref(), Some("***"));
        assert!(log.raw.contains("::add-mask::s3cret"));
    }

    #[test]
    fn stopped_commands_are_text() {
        let lines = [
            "::stop-commands::t0ken-xyz",
            "::error::no",
            "::t0ken-xyz::",
            "::error::yes",
        ];
        let log = log(&lines);
        assert_eq!(log.annotations.len(), 1);
        assert_eq!(log.annotations[0].message, "yes");
        assert_eq!(
            log.shown,
            "::stop-commands::***\n::error::no\n::***::\n##[error]yes\n"
        );
    }

    #[test]
    fn refused_commands_fail_the_step() {
        for line in [
            "::set-env name=A::b",
            "::add-path::/x",
            "::stop-commands::error",
            "::set-output::x",
        ] {
            assert!(log(&[line]).failed, "{line}");
        }
        assert!(!log(&["::debug::x", "::set-output name=a::b"]).failed);
    }
}
