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

use std::borrow::Cow;
use std::io::{self, Write};

use super::cache::Wait;
use super::steps::Steps;
use crate::image::Digest;

/// How long a line may be before it is nobody's progress, in bytes.
const LONGEST: usize = 16 * 1024;

/// What has been read of an export so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Export {
    /// The index or manifest that was made.
    pub digest: Option<Digest>,
    /// True when that is an index.
    pub is_index: bool,
    /// The configuration of the last image.
    pub config: Option<Digest>,
    /// The references that were pushed, in order.
    pub pushed: Vec<String>,
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
    /// True when buildx was ended before it was done with the cache.
    pub is_cut_short: bool,
    /// The vertices that write caches.
    caching: Vec<String>,
    /// The last of everything that was printed.
    pub text: String,
    /// The vertex that pushes out of the classic store, and what.
    pushing: Option<(String, String)>,
    /// True when each vertex begins with the name of a target: bake with several.
    names_targets: bool,
}

impl Export {
    /// Of a build whose vertices begin with the name of a target, or not.
    pub(super) fn of(names_targets: bool) -> Self {
        Self {
            names_targets,
            ..Self::default()
        }
    }

    /// Takes a line of the progress in.
    pub(super) fn read(&mut self, line: &str) {
        let line = line.trim_end();
        let Some((vertex, text)) = vertex_line(line) else {
            return self.read_result(line);
        };
        let text = &*match self.names_targets {
            true => without_target(text),
            false => Cow::Borrowed(text),
        };
        self.steps.read(vertex, text);
        if self.read_classic(vertex, text) || self.read_cache(vertex, text) {
            return;
        }
        self.settle(text);
        if let Some(rest) = text.strip_prefix("exporting manifest list ") {
            self.digest = first_digest(rest);
            self.is_index = true;
        } else if let Some(rest) = text.strip_prefix("exporting manifest ") {
            if !self.is_index {
                self.digest = first_digest(rest);
            }
        } else if let Some(rest) = text.strip_prefix("exporting config ") {
            self.config = first_digest(rest);
        } else if let Some(rest) = text.strip_prefix("pushing manifest for ") {
            self.read_push(rest);
        } else if let Some(rest) = text.strip_prefix("ERROR: failed to push ") {
            self.read_failure(rest);
        }
    }

    /// A push out of the classic store; true when the line was about one.
    fn read_classic(&mut self, vertex: &str, text: &str) -> bool {
        let begun = text
            .strip_prefix("pushing ")
            .and_then(|rest| rest.strip_suffix(" with docker"));
        if let Some(reference) = begun {
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
        } else {
            self.pushing = Some((vertex.to_owned(), reference));
        }
        true
    }

    /// A cache that is written; true when the line was about one.
    fn read_cache(&mut self, vertex: &str, text: &str) -> bool {
        let begins = ["exporting cache to ", "exporting to GitHub Actions Cache"];
        if begins.iter().any(|begin| text.starts_with(begin)) {
            self.is_writing_cache = true;
            self.caching.push(vertex.to_owned());
        }
        if !self.caching.iter().any(|caching| caching == vertex) {
            return false;
        }
        if let Some(why) = text.strip_prefix("ERROR: ") {
            self.cache_error = Some(why.to_owned());
        }
        true
    }

    /// `NAME:TAG@DIGEST 0.1s done`
    fn read_push(&mut self, text: &str) {
        let mut words = text.split(' ');
        let Some((reference, digest)) = words.next().and_then(|word| word.rsplit_once('@')) else {
            return;
        };
        let Ok(digest) = Digest::parse(digest) else {
            return;
        };
        self.digest = Some(digest);
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
    fn read_result(&mut self, line: &str) {
        if !line.starts_with("ERROR: ") || self.failed.is_some() {
            return;
        }
        if let Some((_, rest)) = line.split_once("failed to push ") {
            self.read_failure(rest);
        }
    }

    /// The digest of the image, as the output `imageid` has it.
    pub(super) fn image_id(&self) -> Option<&Digest> {
        match self.is_index {
            true => self.digest.as_ref(),
            false => self.config.as_ref().or(self.digest.as_ref()),
        }
    }
}

/// The number of a vertex, and what follows `#9 ` at the beginning of a line.
fn vertex_line(line: &str) -> Option<(&str, &str)> {
    let (number, text) = line.strip_prefix('#')?.split_once(' ')?;
    let is_number = number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, text))
}

