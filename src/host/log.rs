//! Where programs print while they run, and where we say what they do.

use std::io::{self, Write};

/// A log that takes what programs print, as they print it, and lines of our own.
pub trait Log: Write + Send {
    /// One line of our own. Whatever it holds, it is a line and nothing else.
    ///
    /// # Errors
    /// When the log is closed.
    fn line(&mut self, text: &str) -> io::Result<()> {
        // In one piece, so that nobody else's words come between.
        self.write_all(format!("{text}\n").as_bytes())
    }

    /// Begins lines that can be folded, under a title.
    ///
    /// # Errors
    /// As [`Self::line`].
    fn group(&mut self, title: &str) -> io::Result<()> {
        self.line(title)
    }

    /// Ends them.
    ///
    /// # Errors
    /// As [`Self::line`].
    fn end_group(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log for &mut (dyn Log + '_) {
    fn line(&mut self, text: &str) -> io::Result<()> {
        (**self).line(text)
    }

    fn group(&mut self, title: &str) -> io::Result<()> {
        (**self).group(title)
    }

    fn end_group(&mut self) -> io::Result<()> {
        (**self).end_group()
    }
}

impl Log for Vec<u8> {}
impl Log for io::Sink {}
impl Log for io::Stderr {}
impl Log for Box<dyn Write + Send> {}
