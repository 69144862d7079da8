//! The last of a build's output, as `--progress=plain` shows it: what a diagnosis
//! reads.

use std::collections::HashMap;

use crate::execute::progress::event::{End, Event, Kind};
use crate::host::Tail;

/// The last of a build's output.
#[derive(Default)]
pub struct Transcript {
    tail: Tail,
    /// The numbers of vertices.
    numbers: HashMap<String, usize>,
    /// What programs have printed of a line that has no end yet.
    begun: HashMap<String, Vec<u8>>,
    /// The names of vertices.
    names: HashMap<String, String>,
    /// The vertices that failed, by name, and why.
    failed: Vec<(String, String)>,
}

/// How long a line may be, in bytes.
const LONGEST: usize = 16 * 1024;

impl Transcript {
    /// Takes in what became known of a vertex.
    pub fn take(&mut self, event: &Event<'_>) {
        let count = self.numbers.len() + 1;
        if let Kind::Named(name) = event.kind {
            if !self.numbers.contains_key(event.vertex) {
                self.numbers.insert(event.vertex.to_owned(), count);
                self.names.insert(event.vertex.to_owned(), name.to_owned());
                self.push(event.vertex, name);
            }
            return;
        }
        if !self.numbers.contains_key(event.vertex) {
            return;
        }
        match &event.kind {
            Kind::Status(status) => {
                let done = if status.is_done { " done" } else { "" };
                self.push(event.vertex, &format!("{}{done}", status.id));
            }
            Kind::Logged(bytes) => self.logged(event.vertex, bytes),
            Kind::Ended(end) => self.end(event.vertex, *end),
            Kind::Named(_) | Kind::Started => {}
        }
    }

    fn logged(&mut self, vertex: &str, bytes: &[u8]) {
        let mut line = self.begun.remove(vertex).unwrap_or_default();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || line.len() > LONGEST {
                self.push_line(vertex, &std::mem::take(&mut line));
            }
        }
        if !line.is_empty() {
            self.begun.insert(vertex.to_owned(), line);
        }
    }

    fn push_line(&mut self, vertex: &str, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        self.push(vertex, &format!("0.0 {}", text.trim_end()));
    }

    fn end(&mut self, vertex: &str, end: End<'_>) {
        if let Some(line) = self.begun.remove(vertex) {
            self.push_line(vertex, &line);
        }
        match end {
            End::Done => self.push(vertex, "DONE 0.0s"),
            End::Cached => self.push(vertex, "CACHED"),
            End::Canceled => self.push(vertex, "CANCELED"),
            End::Failed(why) => {
                self.push(vertex, &format!("ERROR: {why}"));
                let name = self.names.get(vertex).cloned().unwrap_or_default();
                self.failed.push((name, why.to_owned()));
            }
        }
    }

    /// Takes in a line that is about no vertex. Before buildx's last words stands the
    /// step that they are about, as buildx has it in its plain progress.
    pub fn text(&mut self, line: &str) {
        if line.starts_with("ERROR: ") {
            let failed = self.failed.iter().rev();
            let named = failed.filter(|(_, why)| line.contains(first_line(why)));
            if let Some((name, _)) = named.map(|found| found.to_owned()).next() {
                self.tail
                    .push(format!("------\n > {name}:\n------\n").as_bytes());
            }
            self.failed.clear();
        }
        self.tail.push(format!("{line}\n").as_bytes());
    }

    fn push(&mut self, vertex: &str, text: &str) {
        let number = self.numbers.get(vertex).copied().unwrap_or_default();
        self.tail.push(format!("#{number} {text}\n").as_bytes());
    }

    /// The last of it.
    pub fn tail(&self) -> String {
        self.tail.text()
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
