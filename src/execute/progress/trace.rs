//! What became of the vertices of a build: when they ran, for how long, whether they
//! were cached.

use std::collections::{BTreeMap, HashMap};

use crate::execute::progress::event::{End, Event, Kind, Status};
use crate::execute::progress::step::Step;

/// How many vertices are kept.
const MOST: usize = 10_000;

/// The vertices of a build.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    vertices: Vec<Vertex>,
    /// Their places, by what they are known by.
    places: HashMap<String, usize>,
}

/// One vertex.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vertex {
    /// Its name, such as `[linux/arm64 build 2/3] RUN make`.
    pub name: String,
    /// The step of a Dockerfile that it is.
    pub step: Option<Step>,
    /// The target that it is of, where that is another than the image's: one that the
    /// image is made from.
    pub of: Option<String>,
    /// When it first began, in seconds; `None` for one that never did.
    pub began: Option<f64>,
    /// When it last ended.
    pub ended: Option<f64>,
    /// For how long it ran, in seconds.
    pub seconds: f64,
    /// How it ended; `None` for one that has not.
    pub outcome: Option<VertexOutcome>,
    /// Why it failed.
    pub error: Option<String>,
    /// The bytes that were sent or fetched for it.
    pub bytes: u64,
    /// When it began what it does now.
    since: Option<f64>,
    /// The bytes of everything that it sends or fetches.
    transfers: BTreeMap<String, u64>,
}

/// How a vertex ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VertexOutcome {
    /// It was done.
    Done,
    /// It was cached.
    Cached,
    /// Its layer came from a cache elsewhere, for another step to run on.
    Fetched,
    /// It was given up, since another has failed.
    Canceled,
    /// It has failed.
    Failed,
}

/// The steps of one platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Those that were cached.
    pub cached: usize,
    /// All of them.
    pub all: usize,
}

impl Vertex {
    /// True when it took no work.
    pub fn is_cached(&self) -> bool {
        let outcome = self.outcome;
        matches!(
            outcome,
            Some(VertexOutcome::Cached | VertexOutcome::Fetched)
        )
    }

    fn take_status(&mut self, status: &Status<'_>) {
        if is_layer(status.id) {
            self.outcome.get_or_insert(VertexOutcome::Fetched);
        }
        let is_transfer = is_layer(status.id) || status.id.starts_with("transferring ");
        if is_transfer && self.transfers.len() < MOST {
            self.transfers.insert(status.id.to_owned(), status.current);
            self.bytes = self.transfers.values().sum();
        }
    }

    fn end(&mut self, at: f64, end: End<'_>) {
        self.seconds += self.since.take().map_or(0.0, |since| (at - since).max(0.0));
        self.ended = Some(at);
        self.outcome = Some(match (end, self.outcome) {
            (End::Cached, _) => VertexOutcome::Cached,
            (End::Canceled, _) => VertexOutcome::Canceled,
            (End::Failed(_), _) => VertexOutcome::Failed,
            (End::Done, Some(VertexOutcome::Fetched)) => VertexOutcome::Fetched,
            (End::Done, Some(VertexOutcome::Cached)) => VertexOutcome::Cached,
            (End::Done, _) => VertexOutcome::Done,
        });
        if let End::Failed(why) = end {
            self.error = Some(why.to_owned());
        }
    }
}

/// True for a layer that is fetched or unpacked.
fn is_layer(status: &str) -> bool {
    status.starts_with("sha256:") || status.starts_with("extracting sha256:")
}

impl Trace {
    /// Takes in what became known.
    pub fn take(&mut self, event: &Event<'_>) {
        if let Kind::Named(name) = event.kind {
            self.name(event.vertex, name);
            return;
        }
        let Some(place) = self.places.get(event.vertex) else {
            return;
        };
        let vertex = &mut self.vertices[*place];
        match &event.kind {
            Kind::Started => {
                vertex.began.get_or_insert(event.at);
                // The same beginning may be told again with the end.
                let is_new = vertex.ended.is_none_or(|ended| event.at >= ended);
                if is_new && vertex.since.is_none() {
                    vertex.since = Some(event.at);
                }
            }
            Kind::Status(status) => vertex.take_status(status),
            Kind::Ended(end) => vertex.end(event.at, *end),
            Kind::Named(_) | Kind::Logged(_) => {}
        }
    }

