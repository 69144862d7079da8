//! The lines of `--progress=plain`, for a buildx that has nothing better.
//!
//! ```text
//! #8 [linux/arm64 build 2/3] RUN make
//! #8 0.132 cc -o a a.c
//! #8 DONE 3.2s
//! ```
//!
//! A vertex says its name first. Whatever a program prints follows a number and a
//! time, so that it cannot look like anything else.

use std::collections::HashMap;

use crate::execute::progress::event::{End, Event, Kind, Status};

/// What was read so far.
#[derive(Default)]
pub struct PlainProgress {
    /// The names of vertices, by their numbers.
    names: HashMap<String, String>,
}

impl PlainProgress {
    /// Reads a line that was printed `at` this time, in seconds: what it tells, or
    /// `None` for a line that is about no vertex.
    pub fn read<'a>(&mut self, line: &'a str, at: f64) -> Option<Vec<Event<'a>>> {
        let (vertex, text) = vertex_line(line)?;
        let event = |at, kind| Event { vertex, at, kind };
        // The connection to the builder, which buildx names a vertex.
        if text == "..." {
            return Some(Vec::new());
        }
        let known = self.names.get(vertex);
        if known.is_none_or(|name| name == text) {
            let is_new = known.is_none();
            self.names.insert(vertex.to_owned(), text.to_owned());
            let named = event(at, Kind::Named(text));
            let started = is_new.then(|| event(at, Kind::Started));
            return Some([named].into_iter().chain(started).collect());
        }
        if let Some(logged) = program_output(text) {
            let lines = [logged.as_bytes(), b"\n"];
            return Some(lines.map(|bytes| event(at, Kind::Logged(bytes))).to_vec());
        }
        if let Some(took) = text.strip_prefix("DONE") {
            // It has begun when nobody saw it, where another's lines were shown.
            let started = seconds(took.trim()).map(|took| event(at - took, Kind::Started));
            let ended = event(at, Kind::Ended(End::Done));
            return Some(started.into_iter().chain([ended]).collect());
        }
        let kind = match text.strip_prefix("ERROR: ") {
            Some(why) => Kind::Ended(End::Failed(why)),
            None if text == "CACHED" => Kind::Ended(End::Cached),
            None if text == "CANCELED" => Kind::Ended(End::Canceled),
            None => Kind::Status(status(text)),
        };
        Some(vec![event(at, kind)])
    }
}

/// The number of a vertex, and what follows `#9 ` at the beginning of a line.
fn vertex_line(line: &str) -> Option<(&str, &str)> {
    let (number, text) = line.strip_prefix('#')?.split_once(' ')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, text))
}

/// What a program has printed: `0.132 cc -o a a.c`.
fn program_output(text: &str) -> Option<&str> {
    let (time, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (whole, part) = time.split_once('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(whole) && is_number(part)).then_some(rest)
}

/// `pushing manifest for r/a:b@sha256:… 0.1s done`, with the time only where it is
/// long enough.
fn status(text: &str) -> Status<'_> {
    let (rest, is_done) = match text.strip_suffix(" done") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let timed = rest.rsplit_once(' ');
    let timed = timed.and_then(|(rest, time)| Some((rest, seconds(time)?)));
    let (id, seconds) = timed.unwrap_or((rest, 0.0));
    Status {
        id,
        current: 0,
        total: 0,
        seconds,
        is_done,
    }
}

/// `3.2s`.
fn seconds(text: &str) -> Option<f64> {
    let number = text.strip_suffix('s')?;
    let is_number = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    number.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds<'a>(progress: &mut PlainProgress, line: &'a str) -> Vec<Kind<'a>> {
        let events = progress.read(line, 10.0).unwrap();
        events.into_iter().map(|event| event.kind).collect()
    }

    #[test]
    fn a_vertex_says_its_name_first() {
        let mut progress = PlainProgress::default();
        let name = "[2/3] RUN make";
        let first = kinds(&mut progress, "#8 [2/3] RUN make");
        assert_eq!(first, [Kind::Named(name), Kind::Started]);
        let printed = kinds(&mut progress, "#8 0.13 DONE 1s");
        assert_eq!(printed, [Kind::Logged(b"DONE 1s"), Kind::Logged(b"\n")]);
        assert_eq!(kinds(&mut progress, "#8 ..."), []);
        assert_eq!(
            kinds(&mut progress, "#8 [2/3] RUN make"),
            [Kind::Named(name)]
        );
        let ended = progress.read("#8 DONE 3.5s", 10.0).unwrap();
        assert!((ended[0].at - 6.5).abs() < 0.01);
        assert_eq!(ended[1].kind, Kind::Ended(End::Done));
        let failed = kinds(&mut progress, "#8 ERROR: no");
        assert_eq!(failed, [Kind::Ended(End::Failed("no"))]);
    }

    #[test]
    fn a_status_may_have_a_time_and_an_end() {
        let mut progress = PlainProgress::default();
        drop(progress.read("#9 exporting to image", 0.0));
        for (line, id, is_done) in [
            ("#9 pushing layers", "pushing layers", false),
            ("#9 pushing layers 0.1s done", "pushing layers", true),
            ("#9 naming to r/a:b done", "naming to r/a:b", true),
            (
                "#9 transferring context: 2B",
                "transferring context: 2B",
                false,
            ),
        ] {
            let found = kinds(&mut progress, line);
            let [Kind::Status(status)] = &found[..] else {
                panic!("{found:?}");
            };
            assert_eq!((status.id, status.is_done), (id, is_done));
        }
    }

    #[test]
    fn other_lines_are_about_no_vertex() {
        for line in ["", "------", "ERROR: no", "# 8 a", "#x a", "#8"] {
            assert_eq!(PlainProgress::default().read(line, 0.0), None, "{line}");
        }
    }
}
