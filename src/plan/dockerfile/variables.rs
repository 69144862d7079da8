//! Words and variables of a Dockerfile, as far as `ARG` and `FROM` need them.
//!
//! Follows the Dockerfile reference: `$NAME`, `${NAME}`, `${NAME:-WORD}`,
//! `${NAME-WORD}`, `${NAME:+WORD}`, `${NAME+WORD}`. What is not known here is
//! `None`, never a guess, and so is what takes more work than a text of its
//! length should: values that hold others ten times over grow without end.

use std::collections::BTreeMap;

/// How deep variables are followed that stand in for one another.
const DEEPEST: usize = 16;

/// The values of variables, by their names.
pub type Scope = BTreeMap<String, String>;

/// The work that is left: one for each byte that is read or put in place, and
/// for each instruction that is looked at.
#[derive(Debug)]
pub struct WorkBudget(usize);

impl WorkBudget {
    /// What a text of this many bytes may cost.
    pub fn for_text(bytes: usize) -> Self {
        const LEAST: usize = 256 * 1024;
        const EACH: usize = 16;
        Self(bytes.saturating_mul(EACH).saturating_add(LEAST))
    }

    /// Takes some of it; `None` when that much is not left, and from then on.
    pub fn spend(&mut self, amount: usize) -> Option<()> {
        let left = self.0.checked_sub(amount);
        self.0 = left.unwrap_or_default();
        left.map(|_| ())
    }
}

/// Splits a text at white space outside of quotes and takes the quotes away.
/// `None` for escapes, an open quote, and a variable in single quotes, which
/// would be none.
pub fn split_words(text: &str) -> Option<Vec<String>> {
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
pub fn expand(text: &str, scope: &Scope, work: &mut WorkBudget) -> Option<String> {
    nested(text, scope, work, DEEPEST)
}

fn nested(text: &str, scope: &Scope, work: &mut WorkBudget, deeper: usize) -> Option<String> {
    work.spend(text.len())?;
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
                let value = braced(inner.get(..end)?, scope, work, deeper)?;
                (value, inner.get(end + 1..)?)
            }
            None => {
                let (name, left) = name(after)?;
                (scope.get(name).cloned().unwrap_or_default(), left)
            }
        };
        work.spend(value.len())?;
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
fn braced(text: &str, scope: &Scope, work: &mut WorkBudget, deeper: usize) -> Option<String> {
    let deeper = deeper.checked_sub(1)?;
    let (name, operation) = name(text)?;
    let value = scope.get(name);
    let full = value.filter(|value| !value.is_empty());
    let keep = |value: Option<&String>| value.cloned().unwrap_or_default();
    let mut expand = |word| nested(word, scope, work, deeper);
    if operation.is_empty() {
        Some(keep(value))
    } else if let Some(word) = operation.strip_prefix(":-") {
        full.cloned().map_or_else(|| expand(word), Some)
    } else if let Some(word) = operation.strip_prefix('-') {
        value.cloned().map_or_else(|| expand(word), Some)
    } else if let Some(word) = operation.strip_prefix(":+") {
        full.map_or(Some(String::new()), |_| expand(word))
    } else if let Some(word) = operation.strip_prefix('+') {
        value.map_or(Some(String::new()), |_| expand(word))
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

/// Stands for every value that tells of the builder's own platform. It can be
/// no part of a platform or of a stage's name.
pub const BUILDERS_OWN: &str = "<builder>";

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str, scope: &Scope) -> Option<String> {
        crate::plan::dockerfile::variables::expand(
            text,
            scope,
            &mut WorkBudget::for_text(text.len()),
        )
    }

    #[test]
    fn variables_that_stand_in_for_one_another_are_followed_to_a_depth() {
        let scope = Scope::new();
        let deep = |depth: usize| format!("{}x{}", "${A:-".repeat(depth), "}".repeat(depth));
        assert_eq!(expand(&deep(DEEPEST), &scope).as_deref(), Some("x"));
        assert_eq!(expand(&deep(DEEPEST + 1), &scope), None);
        assert_eq!(expand(&deep(100_000), &scope), None);
        let many = "${A:-x}".repeat(10_000);
        assert_eq!(expand(&many, &scope).map(|text| text.len()), Some(10_000));
    }

    #[test]
    fn what_grows_beyond_measure_is_not_known() {
        let scope = Scope::from([("A".to_owned(), "x".repeat(1000))]);
        let known = |times: usize| expand(&"$A".repeat(times), &scope).is_some();
        assert!(known(200));
        assert!(!known(1_000_000));
        let mut work = WorkBudget::for_text(0);
        assert_eq!(
            crate::plan::dockerfile::variables::expand(&"x".repeat(1 << 20), &scope, &mut work),
            None
        );
        assert_eq!(
            crate::plan::dockerfile::variables::expand("x", &scope, &mut work),
            None,
            "nor later"
        );
    }

    #[test]
    fn variables_are_expanded_as_the_reference_says() {
        let scope: Scope = [("A", "one"), ("EMPTY", "")]
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
        let words = |text| split_words(text).map(|words| words.join("|"));
        assert_eq!(
            words("A=1 B=\"x y\"  C=''").as_deref(),
            Some("A=1|B=x y|C=")
        );
        assert_eq!(words("A=\"open"), None);
        assert_eq!(words("A=a\\ b"), None);
    }
}