/// `[api linux/amd64 2/3] RUN make` without `api`, and `[api] exporting to image`
/// without all of that.
fn without_target(text: &str) -> Cow<'_, str> {
    let inside = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match inside {
        Some((inside, rest)) => match inside.split_once(' ') {
            Some((_, inside)) => Cow::Owned(format!("[{inside}]{rest}")),
            None => Cow::Borrowed(rest.trim_start()),
        },
        None => Cow::Borrowed(text),
    }
}

fn first_digest(text: &str) -> Option<Digest> {
    Digest::parse(text.split(' ').next()?).ok()
}

/// Reads along while a progress is passed on.
pub(super) struct Reader<'a> {
    inner: &'a mut (dyn Write + Send),
    export: &'a mut Export,
    wait: &'a Wait,
    line: Vec<u8>,
}

impl<'a> Reader<'a> {
    /// Passes everything on to `inner`, and takes each line into `export`, and
    /// how far that is into `wait`.
    pub(super) fn new(
        inner: &'a mut (dyn Write + Send),
        export: &'a mut Export,
        wait: &'a Wait,
    ) -> Self {
        Self {
            inner,
            export,
            wait,
            line: Vec::new(),
        }
    }

    fn end_line(&mut self) {
        self.export.read(&String::from_utf8_lossy(&self.line));
        self.wait.look(self.export);
        self.line.clear();
    }
}

impl Write for Reader<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        for byte in &bytes[..count] {
            match byte {
                b'\n' => self.end_line(),
                _ if self.line.len() < LONGEST => self.line.push(*byte),
                _ => {}
            }
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(c: char) -> Digest {
        Digest::parse(&format!("sha256:{}", String::from(c).repeat(64))).unwrap()
    }

    fn read(text: &str) -> Export {
        let mut export = Export::default();
        let mut sink = io::sink();
        let wait = Wait::default();
        let mut reader = Reader::new(&mut sink, &mut export, &wait);
        // In pieces, as a pipe gives them.
        for piece in text.as_bytes().chunks(7) {
            reader.write_all(piece).unwrap();
        }
        drop(reader);
        export
    }

    /// As buildx 0.29 prints it.
    fn half_pushed() -> String {
        let (manifest, config, index) = (digest('1'), digest('2'), digest('a'));
        format!(
            "#9 exporting to image
#9 exporting manifest {manifest} 0.0s done
#9 exporting config {config} 0.0s done
#9 exporting manifest list {index} 0.0s done
#9 naming to r:5000/half:one done
#9 pushing layers 0.1s done
#9 pushing manifest for r:5000/half:one@{index}
#9 pushing manifest for r:5000/half:one@{index} 0.1s done
#9 pushing manifest for r:5000/half:two@{index}
#9 0.725 error: unexpected status from HEAD request to http://r:5000/v2/half/manifests/two: 503 Service Temporarily Unavailable
#9 0.725 retrying in 1s
#9 pushing manifest for r:5000/half:two@{index} 7.0s done
#9 ERROR: failed to push r:5000/half:two: unexpected status from HEAD request to http://r:5000/v2/half/manifests/two: 503 Service Temporarily Unavailable
------
ERROR: failed to build: failed to solve: failed to push r:5000/half:two: unexpected status"
        )
    }

    #[test]
    fn what_was_pushed_is_known_when_a_later_name_fails() {
        let export = read(&half_pushed());
        assert_eq!(export.pushed, ["r:5000/half:one"]);
        assert_eq!(export.digest, Some(digest('a')));
        assert_eq!(export.image_id(), Some(&digest('a')));
        let (reference, why) = export.failed.unwrap();
        assert_eq!(reference, "r:5000/half:two");
        assert!(
            why.ends_with("503 Service Temporarily Unavailable"),
            "{why}"
        );
    }

