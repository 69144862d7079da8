//! The lab's engine behind a socket of the test's, where it can freeze or die
//! without harm to other tests.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::support::Place;

#[derive(Clone, Default)]
struct Connections {
    is_frozen: Arc<AtomicBool>,
    all: Arc<Mutex<Vec<UnixStream>>>,
}

/// The socket.
pub(crate) struct EngineSocket {
    socket: PathBuf,
    connections: Connections,
}

impl EngineSocket {
    pub(crate) fn start(place: &Place) -> Self {
        let socket = place.path("engine.sock");
        let engine = std::env::var("DOCKER_HOST").unwrap();
        let engine = engine.strip_prefix("unix://").unwrap().to_owned();
        let listener = UnixListener::bind(&socket).unwrap();
        let connections = Connections::default();
        let shared = connections.clone();
        thread::spawn(move || {
            for ours in listener.incoming().flatten() {
                shared.join(ours, UnixStream::connect(&engine).unwrap());
            }
        });
        Self {
            socket,
            connections,
        }
    }

    /// As `DOCKER_HOST` names it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// It keeps its connections, takes new ones, and passes nothing on any more.
    pub(crate) fn freeze(&self) {
        self.connections.is_frozen.store(true, Ordering::SeqCst);
    }

    /// It goes on where it was.
    pub(crate) fn thaw(&self) {
        self.connections.is_frozen.store(false, Ordering::SeqCst);
    }

    /// Whoever was connected hears the end, and nobody listens any more.
    pub(crate) fn die(&self) {
        std::fs::remove_file(&self.socket).unwrap();
        let all = self.connections.all.lock();
        for stream in &*all.unwrap_or_else(PoisonError::into_inner) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Connections {
    fn join(&self, ours: UnixStream, theirs: UnixStream) {
        for (from, to) in [(&ours, &theirs), (&theirs, &ours)] {
            let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let is_frozen = Arc::clone(&self.is_frozen);
            thread::spawn(move || pass(from, to, &is_frozen));
        }
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend([ours, theirs]);
    }
}

/// Frozen threads end with the test.
fn pass(mut from: UnixStream, mut to: UnixStream, is_frozen: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        while is_frozen.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(50));
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
