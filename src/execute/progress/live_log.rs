//! The log of a build while it runs: a line as things happen, with the platform and
//! the step that it is about, and never a silent minute.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use crate::error::sanitize::shorten;
use crate::execute::progress::event::{End, Event, Kind, Status};
use crate::execute::progress::printed::{Printed, as_on_terminal};
use crate::host::Log;
use crate::input::ProgressStyle;
use crate::units::{bytes, seconds};

/// How long a step runs before the log says that it has begun, when it prints nothing.
const SOON: Duration = Duration::from_secs(1);
/// How long the log may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// How many of the steps that run are named then.
const NAMED: usize = 3;
/// How much of what a step has printed is kept, in bytes.
const KEPT: usize = 64 * 1024;
/// How many things that a step does are told.
const MOST_STATUSES: usize = 10_000;
/// How long a name is shown in full, in characters.
const LONG_NAME: usize = 200;

/// The log of a build.
pub struct LiveLog<'a> {
    out: &'a mut dyn Log,
    style: ProgressStyle,
    vertices: BTreeMap<String, Running>,
    /// When something was last printed.
    printed_at: Instant,
    began: Instant,
}

/// A vertex that is not over.
#[derive(Default)]
struct Running {
    name: String,
    /// When it began, in the progress's own seconds, and here.
    began: Option<(f64, Instant)>,
    /// True once its name was printed.
    is_announced: bool,
    /// True once it has ended. It may go on all the same.
    is_over: bool,
    /// How it ended, where that is not said yet: what took no time at all is often
    /// told again.
    ending: Option<String>,
    /// True once a program has printed something.
    is_a_program: bool,
    printed: Printed,
    /// Lines that are not shown yet, and their length.
    kept: Vec<String>,
    kept_bytes: usize,
    /// What it has done, as that is told more than once.
    did: BTreeSet<String>,
    /// What it is doing.
    doing: BTreeMap<String, Activity>,
    /// What was sent or fetched when it was last told, and when that was.
    told: Option<(u64, Instant)>,
}

/// Something that a vertex does.
struct Activity {
    since: Instant,
    /// True once it was told that it goes on.
    is_told: bool,
    /// The bytes that are done, and those that there are.
    bytes: (u64, u64),
}

impl Running {
    /// What stands before its lines: `[linux/arm64 build 2/3]`, or the name.
    fn prefix(&self) -> &str {
        let inside = self.name.strip_prefix('[');
        let inside = inside.and_then(|inside| inside.split_once("] "));
        // `[internal]` alone does not say which it is.
        match inside.map(|(inside, _)| (inside, inside.ends_with(|c: char| c.is_ascii_digit()))) {
            Some((inside, true)) if inside.contains('/') => &self.name[..inside.len() + 2],
            _ => &self.name,
        }
    }

    /// The name where that was not printed, else what stands before its lines.
    fn subject(&self) -> String {
        if self.is_announced {
            self.prefix().to_owned()
        } else {
            shorten(&self.name, LONG_NAME).into_owned()
        }
    }
}

impl<'a> LiveLog<'a> {
    /// A log in this style, in this place.
    pub fn new(out: &'a mut dyn Log, style: ProgressStyle) -> Self {
        let now = Instant::now();
        Self {
            out,
            style,
            vertices: BTreeMap::new(),
            printed_at: now,
            began: now,
        }
    }

    /// Takes in what became known of a vertex.
    pub fn take(&mut self, event: &Event<'_>) {
        if let Kind::Named(name) = event.kind {
            let known = self.vertices.entry(event.vertex.to_owned());
            known.or_insert_with(|| Running {
                name: name.to_owned(),
                ..Running::default()
            });
            return;
        }
        let Some(known) = self.vertices.get_mut(event.vertex) else {
            return;
        };
        let mut running = std::mem::take(known);
        match &event.kind {
            Kind::Named(_) => {}
            Kind::Started => {
                running.ending = None;
                running.began.get_or_insert((event.at, Instant::now()));
            }
            Kind::Status(status) => self.status(&mut running, status),
            Kind::Logged(bytes) => self.print_output(&mut running, bytes),
            Kind::Ended(end) => self.print_end(&mut running, event.at, *end),
        }
        if let Some(known) = self.vertices.get_mut(event.vertex) {
            *known = running;
        }
    }

