//! The log: `tracing` events as lines for a person, or as workflow commands.
//!
//! Under GitHub Actions everything goes to standard output; elsewhere, and
//! where a result is printed, to standard error, so that standard output holds
//! results only. The runner reads commands on both. A field `title` makes an
//! annotation of a warning or error; `notice = true` makes a notice of a line;
//! [`group`] folds lines.

use std::fmt::{self, Write as _};
use std::io::{self, Write};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber, info};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use crate::env_vars;
use crate::error::sanitize;
use crate::host::Host;
use crate::report::commands;
use crate::secret::{Redactor, Secret};

/// True when the log shares standard output with nothing.
static ON_STDOUT: OnceLock<bool> = OnceLock::new();
/// What is shown nowhere.
static HIDDEN: LazyLock<Mutex<Redactor>> = LazyLock::new(Mutex::default);

/// Starts the log for this process. `prints_result` says that standard output
/// is for a result. A second call changes nothing.
pub fn start(host: &Host, prints_result: bool) {
    let _ = ON_STDOUT.set(host.is_github_actions() && !prints_result);
    let layer = Lines {
        on_github: host.is_github_actions(),
        most: max_level(host),
    };
    let subscriber = tracing_subscriber::registry().with(layer);
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Where the log goes.
pub fn writer() -> Box<dyn Write + Send> {
    match ON_STDOUT.get() {
        Some(true) => Box::new(io::stdout()),
        _ => Box::new(io::stderr()),
    }
}

/// Hides these secrets in what is printed from now on, and tells the runner to
/// hide every form of them. Outside GitHub Actions that would show them.
pub fn mask<'a>(host: &Host, secrets: impl Iterator<Item = (&'a Secret, Option<&'a str>)>) {
    for (secret, user) in secrets {
        hide(secret);
        if host.is_github_actions() {
            for form in secret.forms(user) {
                let _ = writeln!(writer(), "::add-mask::{}", commands::data(&form));
            }
        }
    }
}

/// Hides a secret in what is printed from now on.
pub fn hide(secret: &Secret) {
    let mut hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
    hidden.add(secret);
}

/// The text as it may be printed.
pub fn without_secrets(text: &str) -> String {
    let hidden = HIDDEN.lock().unwrap_or_else(PoisonError::into_inner);
    hidden.take_out(text)
}

/// Lines under a title that the runner folds, in one piece: there may be
/// thousands.
pub fn group<'a>(title: &str, lines: impl IntoIterator<Item = &'a str>) {
    let lines: Vec<String> = lines
        .into_iter()
        .map(sanitize::visible)
        .map(|line| commands::plain(&line))
        .collect();
    let text = lines.join("\n");
    info!(group = title, "{text}");
}

struct Lines {
    on_github: bool,
    /// What is the least important that is shown.
    most: Level,
}

/// Debug lines where the job is run again with them, or `RUST_LOG` asks for more. Jobs
/// set that for programs of their own, so it cannot ask for less.
fn max_level(host: &Host) -> Level {
    let is_debug = host.var(env_vars::RUNNER_DEBUG) == Some("1");
    let targets = host.var(env_vars::RUST_LOG);
    let targets = targets.and_then(|text| text.parse::<Targets>().ok());
    let asks = |level: &Level| {
        let name = env!("CARGO_CRATE_NAME");
        let mut targets = targets.iter();
        targets.any(|targets| targets.would_enable(name, level))
    };
    match (asks(&Level::TRACE), is_debug || asks(&Level::DEBUG)) {
        (true, _) => Level::TRACE,
        (false, true) => Level::DEBUG,
        (false, false) => Level::INFO,
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        let ours = metadata.target().starts_with(env!("CARGO_CRATE_NAME"));
        ours && *metadata.level() <= self.most
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        line.hide_secrets();
        let text = if self.on_github {
            line.as_command(*event.metadata().level())
        } else {
            line.as_text(*event.metadata().level())
        };
        // There is nobody left to tell when the log itself is closed.
        let _ = writeln!(writer(), "{text}");
    }
}

#[derive(Default)]
struct Line {
    message: String,
    title: Option<String>,
    notice: bool,
    group: Option<String>,
    file: Option<String>,
    line: u64,
}

impl Line {
    fn hide_secrets(&mut self) {
        self.message = without_secrets(&self.message);
        let all = [&mut self.title, &mut self.group, &mut self.file];
        for text in all.into_iter().flatten() {
            *text = without_secrets(text);
        }
    }

    fn as_command(&self, level: Level) -> String {
        let title = self.title.as_deref().unwrap_or("Stevedore");
        let place = self.file.as_deref().map(|file| (file, self.line));
        let annotation = |level| commands::annotation(level, place, title, &self.message);
        match (level, &self.group) {
            (_, Some(group)) => format!(
                "::group::{}\n{}\n::endgroup::",
                commands::data(group),
                self.message
            ),
            (Level::ERROR, _) => annotation("error"),
            (Level::WARN, _) => annotation("warning"),
            (Level::INFO, _) if self.notice => annotation("notice"),
            (Level::INFO, _) => commands::plain(&self.message),
            _ => format!("::debug::{}", commands::data(&self.message)),
        }
    }

    fn as_text(&self, level: Level) -> String {
        let name = match level {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            Level::INFO if self.notice => "note: ",
            _ => "",
        };
        if let Some(group) = &self.group {
            return format!("{group}\n{}\n", self.message);
        }
        let place = self.file.as_ref();
        let place = place.map_or_else(String::new, |file| format!("{file}:{}: ", self.line));
        match &self.title {
            Some(title) => format!("{place}{name}{title}: {}", self.message),
            None => format!("{place}{name}{}", self.message),
        }
    }
}

impl Visit for Line {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "notice" {
            self.notice = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "line" {
            self.line = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "title" => self.title = Some(value.to_owned()),
            "group" => self.group = Some(value.to_owned()),
            "file" => self.file = Some(value.to_owned()),
            "message" => self.message = value.to_owned(),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn rust_log_can_ask_for_more_and_not_for_less() {
        for (name, value, expected) in [
            ("RUNNER_DEBUG", "1", Level::DEBUG),
            ("RUNNER_DEBUG", "0", Level::INFO),
            ("RUST_LOG", "debug", Level::DEBUG),
            ("RUST_LOG", "stevedore=trace", Level::TRACE),
            ("RUST_LOG", "other=trace", Level::INFO),
            ("RUST_LOG", "error", Level::INFO),
            ("RUST_LOG", "=,=", Level::INFO),
        ] {
            let host = Host::with(
                &[(name, value)],
                Path::new("/"),
                jiff::Timestamp::UNIX_EPOCH,
            );
            assert_eq!(max_level(&host), expected, "{name}={value}");
        }
    }
}
