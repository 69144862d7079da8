//! Lines that programs of a build print, as a log can show them.

/// How long a line may become before it is passed on in pieces, in bytes.
const LONGEST: usize = 16 * 1024;
/// Ends whatever colour a line has begun.
const RESET: &str = "\u{1b}[0m";

/// The lines of one program, which come in pieces.
#[derive(Default)]
pub struct Printed {
    begun: Vec<u8>,
}

impl Printed {
    /// Takes bytes in, and hands over each line that has an end, as it was printed.
    pub fn push(&mut self, bytes: &[u8], mut take: impl FnMut(&[u8])) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.begun.len() > LONGEST {
                take(&self.begun);
                self.begun.clear();
            }
        }
    }

    /// Hands over what has no end, when no more will come.
    pub fn end(&mut self, mut take: impl FnMut(&[u8])) {
        if !self.begun.is_empty() {
            take(&self.begun);
            self.begun.clear();
        }
    }
}

/// A line as a terminal would show it at last: what a carriage return has overwritten
/// is gone, colours stay within the line, and nothing moves the cursor.
pub fn as_on_terminal(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end_matches(['\n', '\r']);
    let last = text.rsplit('\r').find(|part| !part.is_empty());
    let text = last.unwrap_or_default();
    if !text.contains(|c: char| c.is_control() && c != '\t') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let escape = (c == '\u{1b}').then(|| escape(rest));
        let (kept, length) = match escape {
            Some(escape) if is_colour(escape) => (escape, escape.len()),
            Some(escape) => ("", escape.len()),
            None if c.is_control() && c != '\t' => ("", c.len_utf8()),
            None => (&rest[..c.len_utf8()], c.len_utf8()),
        };
        shown.push_str(kept);
        rest = &rest[length..];
    }
    if shown.contains('\u{1b}') {
        shown.push_str(RESET);
    }
    shown
}

/// The terminal escape at the beginning of a text: ESC `[` … up to a letter, ESC `]` …
/// up to its end, or ESC and one character.
fn escape(text: &str) -> &str {
    let inside = text.get(1..).unwrap_or_default();
    let length = match inside.chars().next() {
        Some('[') => inside
            .get(1..)
            .and_then(|inside| inside.find(|c: char| ('@'..='~').contains(&c)))
            .map(|end| end + 2),
        Some(']') => inside.find(['\u{7}', '\u{1b}']).map(|end| end + 1),
        Some(c) => Some(c.len_utf8()),
        None => Some(0),
    };
    let end = length.map_or(text.len(), |length| length + 1);
    text.get(..end).unwrap_or(text)
}

fn is_colour(escape: &str) -> bool {
    let inside = escape.strip_prefix("\u{1b}[");
    let numbers = inside.and_then(|inside| inside.strip_suffix('m'));
    numbers.is_some_and(|numbers| {
        numbers
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b';' || b == b':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_pieces() {
        let (mut printed, mut lines) = (Printed::default(), Vec::new());
        for piece in ["a", "b\nc", "\r\n", "last"] {
            printed.push(piece.as_bytes(), |line| lines.push(as_on_terminal(line)));
        }
        printed.end(|line| lines.push(as_on_terminal(line)));
        printed.end(|line| lines.push(as_on_terminal(line)));
        assert_eq!(lines, ["ab", "c", "last"]);
        let (mut endless, mut count) = (Printed::default(), 0);
        for _ in 0..100 {
            endless.push(&[b'x'; 8192], |line| count += line.len());
            assert!(endless.begun.len() <= 2 * LONGEST);
        }
        endless.end(|line| count += line.len());
        assert_eq!(count, 100 * 8192);
    }

    #[test]
    fn a_line_is_what_a_terminal_shows_at_last() {
        for (line, expected) in [
            ("10 %\r50 %\r100 %\n", "100 %"),
            ("\u{1b}[31mred\n", "\u{1b}[31mred\u{1b}[0m"),
            ("a\u{1b}[2Jb\u{1b}[1;1Hc\n", "abc"),
            ("\u{1b}]0;title\u{7}a\u{8}\n", "a"),
            ("tab\tkept\n", "tab\tkept"),
            ("\u{1b}", ""),
            ("\u{1b}[", ""),
            ("é\u{1b}é", "é"),
        ] {
            assert_eq!(as_on_terminal(line.as_bytes()), expected, "{line:?}");
        }
    }
}
