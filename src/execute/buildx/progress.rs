//! Reads the progress of buildx line by line, shows it, and tells whoever watches an
//! export or waits for a cache.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;

use crate::execute::buildx::build_check::BuildCheck;
use crate::execute::buildx::cache_deadline::CacheDeadline;
use crate::execute::buildx::cache_reads::Imports;
use crate::execute::buildx::content_signal::ContentSignal;
use crate::execute::buildx::export::{Export, Interrupted};
use crate::execute::buildx::push_stall::{Pushing, Silent};
use crate::execute::progress::event::{Event, Kind};
use crate::execute::progress::live_log::LiveLog;
use crate::execute::progress::plain::PlainProgress;
use crate::execute::progress::rawjson;
use crate::execute::progress::step::without_target;
use crate::execute::progress::transcript::Transcript;
use crate::host::Log;
use crate::input::ProgressStyle;

/// How long a line may be before it is nobody's progress, in bytes.
const LONGEST: usize = 16 * 1024;
/// The limit for a line of JSON, which may list thousands of vertices.
const LONGEST_JSON: usize = 8 * 1024 * 1024;

/// What is looked for in a progress: of one image, or of one target of several.
pub struct ProgressObserver<'a> {
    /// The target.
    pub target: Option<&'a str>,
    /// What was found.
    pub export: Export,
    /// For how long it goes on.
    pub wait: Arc<CacheDeadline>,
    /// What is being pushed.
    pub pushing: Arc<Pushing>,
    /// Whether its content is where its names can be written.
    pub content: Arc<ContentSignal>,
}

impl ProgressObserver<'_> {
    /// Notes that buildx was ended, where a cache was not written yet.
    pub fn cut_short(&mut self, why: Interrupted) {
        let is_written = self.export.is_cache_written();
        self.export.cut_short = (self.wait.writes_cache() && !is_written).then_some(why);
    }

    /// Notes that what was to be pushed to this registry has failed.
    pub fn give_up(&mut self, silent: &Silent) {
        let left = self.pushing.left(&silent.registry, &self.export);
        if let (None, Some(reference)) = (&self.export.failed, left) {
            self.export.failed = Some((reference.to_owned(), silent.why.clone()));
        }
    }

    /// Has the export read something, and says how far it is when that has changed.
    fn update_export(&mut self, read: impl FnOnce(&mut Export)) {
        let far = |export: &Export| {
            let pushed = export.pushed.len();
            let is_pushing = export.is_pushing();
            (
                pushed,
                export.is_writing_cache,
                is_pushing,
                export.is_exported,
            )
        };
        let before = far(&self.export);
        read(&mut self.export);
        if far(&self.export) != before {
            self.wait.observe(&self.export);
            let is_pushed = self.pushing.observe(&self.export);
            if is_pushed || self.wait.is_stored(&self.export) {
                self.content.set_ready(self.export.digest.as_ref());
            }
        }
    }
}

/// Reads a progress, and shows it.
pub struct Reader<'a, 'b> {
    log: LiveLog<'a>,
    watches: &'a mut [ProgressObserver<'b>],
    imports: &'a Imports,
    /// True when each vertex begins with the name of a target, as bake has it
    /// with several.
    names_targets: bool,
    /// The watch of each target, by its name.
    targets: HashMap<&'b str, usize>,
    /// The watch of each vertex.
    vertices: HashMap<String, usize>,
    /// The vertices of targets that the others are made from alone.
    others: HashMap<String, String>,
    plain: PlainProgress,
    transcript: Transcript,
    began: Instant,
    line: Vec<u8>,
    /// True once buildx has said that it failed: nothing after that is BuildKit's.
    is_over: bool,
}

