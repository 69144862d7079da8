//! Makes text from outside harmless: one line, bounded, without control
//! characters, terminal colours or characters that reorder what is read.

/// How much of a value is shown, in characters.
pub const VALUE: usize = 200;
/// How much of somebody's words is shown, in characters.
pub const WORDS: usize = 500;

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
    if line.chars().count() > most {
        line = line.chars().take(most).collect();
        line.push('…');
    }
    line
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

/// Zero-width characters and those that change the direction of text.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
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
