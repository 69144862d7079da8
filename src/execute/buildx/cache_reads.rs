//! The caches that a build reads, and how long each may keep it waiting.
//!
//! BuildKit sets no bound: it waits for a cache that accepts a connection and
//! does not answer. Its scheduler waits with it, so that the builder builds
//! nothing else either, not even after buildx was ended.
//!
//! ```text
//! #5 importing cache manifest from gha:1135471859785765337
//! #5 DONE 0.1s
//! ```

use crate::input::CacheEntry;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::execute::progress::event::{Event, Kind};

/// How long a cache may be silent while it is read.
pub const BOUND: Duration = Duration::from_secs(60);

/// Used as a vertex until the build begins.
const BEGIN: &str = "";

/// The caches that a build reads.
pub struct Imports {
    bound: Duration,
    /// The entries.
    entries: Vec<CacheEntry>,
    /// What is waited for, by vertex: entries, since when.
    open: watch::Sender<BTreeMap<String, (Vec<CacheEntry>, Instant)>>,
}

impl Imports {
    /// Of a build that reads these entries.
    pub fn of(entries: Vec<CacheEntry>) -> Self {
        Self {
            bound: BOUND,
            entries,
            open: watch::Sender::default(),
        }
    }

    /// The same for a builder that may be stuck: the build has to begin in this
    /// time too.
    pub fn and_begin(self) -> Self {
        let begin = (Vec::new(), Instant::now());
        self.open
            .send_modify(|open| drop(open.insert(BEGIN.to_owned(), begin)));
        self
    }

    /// Takes in what became known of a vertex.
    pub fn read(&self, event: &Event<'_>) {
        let vertex = event.vertex;
        let name = match event.kind {
            Kind::Named(name) => name,
            _ => "",
        };
        // The connection to the builder is a vertex of buildx's own.
        if !name.is_empty() && !name.starts_with("building with ") {
            self.close(BEGIN);
        }
        if let Some(id) = name.strip_prefix("importing cache manifest from ") {
            let is_it = |entry: &&CacheEntry| is_called(entry, id);
            let entries: Vec<CacheEntry> = self.entries.iter().filter(is_it).cloned().collect();
            let is_open = self.open.borrow().contains_key(vertex);
            if !entries.is_empty() && !is_open {
                self.wait_for(vertex, entries);
            }
            return;
        }
        match event.kind {
            Kind::Ended(_) => self.close(vertex),
            // Whatever it says is an answer.
            Kind::Status(_) | Kind::Logged(_) => {
                let waited = self.open.borrow().get(vertex).cloned();
                if let Some((entries, _)) = waited {
                    self.wait_for(vertex, entries);
                }
            }
            Kind::Named(_) | Kind::Started => {}
        }
    }

    fn wait_for(&self, vertex: &str, entries: Vec<CacheEntry>) {
        let since = (entries, Instant::now());
        self.open
            .send_modify(|open| drop(open.insert(vertex.to_owned(), since)));
    }

    fn close(&self, vertex: &str) {
        self.open
            .send_if_modified(|open| open.remove(vertex).is_some());
    }

    /// Returns when one of them has been silent for too long: the entries that
    /// were waited for by then, none where the build has not even begun.
    pub async fn wait_for_silence(&self) -> Vec<CacheEntry> {
        let mut open = self.open.subscribe();
        loop {
            let oldest = open
                .borrow_and_update()
                .values()
                .map(|(_, since)| *since)
                .min();
            let Some(oldest) = oldest else {
                // The sender is ours, so this cannot fail.
                let _ = open.changed().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(oldest + self.bound) => break,
                _ = open.changed() => {}
            }
        }
        let open = self.open.borrow();
        let all = open.values().flat_map(|(entries, _)| entries);
        let mut entries: Vec<CacheEntry> = all.cloned().collect();
        entries.sort();
        entries.dedup();
        entries
    }
}

/// True when BuildKit calls the cache of this entry so: a registry's by its
/// reference, another by its type and a number.
fn is_called(entry: &CacheEntry, id: &str) -> bool {
    let name = entry.name();
    match name.strip_prefix("type=") {
        Some(kind) => id.split_once(':').is_some_and(|(found, _)| found == kind),
        None => id == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::progress::plain::PlainProgress;

    const SHORT: Duration = Duration::from_millis(50);

    fn imports() -> Imports {
        let entries = ["type=gha,scope=a", "type=local,src=/x", "r/a:cache"];
        Imports {
            bound: SHORT,
            ..Imports::of(entries.map(CacheEntry::from).to_vec())
        }
    }

    /// Reads lines of a plain progress.
    fn read(imports: &Imports, lines: &[(&str, &str)]) {
        let mut progress = PlainProgress::default();
        for (vertex, text) in lines {
            let line = format!("#{vertex} {text}");
            let events = progress.read(&line, 0.0).unwrap();
            events.iter().for_each(|event| imports.read(event));
        }
    }

    async fn silent(imports: &Imports) -> Option<Vec<CacheEntry>> {
        let bound = 10 * SHORT;
        tokio::time::timeout(bound, imports.wait_for_silence())
            .await
            .ok()
    }

    #[tokio::test]
    async fn a_cache_that_does_not_answer_is_found() {
        for (id, entry) in [
            ("gha:123", "type=gha,scope=a"),
            ("local:9", "type=local,src=/x"),
            ("r/a:cache", "r/a:cache"),
        ] {
            let imports = imports();
            let named = format!("importing cache manifest from {id}");
            let lines = [("5", &named[..]), ("6", "[2/2] RUN make"), ("5", "...")];
            read(&imports, &lines);
            assert_eq!(silent(&imports).await, Some(vec![entry.into()]));
        }
    }

    #[tokio::test]
    async fn one_that_answers_or_is_none_of_ours_is_waited_for() {
        for lines in [
            vec![],
            vec!["importing cache manifest from gha:1", "DONE 0.1s"],
            vec!["importing cache manifest from gha:1", "ERROR: no"],
            vec!["importing cache manifest from r/b:cache"],
            vec!["importing cache manifest from s3:1"],
            vec!["0.3 importing cache manifest from gha:1"],
        ] {
            let imports = imports();
            let all: Vec<_> = lines.iter().map(|line| ("5", *line)).collect();
            read(&imports, &all);
            assert_eq!(silent(&imports).await, None, "{lines:?}");
        }
    }

    #[tokio::test]
    async fn what_a_cache_says_is_an_answer() {
        let imports = imports();
        let named = ("5", "importing cache manifest from r/a:cache");
        read(&imports, &[named]);
        let since = |imports: &Imports| imports.open.borrow()["5"].1;
        let attempt = since(&imports);
        read(&imports, &[named, ("5", "...")]);
        assert_eq!(since(&imports), attempt);
        tokio::time::sleep(SHORT / 10).await;
        let answer = "inferred cache manifest type: application/json done";
        read(&imports, &[named, ("5", answer)]);
        assert!(since(&imports) > attempt);
    }

    #[tokio::test]
    async fn a_builder_that_is_stuck_begins_nothing() {
        let stuck = imports().and_begin();
        let connected = "building with \"default\" instance using docker driver";
        read(&stuck, &[("0", connected)]);
        assert_eq!(silent(&stuck).await, Some(Vec::new()));
        let works = imports().and_begin();
        let first = "[internal] load build definition from Dockerfile";
        read(&works, &[("1", first)]);
        assert_eq!(silent(&works).await, None);
    }
}
