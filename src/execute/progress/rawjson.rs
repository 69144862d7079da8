//! The lines of `--progress=rawjson`: BuildKit's `SolveStatus`, one a line.
//!
//! buildx prints other lines between and after them: what the frontend says of the
//! place of an error, and its own last words.
//!
//! Source: buildx, `docs/reference/buildx_build.md`; BuildKit, `client/graph.go`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::execute::progress::event::{End, Event, Kind, Status};

/// One line.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Line<'a> {
    #[serde(borrow, rename = "vertexes")]
    vertices: Vec<Vertex<'a>>,
    #[serde(borrow)]
    statuses: Vec<VertexStatus<'a>>,
    #[serde(borrow)]
    logs: Vec<Log<'a>>,
    /// What BuildKit's checks of a Dockerfile have found.
    pub warnings: Vec<Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Vertex<'a> {
    #[serde(borrow)]
    digest: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
    cached: bool,
    #[serde(borrow)]
    error: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VertexStatus<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    vertex: Cow<'a, str>,
    current: i64,
    total: i64,
    timestamp: Option<Timestamp>,
    started: Option<Timestamp>,
    completed: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Log<'a> {
    #[serde(borrow)]
    vertex: Cow<'a, str>,
    #[serde(borrow)]
    data: Cow<'a, str>,
    timestamp: Option<Timestamp>,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` for one that is something else.
    pub fn parse(line: &'a str) -> Option<Self> {
        // buildx prints it where there is nothing to tell.
        if line == "{}" {
            return Some(Self::default());
        }
        const FIELDS: [&str; 4] = ["vertexes", "statuses", "logs", "warnings"];
        let field = line.strip_prefix("{\"")?.split('"').next()?;
        if !FIELDS.contains(&field) {
            return None;
        }
        serde_json::from_str(line).ok()
    }

    /// Hands over what it tells, in the order in which it can be understood: names
    /// first, ends last.
    pub fn emit(&self, take: &mut dyn FnMut(Event<'_>)) {
        for vertex in &self.vertices {
            let at = vertex.started.map_or(0.0, seconds);
            let mut tell = |kind| {
                take(Event {
                    vertex: &vertex.digest,
                    at,
                    kind,
                });
            };
            tell(Kind::Named(&vertex.name));
            if vertex.started.is_some() {
                tell(Kind::Started);
            }
        }
        for status in &self.statuses {
            take(status.event());
        }
        for log in &self.logs {
            let Ok(bytes) = STANDARD.decode(log.data.as_bytes()) else {
                continue;
            };
            take(Event {
                vertex: &log.vertex,
                at: log.timestamp.map_or(0.0, seconds),
                kind: Kind::Logged(&bytes),
            });
        }
        let ends = self.vertices.iter();
        for (vertex, completed) in ends.filter_map(|vertex| Some((vertex, vertex.completed?))) {
            take(Event {
                vertex: &vertex.digest,
                at: seconds(completed),
                kind: Kind::Ended(vertex.end()),
            });
        }
    }
}

impl Vertex<'_> {
    fn end(&self) -> End<'_> {
        match (self.error.as_ref(), self.cached) {
            ("", true) => End::Cached,
            ("", false) => End::Done,
            (error, _) if error.ends_with("context canceled") => End::Canceled,
            (error, _) => End::Failed(error),
        }
    }
}

impl VertexStatus<'_> {
    fn event(&self) -> Event<'_> {
        let now = self.completed.or(self.timestamp).map_or(0.0, seconds);
        let began = self.started.map_or(now, seconds);
        Event {
            vertex: &self.vertex,
            at: now,
            kind: Kind::Status(Status {
                id: &self.id,
                current: u64::try_from(self.current).unwrap_or_default(),
                total: u64::try_from(self.total).unwrap_or_default(),
                seconds: (now - began).max(0.0),
                is_done: self.completed.is_some(),
            }),
        }
    }
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Vec<String> {
        let mut told = Vec::new();
        let line = Line::parse(line).unwrap();
        line.emit(&mut |event| told.push(format!("{} {:?}", event.vertex, event.kind)));
        told
    }

    #[test]
    fn names_go_first_and_ends_last() {
        let line = r#"{"vertexes":[{"digest":"a","name":"[1/1] RUN \"x\"","started":"2026-01-02T03:04:05.5Z","completed":"2026-01-02T03:04:06Z","error":"no"}],"logs":[{"vertex":"a","stream":1,"data":"b25lCg==","timestamp":"2026-01-02T03:04:05.7Z"}]}"#;
        assert_eq!(
            told(line),
            [
                "a Named(\"[1/1] RUN \\\"x\\\"\")",
                "a Started",
                "a Logged([111, 110, 101, 10])",
                "a Ended(Failed(\"no\"))"
            ]
        );
    }

    #[test]
    fn a_status_has_bytes_and_a_time() {
        let line = r#"{"statuses":[{"id":"pushing layers","vertex":"a","current":5,"total":9,"timestamp":"2026-01-02T03:04:05.7Z","started":"2026-01-02T03:04:05.2Z"}]}"#;
        let told = told(line);
        let status =
            "Status { id: \"pushing layers\", current: 5, total: 9, seconds: 0.5, is_done: false }";
        assert_eq!(told, [format!("a Status({status})")]);
    }

    #[test]
    fn other_lines_are_none() {
        for line in ["", "{\"a\":1}", "{\"logs\":", "ERROR: no", "{\"logs\":1}"] {
            assert!(Line::parse(line).is_none(), "{line}");
        }
    }
}
