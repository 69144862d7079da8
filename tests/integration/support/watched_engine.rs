//! An engine whose requests are seen on their way, so that a test can act in the
//! middle of one.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::support::Place;

/// How long the answer to the request is held back.
const HELD: Duration = Duration::from_millis(500);

/// A socket that leads to an engine, as long as this value lives.
pub(crate) struct WatchedEngine {
    socket: PathBuf,
    watch: Arc<Watch>,
}

/// The request that is waited for.
struct Watch {
    /// A part of it.
    part: String,
    /// How many of this kind come, that one included.
    left: AtomicUsize,
    is_seen: AtomicBool,
}

impl WatchedEngine {
    /// Leads to the engine at this address, and watches for the request with this
    /// part, counted from 1.
    pub(crate) fn new(place: &Place, engine: &str, part: &str, number: usize) -> Self {
        let socket = place.path("engine.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let engine = PathBuf::from(engine.trim_start_matches("unix://"));
        let watch = Arc::new(Watch {
            part: part.to_owned(),
            left: AtomicUsize::new(number),
            is_seen: AtomicBool::new(false),
        });
        let shared = Arc::clone(&watch);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let engine = UnixStream::connect(&engine).unwrap();
                join(&stream, &engine, &shared);
            }
        });
        Self { socket, watch }
    }

    pub(crate) fn address(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Waits for the request; false when it did not come in time.
    pub(crate) fn wait(&self) -> bool {
        (0..2000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            self.watch.is_seen.load(Ordering::SeqCst)
        })
    }
}

/// Passes everything on in both directions.
fn join(client: &UnixStream, engine: &UnixStream, watch: &Arc<Watch>) {
    let hold = Arc::new(AtomicBool::new(false));
    let seen = (Arc::clone(watch), Arc::clone(&hold));
    let (mut from, mut to) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
    thread::spawn(move || {
        pass(&mut from, &mut to, |bytes| {
            if seen.0.sees(bytes) {
                seen.1.store(true, Ordering::SeqCst);
            }
        });
    });
    let (mut from, mut to) = (engine.try_clone().unwrap(), client.try_clone().unwrap());
    thread::spawn(move || {
        pass(&mut from, &mut to, |_| {
            if hold.swap(false, Ordering::SeqCst) {
                thread::sleep(HELD);
            }
        });
    });
}

fn pass(from: &mut UnixStream, to: &mut UnixStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        look(&buffer[..count]);
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

impl Watch {
    fn sees(&self, bytes: &[u8]) -> bool {
        let part = self.part.as_bytes();
        if !bytes.windows(part.len()).any(|some| some == part) {
            return false;
        }
        let is_it = self.left.fetch_sub(1, Ordering::SeqCst) == 1;
        if is_it {
            self.is_seen.store(true, Ordering::SeqCst);
        }
        is_it
    }
}
