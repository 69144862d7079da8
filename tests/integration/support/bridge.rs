//! BuildKits of the lab's engines as ones that are elsewhere: for the driver
//! `remote`, without an engine.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::support::Place;

/// An address at which no engine answers.
pub(crate) const NOWHERE: &str = "unix:///nonexistent/docker.sock";

/// A socket that leads to the BuildKit of one of the lab's engines, as long as
/// this value lives.
pub(crate) struct Bridge {
    socket: PathBuf,
    /// Those that came, `None` once it is killed.
    open: Arc<Mutex<Option<Vec<UnixStream>>>>,
}

impl Bridge {
    /// To the lab's engine.
    pub(crate) fn new(place: &Place) -> Self {
        Self::to(place, "buildkit", &std::env::var("DOCKER_HOST").unwrap())
    }

    /// To this engine.
    pub(crate) fn to(place: &Place, name: &str, engine: &str) -> Self {
        let config = place.path(&format!("bridge-{name}"));
        let engine = engine.to_owned();
        Self::open(place, name, move |stream| lead(stream, &config, &engine))
    }

    /// To somebody who listens and never answers.
    pub(crate) fn silent(place: &Place, name: &str) -> Self {
        Self::open(place, name, |_| ())
    }

    fn open(place: &Place, name: &str, lead: impl Fn(&UnixStream) + Send + 'static) -> Self {
        let socket = place.path(&format!("{name}.sock"));
        let listener = UnixListener::bind(&socket).unwrap();
        let open = Arc::new(Mutex::new(Some(Vec::new())));
        let streams = Arc::clone(&open);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut streams = streams.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(streams) = &mut *streams else {
                    return;
                };
                lead(&stream);
                streams.push(stream);
            }
        });
        Self { socket, open }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Ends it as a machine that dies: nobody listens any more, and whoever was
    /// connected hears the end.
    pub(crate) fn kill(&self) {
        std::fs::remove_file(&self.socket).unwrap();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for stream in open.take().into_iter().flatten() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Joins a connection and a buildx that speaks to BuildKit on its standard
/// input and output.
fn lead(stream: &UnixStream, config: &Path, engine: &str) {
    let mut child = Command::new(std::env::var("STEVEDORE_LAB_BUILDX").unwrap())
        .args(["dial-stdio", "--progress", "quiet"])
        .env("DOCKER_CONFIG", config)
        .env("DOCKER_HOST", engine)
        .env_remove("BUILDX_BUILDER")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (mut reader, mut writer) = (stream.try_clone().unwrap(), stream.try_clone().unwrap());
    thread::spawn(move || {
        pass(&mut reader, &mut to);
        drop(to);
        let _ = child.wait();
    });
    thread::spawn(move || {
        pass(&mut from, &mut writer);
        let _ = writer.shutdown(Shutdown::Both);
    });
}

/// `io::copy` would leave it to the kernel, which waits for more than is there.
fn pass(from: &mut impl io::Read, to: &mut impl io::Write) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
}
