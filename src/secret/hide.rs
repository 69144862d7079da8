//! Finds secrets in text, in every form in which a body may spell them.
//!
//! A registry, an API or a program repeats a password as JSON, HTML or a URL
//! writes it, or within base64. Every character is looked for in each of these
//! forms, so that mixtures of them are found too.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{SHORTEST, Secret};

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// What marks text that was cut off.
const CUT: char = '…';
/// How much of a secret must stand before [`CUT`] to be hidden, in characters.
const PART: usize = 4;
/// How much of the base64 of a secret is looked for at least, in characters.
const SHORTEST_BASE64: usize = 6;
/// How often a text may be escaped.
const NESTED: usize = 8;

/// Secrets that are taken out of text.
#[derive(Clone, Default)]
pub struct Hidden(Vec<Pattern>);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl<'a> FromIterator<&'a Secret> for Hidden {
    fn from_iter<T: IntoIterator<Item = &'a Secret>>(secrets: T) -> Self {
        let mut hidden = Self::default();
        secrets.into_iter().for_each(|secret| hidden.add(secret));
        hidden
    }
}

impl Hidden {
    /// Adds a secret.
    pub fn add(&mut self, secret: &Secret) {
        for pattern in patterns(secret) {
            if !self.0.contains(&pattern) {
                self.0.push(pattern);
            }
        }
    }

    /// The text, with [`HIDDEN`] in place of each of the secrets.
    pub fn take_out(&self, text: &str) -> String {
        if self.0.is_empty() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = self.length_at(rest, c);
            match length {
                Some(_) => shown.push_str(HIDDEN),
                None => shown.push(c),
            }
            rest = rest
                .get(length.unwrap_or(c.len_utf8())..)
                .unwrap_or_default();
        }
        shown
    }

    /// How long the secret is that the text begins with, if it does; its first
    /// character is `c`.
    fn length_at(&self, text: &str, c: char) -> Option<usize> {
        let is_escape = matches!(c, '\\' | '%' | '&');
        let begins =
            |pattern: &&Pattern| pattern.text.starts_with(c) || (is_escape && !pattern.is_base64);
        let found = self.0.iter().filter(begins);
        let lengths = found.filter_map(|pattern| length_of(text, &pattern.text));
        lengths.max()
    }
}

/// The text without these secrets.
pub fn hide<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    secrets.into_iter().collect::<Hidden>().take_out(text)
}

/// What is looked for.
#[derive(Clone, PartialEq, Eq)]
struct Pattern {
    text: String,
    is_base64: bool,
}

/// What of a secret is looked for: each line of it, and its base64.
fn patterns(secret: &Secret) -> Vec<Pattern> {
    let value = secret.expose();
    let mut patterns = Vec::new();
    for line in value.lines().map(str::trim) {
        // Cleaned text has one blank where there were several.
        let words: Vec<&str> = line.split_whitespace().collect();
        for text in [line.to_owned(), words.join(" ")] {
            patterns.push(Pattern {
                text,
                is_base64: false,
            });
        }
    }
    patterns.retain(|pattern| pattern.text.len() >= SHORTEST);
    for offset in 0..3 {
        let core = base64_core(value.as_bytes(), offset);
        if core.len() >= SHORTEST_BASE64 {
            for text in [core.replace('+', "-").replace('/', "_"), core] {
                patterns.push(Pattern {
                    text,
                    is_base64: true,
                });
            }
        }
    }
    patterns
}

/// The part of the base64 of any text that holds these bytes, which follows from
/// them alone. `offset` is where they begin, modulo three.
fn base64_core(value: &[u8], offset: usize) -> String {
    let padded: Vec<u8> = std::iter::repeat_n(0, offset)
        .chain(value.iter().copied())
        .collect();
    let whole = padded.len() * 8 / 6;
    let encoded = STANDARD_NO_PAD.encode(&padded);
    let start = (offset * 8).div_ceil(6);
    encoded.get(start..whole).unwrap_or_default().to_owned()
}