    /// Hands on what is not printed yet.
    pub fn flush(&mut self) {
        let _ = self.out.flush();
    }

    /// Takes in a line that is about no vertex.
    pub fn text(&mut self, line: &str) {
        if !line.is_empty() {
            self.line(line);
        }
    }

    fn line(&mut self, text: &str) {
        self.printed_at = Instant::now();
        // What the progress tells counts, whether or not anybody sees it.
        let _ = self.out.line(text);
    }

    fn announce(&mut self, running: &mut Running) {
        if !running.is_announced && self.style != ProgressStyle::Quiet {
            running.is_announced = true;
            self.line(&running.name);
        }
    }

    fn status(&mut self, running: &mut Running, status: &Status<'_>) {
        if !status.is_done {
            let doing = running.doing.entry(status.id.to_owned());
            let doing = doing.or_insert_with(|| Activity {
                since: Instant::now(),
                is_told: false,
                bytes: (0, 0),
            });
            doing.bytes = (status.current, status.total);
            return;
        }
        running.doing.remove(status.id);
        if running.did.len() >= MOST_STATUSES || !running.did.insert(status.id.to_owned()) {
            return;
        }
        let size = match status.current {
            0 => String::new(),
            count => format!(" {}", bytes(count)),
        };
        let time = match status.seconds {
            time if time < 0.05 => String::new(),
            time => format!(", {}", seconds(time)),
        };
        let id = status.id.trim_end_matches(':');
        self.printed(running, &format!("{id}{size}{time}"));
    }

    fn print_output(&mut self, running: &mut Running, bytes: &[u8]) {
        running.is_a_program = true;
        let mut printed = std::mem::take(&mut running.printed);
        printed.push(bytes, |line| self.printed(running, &as_on_terminal(line)));
        running.printed = printed;
    }

    /// A line of what a step has printed, or done.
    fn printed(&mut self, running: &mut Running, line: &str) {
        if self.style == ProgressStyle::Plain {
            self.announce(running);
            self.line(&format!("{} | {line}", running.prefix()));
            return;
        }
        running.kept_bytes += line.len() + 1;
        running.kept.push(line.to_owned());
        if running.kept_bytes <= KEPT {
            return;
        }
        match self.style {
            ProgressStyle::Grouped => {
                let title = format!("{}: so far", shorten(&running.name, LONG_NAME));
                self.show_kept(running, &title);
            }
            _ => {
                let half = running.kept.len() / 2;
                running.kept.drain(..half.max(1));
                running.kept_bytes = running.kept.iter().map(|line| line.len() + 1).sum();
            }
        }
    }

    /// Shows the lines that were kept, folded.
    fn show_kept(&mut self, running: &mut Running, title: &str) {
        self.printed_at = Instant::now();
        let _ = self.out.group(title);
        for line in running.kept.drain(..) {
            let _ = self.out.line(&line);
        }
        let _ = self.out.end_group();
        running.kept_bytes = 0;
        running.is_announced = true;
    }

    fn print_end(&mut self, running: &mut Running, at: f64, end: End<'_>) {
        let mut printed = std::mem::take(&mut running.printed);
        printed.end(|line| self.printed(running, &as_on_terminal(line)));
        running.doing.clear();
        let took = running.began.take().map(|(began, _)| (at - began).max(0.0));
        let time = took.map(|took| format!(", {}", seconds(took)));
        let time = time.unwrap_or_default();
        let how = match end {
            End::Done => format!("done{time}"),
            End::Cached => "cached".to_owned(),
            End::Canceled => format!("cancelled{time}"),
            End::Failed(why) => format!("failed{time}: {}", why.lines().next().unwrap_or_default()),
        };
        let is_failed = matches!(end, End::Failed(_));
        // A base image is resolved, and then again; each of which is told as it ends.
        let is_repeated = running.is_over && took.is_none_or(|took| took < SOON.as_secs_f64());
        running.is_over = true;
        if self.style == ProgressStyle::Quiet && !is_failed {
            running.kept.clear();
            running.kept_bytes = 0;
            return;
        }
        if running.kept.is_empty() || (running.kept.len() == 1 && !running.is_a_program) {
            let did = running.kept.pop();
            running.kept_bytes = 0;
            let did = did.map(|did| format!(" ({did})")).unwrap_or_default();
            let text = format!("{}: {how}{did}", running.subject());
            if matches!(end, End::Done) && took.is_none_or(|took| took < 0.001) {
                running.ending = Some(text).filter(|_| !is_repeated);
                return;
            }
            if !is_repeated || is_failed {
                self.line(&text);
            }
            running.is_announced = true;
            return;
        }
        if is_failed {
            // Not folded: it is what everybody looks for.
            self.line(&running.name);
            for line in std::mem::take(&mut running.kept) {
                self.line(&format!("{} | {line}", running.prefix()));
            }
            self.line(&format!("{}: {how}", running.prefix()));
        } else {
            let title = format!("{}: {how}", shorten(&running.name, LONG_NAME));
            self.show_kept(running, &title);
        }
    }

