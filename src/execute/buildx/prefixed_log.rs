//! One place for the progress of several programs: whole lines, each with the
//! name of what it is about.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use crate::host::{Log, Progress};

/// How long a line may become before it is passed on in pieces, in bytes.
const LONGEST: usize = 64 * 1024;

/// Where the lines go.
pub struct Lines<'a>(Mutex<Box<dyn Log + 'a>>);

impl<'a> Lines<'a> {
    /// On a terminal each program would draw its own display: they get lines of
    /// it instead.
    pub fn to(progress: &'a mut Progress<'_>) -> Self {
        Self(Mutex::new(match progress {
            Progress::Terminal => Box::new(io::stderr()),
            Progress::Through(writer) => Box::new(&mut **writer),
        }))
    }

    /// A place for the progress of one of them.
    pub fn of<'b>(&'b self, name: &'b str) -> Line<'a, 'b> {
        Line {
            lines: self,
            name,
            attempt: Vec::new(),
        }
    }

    fn write(&self, name: &str, line: &[u8]) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // In one piece, so that nobody else's words come between.
        let text = [name.as_bytes(), b" | ", line].concat();
        writer.write_all(&text)
    }

    fn flush(&self) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.flush()
    }

    fn line(&self, name: &str, text: &str) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.line(&format!("{name} | {text}"))
    }
}

/// The progress of one program, passed on line by line.
pub struct Line<'a, 'b> {
    lines: &'b Lines<'a>,
    name: &'b str,
    attempt: Vec<u8>,
}

impl Write for Line<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.attempt.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.attempt.len() > LONGEST {
                let mut line = std::mem::take(&mut self.attempt);
                if !line.ends_with(b"\n") {
                    line.push(b'\n');
                }
                if line != b"\n" {
                    self.lines.write(self.name, &line)?;
                }
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.lines.flush()
    }
}

impl Log for Line<'_, '_> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        self.lines.line(self.name, text)
    }
}

impl Drop for Line<'_, '_> {
    fn drop(&mut self) {
        if !self.attempt.is_empty() {
            self.attempt.push(b'\n');
            let _ = self.lines.write(self.name, &self.attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_an_end_is_not_kept() {
        let mut text = Vec::new();
        {
            let mut progress = Progress::Through(&mut text);
            let lines = Lines::to(&mut progress);
            let mut api = lines.of("api");
            for _ in 0..100 {
                api.write_all(&[b'x'; 8192]).unwrap();
                assert!(api.attempt.len() <= LONGEST);
            }
        }
        let text = String::from_utf8(text).unwrap();
        assert!(text.lines().all(|line| line.starts_with("api | x")));
        assert_eq!(text.matches('x').count(), 100 * 8192);
    }

    #[test]
    fn each_line_is_whole_and_named() {
        let mut text = Vec::new();
        {
            let mut progress = Progress::Through(&mut text);
            let lines = Lines::to(&mut progress);
            let (mut api, mut web) = (lines.of("api"), lines.of("web"));
            api.write_all(b"#1 a\n\n#1 ").unwrap();
            web.write_all(b"#1 b\n#2").unwrap();
            api.write_all(b"DONE\n").unwrap();
        }
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text, "api | #1 a\nweb | #1 b\napi | #1 DONE\nweb | #2\n");
    }
}
