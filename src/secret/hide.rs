//! Finds secrets in text, in every form in which a body may spell them.
//!
//! A registry, an API or a program repeats a password as JSON, HTML or a URL
//! writes it, or within base64. Every character is looked for in each of these
//! forms, so that mixtures of them are found too.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::secret::value::{SHORTEST, Secret};

/// What stands in place of a secret.
const HIDDEN: &str = "***";
/// What marks text that was cut off.
const CUT: char = '…';
/// How much of a secret must stand before [`CUT`] to be hidden, in characters.
const PART: usize = 4;
/// How much of the base64 of a secret is looked for at least, in characters.
const SHORTEST_BASE64: usize = 6;
/// So many patterns are put into their places one by one; with more, all are sorted.
const FEW: usize = 16;
/// How often a text may be escaped.
const NESTED: usize = 8;

/// Secrets that are taken out of text.
#[derive(Clone, Default)]
pub struct Redactor {
    /// The lines of the secrets.
    lines: Patterns,
    /// The base64 of the secrets.
    base64: Patterns,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl<'a> FromIterator<&'a Secret> for Redactor {
    fn from_iter<T: IntoIterator<Item = &'a Secret>>(secrets: T) -> Self {
        let mut hidden = Self::default();
        secrets.into_iter().for_each(|secret| hidden.add(secret));
        hidden
    }
}

impl Redactor {
    /// Adds a secret.
    pub fn add(&mut self, secret: &Secret) {
        self.lines.extend(lines(secret));
        self.base64.extend(base64(secret));
    }

    /// The text, with [`HIDDEN`] in place of each of the secrets.
    pub fn take_out(&self, text: &str) -> String {
        if self.lines.0.is_empty() && self.base64.0.is_empty() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            // The base64 of a secret is within that of more, so nothing escapes its
            // first character.
            let length = self.lines.longest(rest, true);
            let length = length.max(self.base64.longest(rest, false));
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
}

/// The text without these secrets.
pub fn hide<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    secrets.into_iter().collect::<Redactor>().take_out(text)
}

/// What of a secret is looked for: each line of it.
fn lines(secret: &Secret) -> impl Iterator<Item = String> {
    let lines = secret.expose().lines().map(str::trim);
    let forms = lines.flat_map(|line| {
        // Cleaned text has one blank where there were several.
        let words: Vec<&str> = line.split_whitespace().collect();
        [line.to_owned(), words.join(" ")]
    });
    forms.filter(|form| form.len() >= SHORTEST)
}

/// And its base64, at each place that it may have within that of more.
fn base64(secret: &Secret) -> impl Iterator<Item = String> {
    let value = secret.expose().as_bytes();
    let cores = (0..3).map(|offset| base64_core(value, offset));
    let cores = cores.filter(|core| core.len() >= SHORTEST_BASE64);
    cores.flat_map(|core| [core.replace('+', "-").replace('/', "_"), core])
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

/// Texts to look for, sorted, each once. A secret may have thousands of lines that
/// begin alike, so all of them are followed at once.
#[derive(Clone, Default)]
struct Patterns(Vec<String>);

/// The patterns that fit so far, which lie side by side.
#[derive(Clone, Copy, PartialEq)]
struct Candidates {
    from: usize,
    to: usize,
    /// How much of each of them has been found, in bytes.
    found: usize,
    /// Where in the text that ends.
    end: usize,
}

impl Patterns {
    fn extend(&mut self, patterns: impl Iterator<Item = String>) {
        let more: Vec<String> = patterns.collect();
        if more.len() > FEW {
            self.0.extend(more);
            self.0.sort_unstable();
            self.0.dedup();
            return;
        }
        for pattern in more {
            if let Err(place) = self.0.binary_search(&pattern) {
                self.0.insert(place, pattern);
            }
        }
    }

    /// How long the longest pattern is at the start of the text, however that
    /// spells it; `None` where none is there.
    fn longest(&self, text: &str, may_begin_escaped: bool) -> Option<usize> {
        let mut longest = None;
        let mut all = vec![Candidates {
            from: 0,
            to: self.0.len(),
            found: 0,
            end: 0,
        }];
        for count in 0.. {
            let mut next = Vec::new();
            for mut candidates in all {
                let first = self.0.get(candidates.from);
                if count > 0 && first.is_some_and(|first| first.len() == candidates.found) {
                    longest = longest.max(Some(candidates.end));
                    candidates.from += 1;
                }
                let rest = text.get(candidates.end..).unwrap_or_default();
                let hidden = if count > 0 { unseen(rest) } else { 0 };
                let rest = rest.get(hidden..).unwrap_or_default();
                if count >= PART && rest.starts_with(CUT) && candidates.from < candidates.to {
                    longest = longest.max(Some(candidates.end));
                }
                candidates.end += hidden;
                let is_escape = rest.starts_with(['\\', '%', '&', '+']);
                if is_escape && (count > 0 || may_begin_escaped) {
                    self.follow_all(candidates, rest, &mut next);
                } else if let Some(c) = rest.chars().next() {
                    let followed = self.narrow(candidates, c, c.len_utf8());
                    add(followed, &mut next);
                }
            }
            if next.is_empty() {
                break;
            }
            all = next;
        }
        longest
    }

    /// Each character that may come next, in each of its spellings.
    fn follow_all(&self, mut candidates: Candidates, rest: &str, next: &mut Vec<Candidates>) {
        while candidates.from < candidates.to {
            let Some(c) = self.character(candidates.from, candidates.found) else {
                candidates.from += 1;
                continue;
            };
            for length in spellings(rest, c) {
                add(self.narrow(candidates, c, length), next);
            }
            candidates.from = self.bound(candidates, |other| other <= Some(c));
        }
    }

    /// Those of the candidates that go on with this character.
    fn narrow(&self, candidates: Candidates, c: char, length: usize) -> Option<Candidates> {
        let narrowed = Candidates {
            from: self.bound(candidates, |other| other < Some(c)),
            to: self.bound(candidates, |other| other <= Some(c)),
            found: candidates.found + c.len_utf8(),
            end: candidates.end + length,
        };
        (narrowed.from < narrowed.to).then_some(narrowed)
    }

    /// The first of the candidates whose next character is not such.
    fn bound(&self, candidates: Candidates, is_such: impl Fn(Option<char>) -> bool) -> usize {
        let all = self
            .0
            .get(candidates.from..candidates.to)
            .unwrap_or_default();
        candidates.from + all.partition_point(|pattern| is_such(next_of(pattern, candidates.found)))
    }

    fn character(&self, index: usize, found: usize) -> Option<char> {
        next_of(self.0.get(index)?, found)
    }
}

fn next_of(pattern: &str, found: usize) -> Option<char> {
    pattern.get(found..)?.chars().next()
}

fn add(candidates: Option<Candidates>, all: &mut Vec<Candidates>) {
    if let Some(candidates) = candidates
        && !all.contains(&candidates)
    {
        all.push(candidates);
    }
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
    fn thousands_of_lines_that_begin_alike_are_found_in_one_pass() {
        let lines: String = (0..20_000)
            .map(|at| format!("type=raw,value=t{at}\n"))
            .collect();
        let begun = std::time::Instant::now();
        let text = hidden(&lines, &format!("{lines}type=raw,value=x"));
        assert!(!text.contains("=t"));
        assert!(text.ends_with("\ntype=raw,value=x"));
        assert!(begun.elapsed() < std::time::Duration::from_secs(10));
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
