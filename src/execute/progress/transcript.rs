//! The last of a build's output, as `--progress=plain` shows it: what a diagnosis
//! reads.

use std::collections::HashMap;

use crate::execute::progress::event::{End, Event, Kind};
use crate::execute::progress::printed::Printed;
use crate::host::Tail;

/// The last of a build's output.
#[derive(Default)]
pub struct Transcript {
    tail: Tail,
    vertices: HashMap<String, Vertex>,
    /// The vertices that failed, by name, and why.
    failed: Vec<(String, String)>,
}

/// What a vertex is called here, and what its program prints.
struct Vertex {
    number: usize,
    name: String,
    printed: Printed,
}

impl Vertex {
    fn write(&self, tail: &mut Tail, text: &str) {
        tail.push(format!("#{} {text}\n", self.number).as_bytes());
    }
}

impl Transcript {
    /// Takes in what became known of a vertex.
    pub fn take(&mut self, event: &Event<'_>) {
        if let Kind::Named(name) = event.kind {
            self.name(event.vertex, name);
            return;
        }
        let Some(vertex) = self.vertices.get_mut(event.vertex) else {
            return;
        };
        let tail = &mut self.tail;
        match &event.kind {
            Kind::Status(status) => {
                let done = if status.is_done { " done" } else { "" };
                vertex.write(tail, &format!("{}{done}", status.id));
            }
            Kind::Logged(bytes) => {
                let mut printed = std::mem::take(&mut vertex.printed);
                printed.push(bytes, |line| vertex.write(tail, &log_line(line)));
                vertex.printed = printed;
            }
            Kind::Ended(end) => {
                let mut printed = std::mem::take(&mut vertex.printed);
                printed.end(|line| vertex.write(tail, &log_line(line)));
                match end {
                    End::Done => vertex.write(tail, "DONE 0.0s"),
                    End::Cached => vertex.write(tail, "CACHED"),
                    End::Canceled => vertex.write(tail, "CANCELED"),
                    End::Failed(why) => {
                        vertex.write(tail, &format!("ERROR: {why}"));
                        let failed = (vertex.name.clone(), (*why).to_owned());
                        self.failed.push(failed);
                    }
                }
            }
            Kind::Named(_) | Kind::Started => {}
        }
    }

    fn name(&mut self, vertex: &str, name: &str) {
        if self.vertices.contains_key(vertex) {
            return;
        }
        let known = Vertex {
            number: self.vertices.len() + 1,
            name: name.to_owned(),
            printed: Printed::default(),
        };
        known.write(&mut self.tail, name);
        self.vertices.insert(vertex.to_owned(), known);
    }

    /// Takes in a line that is about no vertex. Before buildx's last words stands the
    /// step that they are about, as buildx has it in its plain progress.
    pub fn text(&mut self, line: &str) {
        if line.starts_with("ERROR: ") {
            let mut failed = self.failed.iter().rev();
            if let Some((name, _)) = failed.find(|(_, why)| line.contains(first_line(why))) {
                self.tail
                    .push(format!("------\n > {name}:\n------\n").as_bytes());
            }
            self.failed.clear();
        }
        self.tail.push(format!("{line}\n").as_bytes());
    }

    /// The last of it.
    pub fn tail(&self) -> String {
        self.tail.text()
    }
}

/// What a program has printed follows a number and a time.
fn log_line(line: &[u8]) -> String {
    format!("0.0 {}", String::from_utf8_lossy(line).trim_end())
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
