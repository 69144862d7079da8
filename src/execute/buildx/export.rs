//! What BuildKit's progress tells of an export: the digest that it made, and
//! the names that it has pushed.
//!
//! buildx writes its metadata file on success only. What a failed build left in
//! registries is known from the plain progress alone, as BuildKit's exporters
//! and the engine's print it:
//!
//! ```text
//! #9 exporting manifest list sha256:… done
//! #9 pushing manifest for HOST/NAME:TAG@sha256:… 0.1s done
//! #9 ERROR: failed to push HOST/NAME:TAG: unexpected status from …
//! ```
//!
//! The progress of a name that failed says `done` too. Out of the classic image
//! store buildx pushes each name in a vertex of its own:
//!
//! ```text
//! #10 pushing HOST/NAME:TAG with docker
//! #10 ERROR: received unexpected HTTP status: 503 Service Unavailable
//! ```

use std::collections::HashSet;

use crate::diagnosis::without_prefixes;
use crate::execute::buildx::steps::Steps;
use crate::image::{Digest, reference};

/// Why buildx was ended before it was done with a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The cache has had its time.
    Bound,
    /// Another image that it built has failed.
    WithAnother,
}

/// What has been read of an export so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// The index or manifest that was made.
    pub digest: Option<Digest>,
    /// True when that is an index.
    pub is_index: bool,
    /// The configuration of the last image.
    pub config: Option<Digest>,
    /// The references that were pushed, in order.
    pub pushed: Vec<String>,
    /// The references that the image has in the engine's store.
    pub named: Vec<String>,
    /// What was to be pushed under each reference.
    digests: Vec<(String, Digest)>,
    /// The reference whose push says that it is done: it is, once the export
    /// goes on.
    said_done: Option<String>,
    /// The reference that could not be pushed, and why.
    pub failed: Option<(String, String)>,
    /// What became of the steps.
    pub steps: Steps,
    /// True once a cache is written: when the exporters are done.
    pub is_writing_cache: bool,
    /// Why a cache could not be written.
    pub cache_error: Option<String>,
    /// Why buildx was ended before it was done with the cache.
    pub cut_short: Option<Interrupted>,
    /// The vertices that write caches.
    caching: HashSet<String>,
    /// The last of everything that was printed.
    pub text: String,
    /// The vertex that pushes out of the classic store, and what.
    pushing: Option<(String, String)>,
    /// The vertex that pushes out of BuildKit or the containerd store.
    pushing_in: Option<String>,
}

impl Export {
    /// Takes a line about a vertex in.
    pub fn read(&mut self, vertex: &str, text: &str) {
        self.steps.read(vertex, text);
        if self.read_classic(vertex, text) || self.read_cache(vertex, text) {
            return;
        }
        self.settle(text);
        self.follow_push(vertex, text);
        if let Some(rest) = text.strip_prefix("exporting manifest list ") {
            self.digest = first_digest(rest);
            self.is_index = true;
        } else if let Some(rest) = text.strip_prefix("exporting manifest ") {
            if !self.is_index {
                self.digest = first_digest(rest);
            }
        } else if let Some(rest) = text.strip_prefix("exporting config ") {
            self.config = first_digest(rest);
        } else if let Some(rest) = text.strip_prefix("naming to ") {
            self.read_name(rest);
        } else if let Some(rest) = text.strip_prefix("pushing manifest for ") {
            self.read_push(rest);
        } else if let Some(rest) = text.strip_prefix("ERROR: failed to push ") {
            self.read_failure(rest);
        }
    }

    /// Notes whether something is being pushed.
    fn follow_push(&mut self, vertex: &str, text: &str) {
        let ends = ["DONE", "ERROR: ", "CANCELED"];
        if text.starts_with("pushing layers") || text.starts_with("pushing manifest for ") {
            self.pushing_in = Some(vertex.to_owned());
        } else if ends.iter().any(|end| text.starts_with(end)) {
            self.pushing_in.take_if(|pushing| pushing == vertex);
        }
    }

    /// True while something is being pushed.
    pub fn is_pushing(&self) -> bool {
        self.pushing.is_some() || self.pushing_in.is_some()
    }

