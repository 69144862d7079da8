//! Makes text from outside harmless: bounded, without control characters,
//! terminal colours or characters that reorder what is read.
//!
//! The one cleaner of what registries, GitHub's API, engines and buildx say. The
//! secrets in it are taken out by [`crate::secret::hide`], before text is cut and
//! once more when it is printed.

use std::borrow::Cow;

use crate::secret::is_invisible;

/// How much of a value is shown, in characters.
pub const VALUE: usize = 200;
/// How much of somebody's words is shown, in characters.
pub const WORDS: usize = 500;
/// How much of a program's last words is shown, in characters.
pub const LAST_WORDS: usize = 2000;

/// One harmless line of at most `most` characters.
pub fn clean(text: &str, most: usize) -> String {
    let plain = without_escapes(text);
    let mut line = String::new();
    for word in plain.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(without_query(word).chars().filter(|c| !is_invisible(*c)));
    }
    shorten(&line, most).into_owned()
}

/// Harmless lines of at most `most` characters together. Of more than that the
/// middle is left out: programs say at the beginning what failed, and at the end
/// how.
pub fn clean_lines(text: &str, most: usize) -> String {
    let lines: Vec<String> = text
        .split(['\n', '\r'])
        .map(|line| clean(line, usize::MAX))
        .filter(|line| !line.is_empty())
        .collect();
    let text = lines.join("\n");
    let count = text.chars().count();
    if count <= most {
        return text;
    }
    let end = most / 4;
    let head: String = text.chars().take(most - end).collect();
    let tail: String = text.chars().skip(count - end).collect();
    // A word that is cut could be the end of a secret.
    let tail = tail
        .split_once(char::is_whitespace)
        .map_or("", |(_, whole)| whole);
    format!("{head}… {tail}").trim_end().to_owned()
}

/// A value in one line, in full: characters that end lines, steer terminals,
/// reorder text or are not seen are spelt out, such as `\u{1b}`.
pub fn visible(value: &str) -> String {
    let is_hidden =
        |c: char| c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}');
    let spell = |c: char| {
        if is_hidden(c) {
            c.escape_default().collect()
        } else {
            c.to_string()
        }
    };
    value.chars().map(spell).collect()
}

/// At most `most` characters of a value, and a mark where there were more.
pub fn shorten(value: &str, most: usize) -> Cow<'_, str> {
    match value.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &value[..end])),
        None => Cow::Borrowed(value),
    }
}

/// Leaves out terminal escapes: ESC `[` … up to a letter.
pub fn without_escapes(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        if c != '\u{1b}' {
            plain.push(c);
        } else if characters.next() == Some('[') {
            characters.by_ref().find(char::is_ascii_alphabetic);
        }
    }
    plain
}

/// The query of an address can hold a signature.
fn without_query(word: &str) -> String {
    match word.split_once('?') {
        Some((address, query)) if address.contains("://") => {
            let after = query.trim_start_matches(|c: char| !matches!(c, '"' | '\'' | ')' | '>'));
            let colon = if after.is_empty() && query.ends_with(':') {
                ":"
            } else {
                ""
            };
            format!("{address}?…{after}{colon}")
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_becomes_one_bounded_line() {
        for (text, line) in [
            ("a\r\n::error::b\u{0}c", "a ::error::b c"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{202e}b\u{200b}", "ab"),
            ("aaaaaaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa…"),
        ] {
            assert_eq!(clean(text, 16), line);
        }
    }

    #[test]
    fn what_steers_a_terminal_is_spelt_out() {
        let hostile = "a\u{1b}[2Jb\u{202e}c\u{2028}d\ne";
        let spelt = r"a\u{1b}[2Jb\u{202e}c\u{2028}d\ne";
        assert_eq!(visible(hostile), spelt);
    }

    #[test]
    fn the_beginning_and_the_end_of_long_words_are_kept() {
        let lines = "a\u{1b}[0m b\r\n\n  c\n";
        assert_eq!(clean_lines(lines, 10), "a b\nc");
        let long = format!("failed: {} exit code 1", "x".repeat(100));
        assert_eq!(
            clean_lines(&long, 40),
            "failed: xxxxxxxxxxxxxxxxxxxxxx… code 1"
        );
        assert_eq!(clean_lines(&"x".repeat(100), 8), "xxxxxx…");
    }

    #[test]
    fn the_query_of_an_address_is_left_out() {
        for (text, line) in [
            (
                "Put \"https://a/b?sig=x\": EOF",
                "Put \"https://a/b?…\": EOF",
            ),
            (
                "to https://a/token?scope=b: 403 Forbidden",
                "to https://a/token?…: 403 Forbidden",
            ),
            ("why?because", "why?because"),
        ] {
            assert_eq!(clean(text, 100), line);
        }
    }
}