/// How long the pattern is at the start of the text, however that spells it;
/// `None` where it is something else.
fn length_of(text: &str, pattern: &str) -> Option<usize> {
    let mut ends = vec![0];
    for (count, c) in pattern.chars().enumerate() {
        let mut next = Vec::new();
        for end in ends {
            let rest = text.get(end..).unwrap_or_default();
            let unseen = match count {
                0 => 0,
                _ => unseen(rest),
            };
            let rest = rest.get(unseen..).unwrap_or_default();
            if rest.starts_with(CUT) && count >= PART {
                return Some(end);
            }
            for length in spellings(rest, c) {
                let end = end + unseen + length;
                if !next.contains(&end) {
                    next.push(end);
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.into_iter().max()
}

/// How long the characters at the start of the text are that nobody sees:
/// terminal escapes and characters without width.
fn unseen(text: &str) -> usize {
    let mut rest = text;
    loop {
        if let Some(escape) = rest.strip_prefix("\u{1b}[") {
            let end = escape.find(|c: char| c.is_ascii_alphabetic());
            rest = end
                .and_then(|end| escape.get(end + 1..))
                .unwrap_or_default();
        } else if rest.starts_with(is_invisible) {
            let mut characters = rest.chars();
            characters.next();
            rest = characters.as_str();
        } else {
            return text.len() - rest.len();
        }
    }
}

/// Characters without width, and those that change the direction of text.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The lengths of what stands for the character at the start of the text.
fn spellings(text: &str, c: char) -> Vec<usize> {
    let mut found = Vec::new();
    if text.starts_with(c) {
        found.push(c.len_utf8());
    }
    match text.as_bytes().first() {
        Some(b'\\') => found.extend(backslashed(text, c)),
        Some(b'%') => percent(text, c, &mut found),
        Some(b'&') => found.extend(entity(text, c)),
        Some(b'+') if c == ' ' => found.push(1),
        _ => {}
    }
    found
}

/// `\"`, `\/`, `\n`, `\u0022`, `\x22`, with any number of backslashes.
fn backslashed(text: &str, c: char) -> Vec<usize> {
    let run = backslashes(text);
    if c == '\\' {
        return (2..=run).collect();
    }
    let after = text.get(run..).unwrap_or_default();
    let named = match after.chars().next() {
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        _ => '\0',
    };
    if after.starts_with(c) || named == c {
        return vec![run + after.chars().next().map_or(0, char::len_utf8)];
    }
    let units = c.encode_utf16(&mut [0; 2]).to_vec();
    let units = units.iter().map(|unit| (u32::from(*unit), 4));
    let bytes = c.to_string().into_bytes();
    let bytes = bytes.iter().map(|byte| (u32::from(*byte), 2));
    let all = [coded(text, 'u', units), coded(text, 'x', bytes)];
    all.into_iter().flatten().collect()
}

/// How long it is when these numbers stand there, each as backslashes, the letter
/// and hexadecimal digits.
fn coded(text: &str, letter: char, codes: impl Iterator<Item = (u32, usize)>) -> Option<usize> {
    let mut rest = text;
    for (code, digits) in codes {
        let run = backslashes(rest);
        let after = rest.get(run..)?.strip_prefix(letter)?;
        let is_it = u32::from_str_radix(after.get(..digits)?, 16) == Ok(code);
        if run == 0 || !is_it {
            return None;
        }
        rest = after.get(digits..)?;
    }
    Some(text.len() - rest.len())
}

fn backslashes(text: &str) -> usize {
    let run = text.bytes().take_while(|byte| *byte == b'\\');
    run.take(NESTED).count()
}

/// `%22`, also as `%2522`.
fn percent(text: &str, c: char, found: &mut Vec<usize>) {
    for nested in 0..NESTED {
        let mut rest = text;
        let mut buffer = [0; 4];
        let is_it = c.encode_utf8(&mut buffer).bytes().all(|byte| {
            let Some(mut after) = rest.strip_prefix('%') else {
                return false;
            };
            for _ in 0..nested {
                let Some(inner) = after.strip_prefix("25") else {
                    return false;
                };
                after = inner;
            }
            let digits = after.get(..2).unwrap_or_default();
            rest = after.get(2..).unwrap_or_default();
            u8::from_str_radix(digits, 16) == Ok(byte)
        });
        if is_it {
            found.push(text.len() - rest.len());
        } else if !text.get(1..).is_some_and(|rest| rest.starts_with("25")) {
            return;
        }
    }
}

/// `&quot;`, `&#34;`, `&#x22;`, also as `&amp;quot;`.
fn entity(text: &str, c: char) -> Option<usize> {
    let mut name = text.strip_prefix('&')?;
    for _ in 0..NESTED {
        name = name.strip_prefix("amp;").unwrap_or(name);
    }
    if c == '&' && name.len() + 1 < text.len() {
        return Some(text.len() - name.len());
    }
    let (name, rest) = name.split_once(';')?;
    let code = match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        }
        .and_then(char::from_u32),
        None => match name {
            "quot" => Some('"'),
            "apos" => Some('\''),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            _ => None,
        },
    };
    (code == Some(c)).then(|| text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn hidden(value: &str, text: &str) -> String {
        hide(text, &[Secret::new(value).unwrap()])
    }

    #[test]
    fn each_spelling_of_a_secret_is_found() {
        let value = r#"pa"ss\w/ö&<'r%d"#;
        let json = serde_json::to_string(value).unwrap();
        let json = json.trim_matches('"');
        let twice = serde_json::to_string(json).unwrap();
        let percent: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for spelt in [
            value,
            json,
            twice.trim_matches('"'),
            r#"pa\u0022ss\\w\/\u00f6&<'r%d"#,
            r#"pa\x22ss\\w/\xc3\xb6&<'r%d"#,
            "pa&quot;ss\\w/ö&amp;&lt;&#39;r%d",
            "pa&#x22;ss\\w/&#246;&amp;&lt;&apos;r%d",
            "pa&amp;quot;ss\\w/ö&amp;amp;&amp;lt;'r%d",
            "pa%22ss%5Cw%2F%C3%B6%26%3C%27r%25d",
            "pa%2522ss%255Cw%252F%25C3%25B6%2526%253C%2527r%2525d",
            &percent,
        ] {
            let text = format!("said <{spelt}>.");
            assert_eq!(hidden(value, &text), "said <***>.", "{spelt}");
        }
    }

    #[test]
    fn base64_is_found_wherever_the_secret_begins() {
        for before in ["", "u", "me", "me:", "user:", "{\"password\":\""] {
            let text = format!("{before}hunter22>?~and more");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                let hidden = hidden("hunter22>?~", &encoded);
                assert!(hidden.contains("***"), "{before}: {hidden}");
                assert!(encoded.len() > hidden.len() + 6, "{before}: {hidden}");
            }
        }
    }

    #[test]
    fn what_nobody_sees_and_what_is_cut_off_hide_no_part_of_it() {
        for (text, expected) in [
            ("hun\u{200b}ter\u{1b}[31m22", "***"),
            ("it is hunter…", "it is ***…"),
            ("it is hun…", "it is hun…"),
            ("hunter2 hunter", "hunter2 hunter"),
            ("hunter22hunter22", "******"),
            ("", ""),
        ] {
            assert_eq!(hidden("hunter22", text), expected);
        }
    }

    #[test]
    fn each_line_is_a_secret_and_blanks_are_as_in_cleaned_text() {
        let value = "first  line\nsecond+line\n\nab";
        for (text, expected) in [
            ("a first line b", "a *** b"),
            ("first++line", "***"),
            ("second%2Bline ab", "*** ab"),
        ] {
            assert_eq!(hidden(value, text), expected);
        }
    }

    #[test]
    fn long_texts_take_no_long_time() {
        let secrets: Vec<Secret> = (0..20)
            .filter_map(|index| Secret::new(&format!("%secret\\&{index}")))
            .collect();
        let text = "%25\\\\&amp;".repeat(2_000);
        assert_eq!(hide(&text, &secrets), text);
    }
}
