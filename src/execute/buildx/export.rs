//! What BuildKit's progress tells of an export: the digest that it made, and
//! the names that it has pushed.
//!
//! buildx writes its metadata file on success only. What a failed build left in
//! registries is known from the progress alone, as BuildKit's exporters and the
//! engine's tell it, in these words:
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
use crate::execute::buildx::build_check::BuildCheck;
use crate::execute::progress::event::{End, Event, Kind, Status};
use crate::execute::progress::trace::Trace;
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Export {
    /// The index or manifest that was made.
    pub digest: Option<Digest>,
    /// True when that is an index.
    pub is_index: bool,
    /// The manifests that were made: of each platform one.
    pub manifests: Vec<Digest>,
    /// The configuration of the last image.
    pub config: Option<Digest>,
    /// The references that were pushed, in order.
    pub pushed: Vec<String>,
    /// The references that the image has in the engine's store.
    pub named: Vec<String>,
    /// The vertex that exports the image.
    exporting: Option<String>,
    /// True once it has, with success.
    pub is_exported: bool,
    /// What was to be pushed under each reference.
    digests: Vec<(String, Digest)>,
    /// The reference whose push says that it is done: it is, once the export
    /// goes on.
    said_done: Option<String>,
    /// The reference that could not be pushed, and why.
    pub failed: Option<(String, String)>,
    /// What became of the vertices.
    pub trace: Trace,
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
    /// What BuildKit's checks have found in the Dockerfile.
    pub checks: Vec<BuildCheck>,
    /// The vertex that pushes out of the classic store, and what.
    pushing: Option<(String, String)>,
    /// The vertex that pushes out of BuildKit or the containerd store.
    pushing_in: Option<String>,
}

impl Export {
    /// Takes in what became known of a vertex.
    pub fn read(&mut self, event: &Event<'_>) {
        self.trace.take(event);
        let (vertex, kind) = (event.vertex, &event.kind);
        if self.read_classic(vertex, kind) || self.read_cache(vertex, kind) {
            return;
        }
        self.confirm_push(kind);
        self.follow_push(vertex, kind);
        self.follow_export(vertex, kind);
        match kind {
            Kind::Status(status) => self.read_status(status),
            Kind::Ended(End::Failed(why)) => {
                if let Some(rest) = why.strip_prefix("failed to push ") {
                    self.read_failure(rest);
                }
            }
            _ => {}
        }
    }

    fn read_status(&mut self, status: &Status<'_>) {
        let text = status.id;
        if let Some(rest) = text.strip_prefix("exporting manifest list ") {
            self.digest = first_digest(rest);
            self.is_index = true;
        } else if let Some(rest) = text.strip_prefix("exporting manifest ") {
            let digest = first_digest(rest);
            let new = digest.clone().filter(|new| !self.manifests.contains(new));
            self.manifests.extend(new);
            if !self.is_index {
                self.digest = digest;
            }
        } else if let Some(rest) = text.strip_prefix("exporting config ") {
            self.config = first_digest(rest);
        } else if let Some(name) = text.strip_prefix("naming to ") {
            self.named.extend(status.is_done.then(|| name.to_owned()));
        } else if let Some(pushed) = text.strip_prefix("pushing manifest for ") {
            self.read_push(pushed, status.is_done);
        }
    }

    /// Notes whether something is being pushed.
    fn follow_push(&mut self, vertex: &str, kind: &Kind<'_>) {
        match kind {
            Kind::Status(Status { id, .. })
                if id.starts_with("pushing layers") || id.starts_with("pushing manifest for ") =>
            {
                self.pushing_in = Some(vertex.to_owned());
            }
            Kind::Ended(_) => drop(self.pushing_in.take_if(|pushing| pushing == vertex)),
            _ => {}
        }
    }

    /// Notes when the image is exported.
    fn follow_export(&mut self, vertex: &str, kind: &Kind<'_>) {
        match kind {
            Kind::Named("exporting to image") => self.exporting = Some(vertex.to_owned()),
            Kind::Ended(end) if self.exporting.as_deref() == Some(vertex) => {
                self.is_exported = matches!(end, End::Done);
            }
            _ => {}
        }
    }

    /// True while something is being pushed.
    pub fn is_pushing(&self) -> bool {
        self.pushing.is_some() || self.pushing_in.is_some()
    }

    /// A push out of the classic store; true when it was about one.
    fn read_classic(&mut self, vertex: &str, kind: &Kind<'_>) -> bool {
        if let Kind::Named(name) = kind
            && let Some(rest) = name.strip_prefix("pushing ")
            && let Some(reference) = rest.strip_suffix(" with docker")
        {
            self.pushing = Some((vertex.to_owned(), reference.to_owned()));
            return true;
        }
        let Some((_, reference)) = self.pushing.take_if(|(pushing, _)| pushing == vertex) else {
            return false;
        };
        match kind {
            Kind::Ended(End::Done | End::Cached) => self.pushed.push(reference),
            Kind::Ended(End::Failed(why)) => self.failed = Some((reference, (*why).to_owned())),
            Kind::Ended(End::Canceled) => {}
            _ => self.pushing = Some((vertex.to_owned(), reference)),
        }
        true
    }

    /// A cache that is written; true when it was about one.
    fn read_cache(&mut self, vertex: &str, kind: &Kind<'_>) -> bool {
        let begins = ["exporting cache to ", "exporting to GitHub Actions Cache"];
        if let Kind::Named(name) = kind
            && begins.iter().any(|begin| name.starts_with(begin))
        {
            self.is_writing_cache = true;
            self.caching.insert(vertex.to_owned());
        }
        if !self.caching.contains(vertex) {
            return false;
        }
        match kind {
            Kind::Ended(End::Failed(why)) => self.cache_error = Some((*why).to_owned()),
            Kind::Ended(End::Done) => drop(self.caching.remove(vertex)),
            _ => {}
        }
        true
    }

    /// True when every cache that was begun is written.
    pub fn is_cache_written(&self) -> bool {
        self.is_writing_cache && self.caching.is_empty()
    }

    /// `NAME:TAG@DIGEST`; what is pushed by its digest alone is `NAME`.
    fn read_push(&mut self, pushed: &str, is_done: bool) {
        let reference = match pushed.rsplit_once('@') {
            Some((reference, digest)) => {
                let Ok(digest) = Digest::parse(digest) else {
                    return;
                };
                self.digests.push((reference.to_owned(), digest.clone()));
                self.digest = Some(digest);
                reference
            }
            None => pushed,
        };
        if is_done {
            self.said_done = Some(reference.to_owned());
        }
    }

    /// Takes the reference that said `done` for pushed when the next thing is
    /// done: one that failed or was cancelled says it too.
    fn confirm_push(&mut self, kind: &Kind<'_>) {
        const GOES_ON: [&str; 4] = ["naming to ", "unpacking to ", "pushing ", "exporting "];
        let (goes_on, stops) = match kind {
            Kind::Named(text) | Kind::Status(Status { id: text, .. }) => {
                (GOES_ON.iter().any(|next| text.starts_with(next)), false)
            }
            Kind::Ended(End::Done) => (true, false),
            Kind::Ended(End::Failed(_) | End::Canceled) => (false, true),
            _ => (false, false),
        };
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
        let status = Status {
            id: "pushing layers",
            current: 0,
            total: 0,
            seconds: 0.0,
            is_done: false,
        };
        self.follow_push(vertex, &Kind::Status(status));
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