impl<'a, 'b> Reader<'a, 'b> {
    /// Shows everything in `out`, and takes each line into the watch that it is for.
    pub fn new(
        out: &'a mut dyn Log,
        style: ProgressStyle,
        watches: &'a mut [ProgressObserver<'b>],
        imports: &'a Imports,
        names_targets: bool,
    ) -> Self {
        let targets = watches.iter().enumerate();
        let targets = targets.filter_map(|(index, watch)| Some((watch.target?, index)));
        Self {
            log: LiveLog::new(out, style),
            targets: targets.collect(),
            watches,
            imports,
            names_targets,
            vertices: HashMap::new(),
            others: HashMap::new(),
            plain: PlainProgress::default(),
            transcript: Transcript::default(),
            began: Instant::now(),
            line: Vec::new(),
            is_over: false,
        }
    }

    /// Takes in what buildx has printed.
    pub fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let longest = match self.line.first().or(piece.first()) {
                Some(b'{') => LONGEST_JSON,
                _ => LONGEST,
            };
            let left = longest.saturating_sub(self.line.len());
            let is_whole = piece.ends_with(b"\n");
            self.line.extend(piece.iter().take(left));
            if is_whole {
                self.end_line();
            }
        }
        self.log.flush();
    }

    /// Says what runs, where nothing else has been said for long.
    pub fn tick(&mut self) {
        self.log.tick(Instant::now());
        self.log.flush();
    }

    /// Ends it: the last of it, as text.
    pub fn end(mut self) -> String {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.log.end();
        self.log.flush();
        self.transcript.tail()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        let json = (!self.is_over)
            .then(|| rawjson::Line::parse(line))
            .flatten();
        if let Some(json) = json {
            json.emit(&mut |event| self.event(&event));
            json.warnings.iter().for_each(|found| self.check(found));
            return;
        }
        let at = self.began.elapsed().as_secs_f64();
        if let Some(events) = self.plain.read(line, at) {
            events.iter().for_each(|event| self.event(event));
            return;
        }
        self.is_over |= line.starts_with("ERROR: ");
        self.read_result(line);
        self.transcript.text(line);
        self.log.text(line);
    }

    fn event(&mut self, event: &Event<'_>) {
        self.transcript.take(event);
        self.log.take(event);
        if !self.names_targets {
            self.imports.read(event);
            for watch in &mut *self.watches {
                watch.update_export(|export| export.read(event));
            }
            return;
        }
        let Kind::Named(name) = event.kind else {
            self.imports.read(event);
            self.event_of_target(event);
            return;
        };
        let Some((target, name)) = without_target(name) else {
            self.imports.read(event);
            return;
        };
        if let Some(index) = self.targets.get(target) {
            self.vertices.insert(event.vertex.to_owned(), *index);
        } else if target != "internal" {
            let other = (event.vertex.to_owned(), target.to_owned());
            self.others.extend([other]);
        }
        let event = Event {
            kind: Kind::Named(&name),
            ..event.clone()
        };
        // Also of targets that the others are made from alone.
        self.imports.read(&event);
        self.event_of_target(&event);
    }

    fn event_of_target(&mut self, event: &Event<'_>) {
        if let Some(index) = self.vertices.get(event.vertex) {
            self.watches[*index].update_export(|export| export.read(event));
        } else if let Some(target) = self.others.get(event.vertex)
            && let Some(first) = self.watches.first_mut()
        {
            first.export.trace.take(event);
            first.export.trace.is_of(event.vertex, target);
        }
    }

    /// What BuildKit's checks have found in a Dockerfile, which is that of a target.
    fn check(&mut self, found: &Value) {
        let vertex = found["vertex"].as_str().unwrap_or_default();
        let of_target = self.vertices.get(vertex).copied();
        let index = of_target.filter(|_| self.names_targets).unwrap_or_default();
        let is_anybodys = self.names_targets && of_target.is_none();
        if let Some(watch) = self.watches.get_mut(index).filter(|_| !is_anybodys) {
            BuildCheck::add(&mut watch.export.checks, found);
        }
    }

    /// The program's own last words are of one image.
    fn read_result(&mut self, line: &str) {
        if let [watch] = &mut *self.watches {
            watch.update_export(|export| export.read_result(line));
        }
    }
}

/// A reader that is written to by the one who runs buildx, while others look at it.
pub struct SharedReader<'m, 'a, 'b>(pub &'m Mutex<Reader<'a, 'b>>);