    /// Says what a vertex has been doing for long.
    fn say_doing(&mut self, running: &mut Running, now: Instant) {
        if self.style == ProgressStyle::Quiet {
            return;
        }
        let prefix = running.prefix().to_owned();
        for (id, doing) in &mut running.doing {
            if !doing.is_told && now.saturating_duration_since(doing.since) >= SOON {
                doing.is_told = true;
                self.line(&format!("{prefix} | {} …", id.trim_end_matches(':')));
            }
        }
    }

    fn say_ending(&mut self, running: &mut Running) {
        if let Some(text) = running.ending.take() {
            running.is_announced = true;
            self.line(&text);
        }
    }

    /// Says what is left to say.
    pub fn end(&mut self) {
        let mut vertices = std::mem::take(&mut self.vertices);
        vertices
            .values_mut()
            .for_each(|running| self.say_ending(running));
    }

    /// Says what runs, where nothing else has been said for long. Called each second.
    pub fn tick(&mut self, now: Instant) {
        let since = |began: Instant| now.saturating_duration_since(began);
        let mut vertices = std::mem::take(&mut self.vertices);
        for running in vertices.values_mut() {
            self.say_ending(running);
            let runs = running.began.is_some_and(|(_, began)| since(began) >= SOON);
            if runs && !running.is_over {
                self.announce(running);
                self.say_doing(running, now);
            }
        }
        if since(self.printed_at) >= SILENCE {
            let mut running: Vec<&mut Running> = vertices
                .values_mut()
                .filter(|running| running.began.is_some())
                .collect();
            running.sort_by_key(|running| running.began.map(|(_, began)| began));
            let count = running.len();
            for one in running.into_iter().take(NAMED) {
                self.still_running(one, now);
            }
            if count > NAMED {
                self.line(&format!("{} more steps are running", count - NAMED));
            }
            if count == 0 {
                let waited = seconds(since(self.began).as_secs_f64());
                self.line(&format!("waiting for the builder since {waited}"));
            }
        }
        self.vertices = vertices;
    }

