//! A build with 2,000 vertices that prints 500,000 lines, which a stand-in for buildx
//! tells as fast as it can.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;

use crate::dry_run::peak_of_children;
use crate::place::Place;
use crate::table::Figure;

const VERTICES: usize = 2_000;
const LINES: usize = 250;
/// `step: a line of an ordinary compiler, as long as they are`, and its end, as base64.
const LINE: &str =
    "c3RlcDogYSBsaW5lIG9mIGFuIG9yZGluYXJ5IGNvbXBpbGVyLCBhcyBsb25nIGFzIHRoZXkgYXJlCg==";
/// For how long such a build runs at least, in seconds.
const BUILD: f64 = 60.0;

pub(crate) fn figures(place: &Place) -> Result<[Figure; 2], Box<dyn Error>> {
    let stream = place.path("stream");
    write(BufWriter::new(fs::File::create(&stream)?))?;
    let folder = place.path("stand-in");
    fs::create_dir_all(&folder)?;
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in\n  ' version ') echo 'github.com/docker/buildx v0.29.1'; exit 0;;\n\
         esac\ncat '{}' >&2; exit 1\n",
        stream.display()
    );
    let buildx = folder.join("docker-buildx");
    fs::write(&buildx, script)?;
    fs::set_permissions(&buildx, fs::Permissions::from_mode(0o755))?;
    let log = place.path("log");
    let mut command = place.publish(&[]);
    let path = std::env::var("PATH")?;
    command
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("GITHUB_ACTIONS", "true")
        .env("INPUT_PUSH", "false")
        .env("INPUT_BUILDER", "stand-in")
        .env("INPUT_CACHE", "none")
        .env("INPUT_CONTEXT", ".")
        .env("INPUT_PLATFORMS", "linux/amd64")
        .stdout(fs::File::create(&log)?);
    let begun = Instant::now();
    command.status()?;
    let took = begun.elapsed().as_secs_f64();
    let shown = BufReader::new(fs::File::open(&log)?)
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.contains("ordinary compiler"))
        .count();
    if shown < VERTICES * LINES {
        return Err(format!("{shown} lines of {}", VERTICES * LINES).into());
    }
    Ok([
        Figure {
            name: "a log of 500,000 lines, peak memory",
            measured: peak_of_children()?,
            bound: 64.0,
            unit: "MiB",
            how: format!("{VERTICES} vertices; no line is missing"),
        },
        Figure {
            name: "the same, to a build of a minute",
            measured: took / BUILD,
            bound: 0.05,
            unit: "x",
            how: format!("{took:.2} s"),
        },
    ])
}

/// Piece by piece: what this process holds counts for those that it starts.
fn write(mut text: impl Write) -> io::Result<()> {
    for vertex in 0..VERTICES {
        let name = format!(
            "\"digest\":\"sha256:{vertex}\",\"name\":\"[{}/2001] RUN step\"",
            vertex + 2
        );
        let time = "2026-01-02T03:04:05Z";
        writeln!(text, "{{\"vertexes\":[{{{name},\"started\":\"{time}\"}}]}}")?;
        for _ in 0..LINES {
            writeln!(
                text,
                "{{\"logs\":[{{\"vertex\":\"sha256:{vertex}\",\"stream\":1,\"data\":\"{LINE}\",\"timestamp\":\"{time}\"}}]}}"
            )?;
        }
        writeln!(
            text,
            "{{\"vertexes\":[{{{name},\"started\":\"{time}\",\"completed\":\"{time}\"}}]}}"
        )?;
    }
    text.flush()
}