impl Write for SharedReader<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reader.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log for SharedReader<'_, '_, '_> {}

#[cfg(test)]
mod tests {
    use crate::image::Digest;
    use futures_util::FutureExt as _;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::plan::{Cache, Exclusions};

    fn digest(c: char) -> Digest {
        Digest::parse(&format!("sha256:{}", String::from(c).repeat(64))).unwrap()
    }

    fn read(text: &str) -> Export {
        let [export] = watched(text, [None]);
        export
    }

    fn watched<const N: usize>(text: &str, targets: [Option<&str>; N]) -> [Export; N] {
        let mut watches = targets.map(observer);
        read_into(text, &mut watches);
        watches.map(|watch| watch.export)
    }

    fn observer(target: Option<&str>) -> ProgressObserver<'_> {
        ProgressObserver {
            target,
            export: Export::default(),
            wait: Arc::default(),
            pushing: Arc::default(),
            content: Arc::default(),
        }
    }

    fn read_into(text: &str, watches: &mut [ProgressObserver<'_>]) {
        let mut sink = io::sink();
        let names_targets = watches[0].target.is_some();
        let imports = Imports::of(Vec::new());
        let style = ProgressStyle::Plain;
        let mut reader = Reader::new(&mut sink, style, watches, &imports, names_targets);
        // In pieces, as a pipe gives them.
        for piece in text.as_bytes().chunks(7) {
            reader.push(piece);
        }
        reader.end();
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
        let pushed = format!("#6 pushing manifest for r/a:b@{index} 1.2s done\n");
        let attempt = format!("#6 exporting to image\n{pushed}");
        for (end, pushed) in [
            (
                "#6 CANCELED\nERROR: failed to build: context canceled\n",
                false,
            ),
            ("", false),
            ("#6 DONE 1.3s\n", true),
            ("#6 naming to r/a:c done\n", true),
        ] {
            let export = read(&format!("{attempt}{end}"));
            assert_eq!(export.pushed.len(), usize::from(pushed), "{end}");
        }
    }

    #[test]
    fn content_is_there_when_the_export_has_ended_under_all_names() {
        let naming = "#6 exporting to image\n#6 naming to r/app:1 done\n";
        let both = format!("{naming}#6 naming to r/app:2 done\n");
        let cache = "#7 exporting cache to client directory\n";
        let names = ["r/app:1", "r/app:2"].map(str::to_owned);
        for (text, is_there) in [
            (format!("{naming}#6 DONE 0.1s\n"), false),
            (format!("{both}#5 DONE 0.1s\n"), false),
            (format!("{both}#6 ERROR: no space left\n"), false),
            (format!("{both}#6 DONE 0.1s\n{cache}"), true),
        ] {
            let wait = CacheDeadline::for_names(&names, &Cache::default(), &Exclusions::default());
            let mut watches = [ProgressObserver {
                wait: wait.into(),
                ..observer(None)
            }];
            read_into(&text, &mut watches);
            let content = &watches[0].content;
            content.end();
            assert_eq!(content.wait().now_or_never(), Some(is_there), "{text}");
        }
    }

    #[test]
    fn a_long_progress_of_many_names_is_read_in_no_time() {
        const COUNT: usize = 3000;
        let index = digest('a');
        let names = (0..COUNT).map(|at| format!("r/a:{at}"));
        let cache = Cache {
            to: vec!["type=local,dest=d".into()],
            ..Cache::default()
        };
        let wait = CacheDeadline::for_references(
            &names.clone().collect::<Vec<String>>(),
            &cache,
            &Exclusions::default(),
        );
        let mut watches = [ProgressObserver {
            wait: wait.into(),
            ..observer(None)
        }];
        let pushes =
            names.map(|name| format!("#6 pushing manifest for {name}@{index} 0.1s done\n"));
        let caches = (0..COUNT).map(|at| format!("#{} exporting cache to x\n", at + 7));
        let words = (0..20 * COUNT).map(|at| format!("#5 0.1 line {at}\n"));
        let attempt = Instant::now();
        let mut sink = io::sink();
        let imports = Imports::of(Vec::new());
        let style = ProgressStyle::Plain;
        let mut reader = Reader::new(&mut sink, style, &mut watches, &imports, false);
        for line in caches
            .chain(["#6 exporting to image\n".to_owned()])
            .chain(pushes)
            .chain(["#6 DONE 1s\n".to_owned()])
            .chain(words)
        {
            reader.push(line.as_bytes());
        }
        reader.end();
        assert!(
            attempt.elapsed() < Duration::from_secs(20),
            "{:?}",
            attempt.elapsed()
        );
        let [ProgressObserver { export, wait, .. }] = watches;
        assert_eq!(export.pushed.len(), COUNT);
        assert!(wait.is_all_pushed(&export));
    }

    #[test]
    fn each_target_hears_of_its_own_vertices() {
        let (one, two) = (digest('1'), digest('2'));
        let text = format!(
            "#1 [internal] load local bake definitions
#2 [base 2/2] RUN make
#3 [api linux/amd64 2/2] RUN cat [x]
#4 [web 2/2] RUN make
#2 CACHED
#4 CACHED
#5 [api] exporting to image
#6 [web] exporting to image
#5 exporting manifest {one} done
#6 exporting manifest {two} done
#6 pushing manifest for r/web:1@{two} 0.1s done
#5 pushing manifest for r/api:1@{one} 0.1s done
#6 DONE 0.2s
#5 ERROR: failed to push r/api:1: 403
ERROR: target api: failed to solve: failed to push r/api:1: 403"
        );
        let [api, web] = watched(&text, [Some("api"), Some("web")]);
        assert_eq!((api.digest, web.digest), (Some(one), Some(two)));
        assert_eq!(
            (api.pushed.len(), web.pushed),
            (0, vec!["r/web:1".to_owned()])
        );
        assert_eq!(api.failed, Some(("r/api:1".to_owned(), "403".to_owned())));
        assert_eq!(api.trace.counts()["linux/amd64"].all, 1);
        assert_eq!(web.trace.counts()[""].cached, 1);
    }

    #[test]
    fn a_push_goes_on_until_its_vertex_ends() {
        let pushes = |text: &str| read(&format!("#9 exporting to image\n{text}")).is_pushing();
        assert!(!pushes("#9 exporting layers done\n"));
        for attempt in [
            "#9 pushing layers\n",
            "#9 pushing layers 0.1s done\n",
            "#8 pushing r/a:b with docker\n",
        ] {
            assert!(pushes(attempt), "{attempt}");
            assert!(pushes(&format!("{attempt}#7 DONE 1.0s\n")), "{attempt}");
        }
        for end in ["DONE 0.1s", "ERROR: failed to push r/a:b: 403", "CANCELED"] {
            assert!(!pushes(&format!("#9 pushing layers\n#9 {end}\n")), "{end}");
            assert!(
                !pushes(&format!("#8 pushing r/a:b with docker\n#8 {end}\n")),
                "{end}"
            );
        }
        assert!(!pushes("#7 0.1 pushing layers\n"));
    }

    #[test]
    fn one_manifest_has_a_configuration() {
        let text = format!(
            "#5 exporting to image\n#5 exporting manifest {} done\n#5 exporting config {} done\n",
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
            assert!(export.is_writing_cache && !export.is_cache_written());
            let why = "error writing layer blob: failed to push r/a:cache: 403";
            assert_eq!(export.cache_error.as_deref(), Some(why));
            assert_eq!((export.failed, export.pushed), (None, Vec::new()));
        }
        let written = read("#13 exporting cache to registry\n#13 DONE 0.1s\n");
        assert!(written.is_cache_written());
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
            "#7 0.3 a\rERROR: failed to push r/a:b: no\n".to_owned(),
            "ERROR: failed to build: failed to solve: process \"/bin/sh -c echo failed to push r/a:b: no\" did not complete successfully: exit code: 1\n".to_owned(),
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