    #[test]
    fn a_push_that_is_cancelled_is_none() {
        let index = digest('a');
        let begun = format!("#6 pushing manifest for r/a:b@{index} 1.2s done\n");
        for (end, pushed) in [
            (
                "#6 CANCELED\nERROR: failed to build: context canceled\n",
                false,
            ),
            ("", false),
            ("#6 DONE 1.3s\n", true),
            ("#6 naming to r/a:c done\n", true),
        ] {
            let export = read(&format!("{begun}{end}"));
            assert_eq!(export.pushed.len(), usize::from(pushed), "{end}");
        }
    }

    #[test]
    fn names_of_targets_are_no_part_of_a_vertex() {
        for (text, without) in [
            (
                "[api linux/amd64 2/3] RUN make",
                "[linux/amd64 2/3] RUN make",
            ),
            (
                "[api] exporting cache to registry",
                "exporting cache to registry",
            ),
            ("[api 2/3] RUN [ a ]", "[2/3] RUN [ a ]"),
            ("CACHED", "CACHED"),
        ] {
            assert_eq!(without_target(text), without);
        }
    }

    #[test]
    fn one_manifest_has_a_configuration() {
        let text = format!(
            "#5 exporting manifest {} done\n#5 exporting config {} done\n",
            digest('1'),
            digest('2')
        );
        let export = read(&text);
        assert_eq!(export.digest, Some(digest('1')));
        assert_eq!(export.image_id(), Some(&digest('2')));
    }

    #[test]
    fn a_cache_that_was_not_written_is_no_push_that_failed() {
        for begin in [
            "exporting cache to registry",
            "exporting to GitHub Actions Cache",
        ] {
            let export = read(&format!(
                "#12 DONE 0.4s\n#13 {begin}\n#13 writing layer {0} done\n\
                 #13 ERROR: error writing layer blob: failed to push r/a:cache: 403\n",
                digest('1')
            ));
            assert!(export.is_writing_cache);
            let why = "error writing layer blob: failed to push r/a:cache: 403";
            assert_eq!(export.cache_error.as_deref(), Some(why));
            assert_eq!((export.failed, export.pushed), (None, Vec::new()));
        }
        let of_a_step = read("#7 0.3 exporting cache to registry\n#7 ERROR: no\n");
        assert!(!of_a_step.is_writing_cache && of_a_step.cache_error.is_none());
    }

    #[test]
    fn the_classic_store_pushes_each_name_in_its_own_vertex() {
        let export = read(
            "#10 pushing r/a:one with docker\n#10 pushing layer beff 0.0s done\n#10 DONE 0.1s\n\n\
             #11 pushing r/a:two with docker\n#11 ERROR: received unexpected HTTP status: 503\n\
             ERROR: failed to build: received unexpected HTTP status: 503\n",
        );
        assert_eq!(export.pushed, ["r/a:one"]);
        assert_eq!(export.failed.unwrap().0, "r/a:two");
        assert_eq!(export.digest, None);
    }

    #[test]
    fn what_a_step_of_the_build_prints_is_no_export() {
        let index = digest('a');
        for text in [
            format!("#7 0.3 pushing manifest for r/a:b@{index} 0.1s done\n"),
            format!("pushing manifest for r/a:b@{index} 0.1s done\n"),
            "#7 0.3 ERROR: failed to push r/a:b: no\n".to_owned(),
        ] {
            let export = read(&text);
            assert_eq!(
                (export.digest, export.pushed, export.failed),
                (None, Vec::new(), None)
            );
        }
    }

    #[test]
    fn a_failure_in_the_last_words_alone_is_read_too() {
        let export = read("ERROR: failed to build: failed to solve: failed to push r/a:b: EOF\n");
        assert_eq!(export.failed, Some(("r/a:b".to_owned(), "EOF".to_owned())));
    }
}
