//! Words and variables of a Dockerfile, as far as `ARG` and `FROM` need them.
//!
//! Follows the Dockerfile reference: `$NAME`, `${NAME}`, `${NAME:-WORD}`,
//! `${NAME-WORD}`, `${NAME:+WORD}`, `${NAME+WORD}`. What is not known here is
//! `None`, never a guess.

use std::collections::BTreeMap;

/// Splits a text at white space outside of quotes and takes the quotes away.
/// `None` for escapes, an open quote, and a variable in single quotes, which
/// would be none.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (c, quote) {
            ('\\', _) | ('$', Some('\'')) => return None,
            (c, Some(open)) if c == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Puts the values of variables in their places; one without a value is empty.
pub(super) fn expand(text: &str, scope: &BTreeMap<String, String>) -> Option<String> {
    if text.contains(['\\', '\'', '"']) {
        return None;
    }
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        let (value, left) = match after.strip_prefix('{') {
            Some(inner) => {
                let end = closing(inner)?;
                (braced(inner.get(..end)?, scope)?, inner.get(end + 1..)?)
            }
            None => {
                let (name, left) = name(after)?;
                (scope.get(name).cloned().unwrap_or_default(), left)
            }
        };
        result.push_str(&value);
        rest = left;
    }
    result.push_str(rest);
    Some(result)
}

/// Where the brace that is open closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// What stands between braces.
fn braced(text: &str, scope: &BTreeMap<String, String>) -> Option<String> {
    let (name, operation) = name(text)?;
    let value = scope.get(name);
    let full = value.filter(|value| !value.is_empty());
    let keep = |value: Option<&String>| value.cloned().unwrap_or_default();
    if operation.is_empty() {
        Some(keep(value))
    } else if let Some(word) = operation.strip_prefix(":-") {
        full.cloned().map_or_else(|| expand(word, scope), Some)
    } else if let Some(word) = operation.strip_prefix('-') {
        value.cloned().map_or_else(|| expand(word, scope), Some)
    } else if let Some(word) = operation.strip_prefix(":+") {
        full.map_or(Some(String::new()), |_| expand(word, scope))
    } else if let Some(word) = operation.strip_prefix('+') {
        value.map_or(Some(String::new()), |_| expand(word, scope))
    } else {
        None
    }
}

/// A variable's name, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_expanded_as_the_reference_says() {
        let scope: BTreeMap<String, String> = [("A", "one"), ("EMPTY", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        for (text, expected) in [
            ("x", Some("x")),
            ("$A/${A}", Some("one/one")),
            ("$A_B", Some("")),
            ("${B:-two}", Some("two")),
            ("${EMPTY:-two}", Some("two")),
            ("${EMPTY-two}", Some("")),
            ("${B-two}", Some("two")),
            ("${A:+yes}${EMPTY:+yes}${EMPTY+set}", Some("yesset")),
            ("${B:-${A}}", Some("one")),
            ("${A#o}", None),
            ("${A", None),
            ("$1", None),
            ("a\\$A", None),
        ] {
            assert_eq!(expand(text, &scope).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn words_end_at_white_space_outside_of_quotes() {
        let words = |text| words(text).map(|words| words.join("|"));
        assert_eq!(
            words("A=1 B=\"x y\"  C=''").as_deref(),
            Some("A=1|B=x y|C=")
        );
        assert_eq!(words("A=\"open"), None);
        assert_eq!(words("A=a\\ b"), None);
    }
}