    fn name(&mut self, vertex: &str, name: &str) {
        if self.places.contains_key(vertex) || self.vertices.len() >= MOST {
            return;
        }
        self.places.insert(vertex.to_owned(), self.vertices.len());
        self.vertices.push(Vertex {
            name: name.to_owned(),
            step: Step::parse(name),
            ..Vertex::default()
        });
    }

    /// Notes that a vertex is of another target.
    pub fn is_of(&mut self, vertex: &str, target: &str) {
        if let Some(place) = self.places.get(vertex) {
            self.vertices[*place].of = Some(target.to_owned());
        }
    }

    /// All of them, in the order in which they became known.
    pub fn vertices(&self) -> &[Vertex] {
        &self.vertices
    }

    /// How many steps were cached, by platform; under an empty name those of a build
    /// for one platform, which BuildKit does not name.
    pub fn counts(&self) -> BTreeMap<&str, Count> {
        let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
        let own = self.vertices.iter().filter(|vertex| vertex.of.is_none());
        for vertex in own {
            let Some(step) = vertex.step.as_ref().filter(|step| !step.is_base()) else {
                continue;
            };
            let count = counts.entry(&step.platform).or_default();
            count.all += 1;
            count.cached += usize::from(vertex.is_cached());
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::progress::plain::PlainProgress;

    fn read(text: &str) -> Trace {
        let (mut progress, mut trace) = (PlainProgress::default(), Trace::default());
        for line in text.lines() {
            let events = progress.read(line, 0.0).unwrap();
            events.iter().for_each(|event| trace.take(event));
        }
        trace
    }

    fn counts(text: &str) -> Vec<(String, usize, usize)> {
        let trace = read(text);
        let counts = trace.counts().into_iter();
        counts
            .map(|(platform, count)| (platform.to_owned(), count.cached, count.all))
            .collect()
    }

    #[test]
    fn steps_are_counted_for_each_platform() {
        let text = "#1 [internal] load build definition from Dockerfile
#2 [linux/amd64 internal] load metadata for r/b:1
#3 [linux/amd64 base 1/2] FROM r/b:1@sha256:0
#3 CACHED
#4 [linux/amd64 base 2/2] RUN make
#4 ...
#4 [linux/amd64 base 2/2] RUN make
#4 CACHED
#5 [linux/amd64->arm64 base 2/2] RUN make
#5 DONE 0.3s
#6 [linux/arm64 stage-1 1/1] COPY [a, b/] /
#6 CACHED
#7 exporting to image
#7 CACHED";
        let expected = [("linux/amd64", 1, 1), ("linux/arm64", 1, 2)]
            .map(|(name, cached, all)| (name.to_owned(), cached, all));
        assert_eq!(counts(text), expected);
    }

    #[test]
    fn a_step_that_is_fetched_from_a_cache_was_cached() {
        let text = "#5 [1/3] FROM r/b:1@sha256:0
#5 extracting sha256:1 0.1s done
#5 DONE 0.3s
#6 [2/3] RUN make
#6 sha256:2 1.05MB / 3.2MB 0.2s
#6 DONE 0.4s
#7 [3/3] COPY . /
#7 extracting sha256:3
#7 extracting sha256:3 0.1s done
#7 DONE 0.5s
#8 [other 2/2] RUN print
#8 0.1 extracting sha256:4
#8 DONE 0.5s";
        assert_eq!(counts(text), [(String::new(), 2, 3)]);
    }

    #[test]
    fn what_ran_in_parts_took_their_sum() {
        let mut trace = Trace::default();
        let event = |at, kind| Event {
            vertex: "a",
            at,
            kind,
        };
        for event in [
            event(1.0, Kind::Named("[1/2] FROM a")),
            event(1.0, Kind::Started),
            event(1.0, Kind::Started),
            event(2.0, Kind::Ended(End::Done)),
            event(5.0, Kind::Started),
            event(7.5, Kind::Ended(End::Done)),
        ] {
            trace.take(&event);
        }
        let vertex = &trace.vertices()[0];
        assert_eq!((vertex.began, vertex.ended), (Some(1.0), Some(7.5)));
        assert!((vertex.seconds - 3.5).abs() < 0.01, "{vertex:?}");
    }
}
