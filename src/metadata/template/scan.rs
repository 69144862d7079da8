//! Lengths of the single parts of a tag. Follows the regular expressions of the
//! lexer of Handlebars 4.7.

use crate::input::grammar::javascript::is_space;
use crate::metadata::template::token::Kind;

/// Length of `"…"` or `[…]`: to the first end that no backslash precedes, or
/// to the last that one does.
pub fn delimited(text: &str, end: char) -> Option<usize> {
    let mut last = None;
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == end {
            return Some(at + 1);
        }
        if c == '\\' && chars.peek().is_some_and(|&(_, next)| next == end) {
            chars.next();
            last = Some(at + 2);
        }
    }
    last
}

/// `^}}` or `else}}`, with white space and `~`.
pub fn inverse(inner: &str) -> Option<usize> {
    let bare = inner
        .strip_prefix('^')
        .or_else(|| {
            let word = inner.trim_start_matches(is_space);
            word.strip_prefix("else")
        })?
        .trim_start_matches(is_space);
    let bare = bare.strip_prefix('~').unwrap_or(bare);
    let rest = bare.strip_prefix("}}")?;
    Some(inner.len() - rest.len())
}

/// What a tag starts with, after `{{` and `~`.
pub fn opening(inner: &str) -> (Kind, usize) {
    let sign = [
        ("#>", Kind::OpenPartialBlock),
        (">", Kind::OpenPartial),
        ("#*", Kind::OpenBlock),
        ("#", Kind::OpenBlock),
        ("/", Kind::OpenEndBlock),
        ("^", Kind::OpenInverse),
    ];
    if let Some((sign, kind)) = sign.iter().find(|(sign, _)| inner.starts_with(sign)) {
        return (*kind, sign.len());
    }
    let word = inner.trim_start_matches(is_space);
    if let Some(after) = word.strip_prefix("else")
        && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    {
        return (Kind::OpenInverseChain, inner.len() - after.len());
    }
    match inner.chars().next() {
        Some('{') => (Kind::OpenUnescaped, 1),
        Some('&' | '*') => (Kind::Open, 1),
        _ => (Kind::Open, 0),
    }
}

pub fn ends_word(after: Option<&str>, signs: &str) -> bool {
    let next = after.unwrap_or_default().chars().next();
    next.is_some_and(|c| signs.contains(c) || is_space(c))
}

pub fn literal(text: &str) -> Option<(Kind, usize)> {
    let words = [
        ("true", Kind::Boolean),
        ("false", Kind::Boolean),
        ("undefined", Kind::Undefined),
        ("null", Kind::Null),
    ];
    for (word, kind) in words {
        if text.starts_with(word) && ends_word(text.get(word.len()..), "~})") {
            return Some((kind, word.len()));
        }
    }
    let number = number_length(text);
    if number > 0 && ends_word(text.get(number..), "~})") {
        return Some((Kind::Number, number));
    }
    let bar = text
        .strip_prefix("as")
        .filter(|rest| rest.starts_with(is_space))?
        .trim_start_matches(is_space)
        .strip_prefix('|')?;
    Some((Kind::OpenBlockParams, text.len() - bar.len()))
}

/// `-1.5`
pub fn number_length(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let whole = digits(text.get(sign..).unwrap_or_default());
    if whole == 0 {
        return 0;
    }
    let length = sign + whole;
    let fraction = text.get(length..).and_then(|rest| rest.strip_prefix('.'));
    match fraction.map(digits) {
        Some(count) if count > 0 => length + 1 + count,
        _ => length,
    }
}

pub fn name(text: &str) -> Option<(Kind, usize)> {
    let length = name_length(text);
    let ends = length > 0 && ends_word(text.get(length..), "=~}/.)|");
    ends.then_some((Kind::Name, length))
}

pub fn name_length(text: &str) -> usize {
    let ends = |c: char| is_space(c) || "!\"#%&'()*+,./;<=>@[\\]^`{|}~".contains(c);
    text.find(ends).unwrap_or(text.len())
}