    fn still_running(&mut self, running: &mut Running, now: Instant) {
        let Some((_, began)) = running.began else {
            return;
        };
        let since = now.saturating_duration_since(began).as_secs_f64();
        let (current, total) = running.doing.values().fold((0, 0), |sum, doing| {
            (sum.0 + doing.bytes.0, sum.1 + doing.bytes.1)
        });
        let mut text = format!("{}: running, {}", running.subject(), seconds(since));
        if current > 0 {
            text += &format!(", {}", bytes(current));
            if total >= current {
                text += &format!(" of {}", bytes(total));
            }
            let (before, at) = running.told.unwrap_or((0, began));
            let during = now.saturating_duration_since(at).as_secs_f64();
            if during > 0.0 && current > before {
                let rate = ((current - before) as f64 / during) as u64;
                text += &format!(", {}/s", bytes(rate));
            }
            running.told = Some((current, now));
        }
        running.is_announced = true;
        self.line(&text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: &str = "[linux/arm64 build 2/3] RUN make";

    fn event<'a>(vertex: &'a str, at: f64, kind: Kind<'a>) -> Event<'a> {
        Event { vertex, at, kind }
    }

    fn log_of(style: ProgressStyle, run: impl FnOnce(&mut LiveLog<'_>)) -> String {
        let mut out = Vec::new();
        run(&mut LiveLog::new(&mut out, style));
        String::from_utf8(out).unwrap()
    }

    fn a_build(log: &mut LiveLog<'_>, end: End<'_>) {
        for event in [
            event("a", 0.0, Kind::Named(STEP)),
            event("b", 0.0, Kind::Named("[linux/arm64 build 3/3] COPY . .")),
            event("a", 1.0, Kind::Started),
            event("a", 1.5, Kind::Logged(b"cc a.c\ncc ")),
            event("b", 2.0, Kind::Ended(End::Cached)),
            event("a", 2.5, Kind::Logged(b"b.c")),
            event("a", 4.2, Kind::Ended(end)),
        ] {
            log.take(&event);
        }
    }

    #[test]
    fn every_line_says_what_it_is_about() {
        let text = log_of(ProgressStyle::Plain, |log| a_build(log, End::Done));
        assert_eq!(
            text,
            "[linux/arm64 build 2/3] RUN make\n\
             [linux/arm64 build 2/3] | cc a.c\n\
             [linux/arm64 build 3/3] COPY . .: cached\n\
             [linux/arm64 build 2/3] | cc b.c\n\
             [linux/arm64 build 2/3]: done, 3.2 s\n"
        );
    }

    #[test]
    fn groups_have_what_one_step_printed() {
        let text = log_of(ProgressStyle::Grouped, |log| a_build(log, End::Done));
        assert_eq!(
            text,
            "[linux/arm64 build 3/3] COPY . .: cached\n\
             [linux/arm64 build 2/3] RUN make: done, 3.2 s\ncc a.c\ncc b.c\n"
        );
        let long = log_of(ProgressStyle::Grouped, |log| {
            log.take(&event("a", 0.0, Kind::Named(STEP)));
            for _ in 0..100_000 {
                log.take(&event("a", 0.0, Kind::Logged(b"line\n")));
                assert!(log.vertices["a"].kept_bytes <= KEPT);
            }
            log.take(&event("a", 1.0, Kind::Ended(End::Done)));
        });
        assert_eq!(long.matches("line\n").count(), 100_000);
        assert!(long.contains(": so far\n"));
    }

    #[test]
    fn quiet_shows_what_failed_alone() {
        let quiet = |end| log_of(ProgressStyle::Quiet, |log| a_build(log, end));
        assert_eq!(quiet(End::Done), "");
        let text = quiet(End::Failed("exit code: 2\nmore"));
        assert_eq!(
            text,
            "[linux/arm64 build 2/3] RUN make\n\
             [linux/arm64 build 2/3] | cc a.c\n\
             [linux/arm64 build 2/3] | cc b.c\n\
             [linux/arm64 build 2/3]: failed, 3.2 s: exit code: 2\n"
        );
    }

    #[test]
    fn a_step_that_is_silent_is_told_all_the_same() {
        let text = log_of(ProgressStyle::Plain, |log| {
            let began = Instant::now();
            log.take(&event("a", 0.0, Kind::Named(STEP)));
            log.take(&event("a", 0.0, Kind::Started));
            log.tick(began);
            log.tick(began + SOON + SOON);
            log.tick(began + SOON + SOON);
            log.tick(began + 2 * SILENCE);
        });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines, [STEP, "[linux/arm64 build 2/3]: running, 60 s"]);
        let waiting = log_of(ProgressStyle::Quiet, |log| {
            log.tick(Instant::now() + SILENCE);
        });
        assert!(
            waiting.starts_with("waiting for the builder since 30 s"),
            "{waiting}"
        );
    }

    #[test]
    fn a_long_transfer_has_bytes_and_a_rate() {
        let text = log_of(ProgressStyle::Plain, |log| {
            let began = Instant::now();
            let status = Status {
                id: "transferring context:",
                current: 30_000_000,
                total: 0,
                seconds: 1.0,
                is_done: false,
            };
            log.take(&event(
                "a",
                0.0,
                Kind::Named("[internal] load build context"),
            ));
            log.take(&event("a", 0.0, Kind::Started));
            log.take(&event("a", 0.0, Kind::Status(status)));
            log.tick(began + 2 * SILENCE);
            let status = Status {
                is_done: true,
                ..status
            };
            log.take(&event("a", 62.0, Kind::Status(status)));
        });
        assert_eq!(
            text.lines().last().unwrap(),
            "[internal] load build context | transferring context 30.0 MB, 1.0 s"
        );
        assert!(text.contains("running, 60 s, 30.0 MB, "), "{text}");
        assert!(text.contains(" kB/s\n"), "{text}");
    }
}
