//! What fuzz targets reach of this module.

use std::sync::Arc;

use crate::execute::buildx::cache_deadline::CacheDeadline;
use crate::execute::buildx::cache_reads::Imports;
use crate::execute::buildx::export::Export;
use crate::execute::buildx::inspect;
use crate::execute::buildx::last_words::last_words;
use crate::execute::buildx::prefixed_log::Lines;
use crate::execute::buildx::progress::{ProgressObserver, Reader};
use crate::host::Progress;
use crate::input::ProgressStyle;
use crate::plan::{Cache, Exclusions};

/// Reads a progress of buildx, of one image or of two targets.
pub fn read_progress(bytes: &[u8], names_targets: bool) {
    let references = vec!["r/a:1".to_owned(), "r/a:2".to_owned()];
    let cache = Cache {
        to: vec!["type=local,dest=d".into()],
        ..Cache::default()
    };
    let watch = |target| ProgressObserver {
        target,
        export: Export::default(),
        wait: CacheDeadline::for_references(&references, &cache, &Exclusions::default()).into(),
        pushing: Arc::default(),
        content: Arc::default(),
    };
    let mut watches = if names_targets {
        vec![watch(Some("api")), watch(Some("web"))]
    } else {
        vec![watch(None)]
    };
    let mut out = Vec::new();
    let mut progress = Progress::Through(&mut out);
    let lines = Lines::to(&mut progress);
    let mut line = lines.of("api");
    let entries = cache.entries().cloned().collect();
    let imports = Imports::of(entries);
    let style = ProgressStyle::Grouped;
    let mut reader = Reader::new(&mut line, style, &mut watches, &imports, names_targets);
    for piece in bytes.chunks(13) {
        reader.push(piece);
    }
    reader.tick();
    reader.end();
    for watch in &watches {
        let _ = (watch.export.image_id(), watch.export.trace.counts());
        let _ = (
            watch.wait.is_all_pushed(&watch.export),
            watch.wait.warning(&watch.export),
        );
    }
}

/// Reads what buildx prints of builders, and its last words.
pub fn read_words(text: &str) {
    let _ = last_words(text);
    let _ = (inspect::nodes(text), inspect::driver(text));
    let _ = (inspect::reason(text), inspect::given_up(text));
}
