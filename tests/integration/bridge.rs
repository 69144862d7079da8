//! The BuildKit of the lab's engine as one that is elsewhere: for the driver
//! `remote`, without an engine.

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::support::Place;

/// An address at which no engine answers.
pub(crate) const NOWHERE: &str = "unix:///nonexistent/docker.sock";

/// A socket that leads to the BuildKit of the lab's engine, as long as this
/// value lives.
pub(crate) struct Bridge {
    socket: PathBuf,
}

impl Bridge {
    pub(crate) fn new(place: &Place) -> Self {
        let socket = place.path("buildkit.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let config = place.path("bridge");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                lead(&stream, &config);
            }
        });
        Self { socket }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("unix://{}", self.socket.display())
    }
}

/// Joins a connection and a buildx that speaks to BuildKit on its standard
/// input and output.
fn lead(stream: &UnixStream, config: &Path) {
    let mut child = Command::new(std::env::var("STEVEDORE_LAB_BUILDX").unwrap())
        .args(["dial-stdio", "--progress", "quiet"])
        .env("DOCKER_CONFIG", config)
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
        let _ = writer.shutdown(std::net::Shutdown::Both);
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
