//! Workflow commands: lines on standard output that GitHub's runner obeys.
//!
//! Format: `::name key=value,key=value::data`, as in GitHub's documentation
//! "Workflow commands for GitHub Actions".

use std::io::{self, Write};

use rustls::crypto::ring;

use crate::host::Log;

/// Escapes the data of a command.
pub fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property of a command.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// `::error title=…::…`, and likewise for `warning` and `notice`. With a place, a file
/// of the repository and a line, it is shown there too.
pub fn annotation(level: &str, place: Option<(&str, u64)>, title: &str, message: &str) -> String {
    let place = place.map_or_else(String::new, |(file, line)| {
        format!("file={},line={line},", property(file))
    });
    format!(
        "::{level} {place}title={}::{}",
        property(title),
        data(message)
    )
}

/// One line of plain log, whatever the text holds: no second line, and no
/// command in the runner's older form, which it obeys anywhere in a line.
pub fn plain(text: &str) -> String {
    let is_command = |text: &str| text.trim_start().starts_with("::");
    if !text.contains(['#', '\r', '\n']) && !is_command(text) {
        return text.to_owned();
    }
    let text = text
        .replace("##[", "##\u{200b}[")
        .replace('\r', "\\r")
        .replace('\n', "\\n");
    if is_command(&text) {
        return format!("\u{200b}{text}");
    }
    text
}

/// Passes a program's output on with workflow commands switched off, so that
/// nothing it prints can be one. Lines of our own need no fence, and groups of them
/// are commands.
pub struct Fence<W: Write> {
    inner: W,
    token: String,
    is_up: bool,
}

impl<W: Write> Fence<W> {
    /// Switches commands off from the first byte of a program on, until this value is
    /// dropped or a group begins.
    ///
    /// # Errors
    /// When there is no randomness for the token that switches them on again.
    pub fn around(inner: W) -> io::Result<Self> {
        let mut bytes = [0_u8; 16];
        ring::default_provider()
            .secure_random
            .fill(&mut bytes)
            .map_err(|_| io::Error::other("no randomness"))?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            inner,
            token,
            is_up: false,
        })
    }

    fn raise(&mut self) -> io::Result<()> {
        if !self.is_up {
            writeln!(self.inner, "::stop-commands::{}", self.token)?;
            self.is_up = true;
        }
        Ok(())
    }

    fn lower(&mut self) -> io::Result<()> {
        if self.is_up {
            self.is_up = false;
            // A line of its own, even when the program did not end its last one.
            write!(self.inner, "\n::{}::\n", self.token)?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Fence<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.raise()?;
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<W: Write> Drop for Fence<W> {
    fn drop(&mut self) {
        let _ = self.lower();
        let _ = self.inner.flush();
    }
}

impl<W: Write + Send> Log for Fence<W> {
    fn line(&mut self, text: &str) -> io::Result<()> {
        let text = plain(text) + "\n";
        self.inner.write_all(text.as_bytes())
    }

    fn group(&mut self, title: &str) -> io::Result<()> {
        self.lower()?;
        writeln!(self.inner, "::group::{}", data(title))
    }

    fn end_group(&mut self) -> io::Result<()> {
        self.lower()?;
        writeln!(self.inner, "::endgroup::")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_a_command() {
        assert_eq!(
            annotation("error", None, "a,b:c\n", "50%\r\n::add-mask::x"),
            "::error title=a%2Cb%3Ac%0A::50%25%0D%0A::add-mask::x"
        );
        assert_eq!(
            annotation("error", Some(("a,line=1::b", 3)), "t", "m"),
            "::error file=a%2Cline=1%3A%3Ab,line=3,title=t::m"
        );
    }

    #[test]
    fn plain_text_is_one_line_and_no_command() {
        for hostile in [
            "::set-env name=a::b",
            "  ::error::x",
            "a\n::error::b",
            "a ##[error]b",
        ] {
            let line = plain(hostile);
            assert!(!line.contains('\n') && !line.contains("##["), "{line}");
            assert!(!line.trim_start().starts_with("::"), "{line}");
        }
        assert_eq!(plain("tag a:b"), "tag a:b");
    }

    #[test]
    fn the_fence_closes_on_a_line_of_its_own() {
        let mut out = Vec::new();
        let mut fence = Fence::around(&mut out).unwrap();
        fence.write_all(b"::add-mask::secret").unwrap();
        fence.group("::add-mask::a").unwrap();
        fence.line("::add-mask::b").unwrap();
        fence.end_group().unwrap();
        drop(fence);
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let token = lines[0].strip_prefix("::stop-commands::").unwrap();
        let end = format!("::{token}::");
        assert_eq!(
            lines[1..],
            [
                "::add-mask::secret",
                &end,
                "::group::::add-mask::a",
                "\u{200b}::add-mask::b",
                "::endgroup::"
            ]
        );
    }
}