    /// A push out of the classic store; true when the line was about one.
    fn read_classic(&mut self, vertex: &str, text: &str) -> bool {
        let attempt = text
            .strip_prefix("pushing ")
            .and_then(|rest| rest.strip_suffix(" with docker"));
        if let Some(reference) = attempt {
            self.pushing = Some((vertex.to_owned(), reference.to_owned()));
            return true;
        }
        let Some((_, reference)) = self.pushing.take_if(|(pushing, _)| pushing == vertex) else {
            return false;
        };
        if text.starts_with("DONE") {
            self.pushed.push(reference);
        } else if let Some(why) = text.strip_prefix("ERROR: ") {
            self.failed = Some((reference, why.to_owned()));
        } else if !text.starts_with("CANCELED") {
            self.pushing = Some((vertex.to_owned(), reference));
        }
        true
    }

    /// A cache that is written; true when the line was about one.
    fn read_cache(&mut self, vertex: &str, text: &str) -> bool {
        let begins = ["exporting cache to ", "exporting to GitHub Actions Cache"];
        if begins.iter().any(|begin| text.starts_with(begin)) {
            self.is_writing_cache = true;
            self.caching.insert(vertex.to_owned());
        }
        if !self.caching.contains(vertex) {
            return false;
        }
        if let Some(why) = text.strip_prefix("ERROR: ") {
            self.cache_error = Some(why.to_owned());
        } else if text.starts_with("DONE") {
            self.caching.remove(vertex);
        }
        true
    }

    /// True when every cache that was begun is written.
    pub fn is_cache_written(&self) -> bool {
        self.is_writing_cache && self.caching.is_empty()
    }

    /// `NAME:TAG 0.1s done`
    fn read_name(&mut self, text: &str) {
        let mut words = text.split(' ');
        let reference = words.next().filter(|_| words.next_back() == Some("done"));
        self.named.extend(reference.map(str::to_owned));
    }

    /// `NAME:TAG@DIGEST 0.1s done`; what is pushed by its digest alone is `NAME`.
    fn read_push(&mut self, text: &str) {
        let mut words = text.split(' ');
        let word = words.next().unwrap_or_default();
        let reference = match word.rsplit_once('@') {
            Some((reference, digest)) => {
                let Ok(digest) = Digest::parse(digest) else {
                    return;
                };
                self.digests.push((reference.to_owned(), digest.clone()));
                self.digest = Some(digest);
                reference
            }
            None => word,
        };
        if words.next_back() == Some("done") {
            self.said_done = Some(reference.to_owned());
        }
    }

    /// Takes the reference that said `done` for pushed when the next thing is
    /// done: one that failed or was cancelled says it too.
    fn settle(&mut self, text: &str) {
        const GOES_ON: [&str; 5] = [
            "naming to ",
            "unpacking to ",
            "pushing ",
            "DONE ",
            "exporting ",
        ];
        let stops = text.starts_with("ERROR: ") || text.starts_with("CANCELED");
        let goes_on = GOES_ON.iter().any(|next| text.starts_with(next));
        let Some(reference) = self.said_done.take_if(|_| stops || goes_on) else {
            return;
        };
        if goes_on && !self.pushed.contains(&reference) {
            self.pushed.push(reference);
        }
    }

    /// `NAME:TAG: why`, also in the program's last words.
    fn read_failure(&mut self, text: &str) {
        if let Some((reference, why)) = text.split_once(": ") {
            self.pushed.retain(|other| other != reference);
            self.failed = Some((reference.to_owned(), why.to_owned()));
        }
    }

    /// The program's own last words, where a vertex had none.
    pub fn read_result(&mut self, line: &str) {
        if !line.starts_with("ERROR: ") || self.failed.is_some() {
            return;
        }
        // Further on they may hold the command line of a `RUN`.
        if let Some(rest) = without_prefixes(line).strip_prefix("failed to push ") {
            self.read_failure(rest);
        }
    }

    /// What was pushed under a reference.
    pub fn digest_of(&self, reference: &str) -> Option<&Digest> {
        let mut digests = self.digests.iter().rev();
        let found = digests.find(|(other, _)| reference::is_same(other, reference));
        found.map(|(_, digest)| digest)
    }

    #[cfg(test)]
    pub fn push_in(&mut self, vertex: &str) {
        self.follow_push(vertex, "pushing layers");
    }

    /// The digest of the image, as the output `imageid` has it.
    pub fn image_id(&self) -> Option<&Digest> {
        if self.is_index {
            self.digest.as_ref()
        } else {
            self.config.as_ref().or(self.digest.as_ref())
        }
    }
}

pub fn first_digest(text: &str) -> Option<Digest> {
    Digest::parse(text.split(' ').next()?).ok()
}
