//! Lists in inputs: one entry a line, `#` lines are comments.
//!
//! Owns the list grammar that the actions of the Docker family share. What an
//! entry means is for others.

use super::csv::{self, Dialect, QuoteProblem};
use super::ecma;

/// What separates the entries of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// Line breaks only; a comma belongs to the entry.
    Lines,
    /// Line breaks and commas.
    Commas,
}

/// One entry, and where it starts in the input's value (from 1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The entry, trimmed.
    pub text: String,
    /// Its line.
    pub line: usize,
    /// Its column, in characters.
    pub column: usize,
}

/// A list that cannot be read: a quote is not closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct ListError {
    /// What is wrong.
    pub why: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// Reads a list whose entries stand on lines of their own.
///
/// # Errors
/// When a quote that starts an entry is not closed.
pub fn entries(value: &str) -> Result<Vec<Entry>, ListError> {
    let (text, at) = trim_input(value);
    let entry = |record: csv::Record| {
        let (line, column) = at.place(record.line, record.column);
        let joined = record.fields.join(",");
        // An entry of blanks stays, and is refused by whoever reads it.
        (!joined.is_empty()).then(|| Entry {
            text: ecma::trim(&joined).to_owned(),
            line,
            column,
        })
    };
    Ok(read(text, &at)?.into_iter().filter_map(entry).collect())
}

/// Reads a list as plain texts.
///
/// # Errors
/// As [`entries`].
pub fn parse_list(value: &str, grammar: Grammar) -> Result<Vec<String>, ListError> {
    if grammar == Grammar::Lines {
        let entries = entries(value)?;
        return Ok(entries.into_iter().map(|entry| entry.text).collect());
    }
    let (text, at) = trim_input(value);
    let mut items = Vec::new();
    for record in read(text, &at)? {
        match record.fields.as_slice() {
            [one] => items.extend(one.split(',').map(str::to_owned)),
            _ => items.extend(record.fields),
        }
    }
    items.retain(|item| !item.is_empty());
    Ok(items
        .iter()
        .map(|item| ecma::trim(item).to_owned())
        .collect())
}

fn read(text: &str, at: &Offset) -> Result<Vec<csv::Record>, ListError> {
    let dialect = Dialect {
        relax_quotes: true,
        comments: true,
    };
    csv::records(text, dialect).map_err(|error| {
        let (line, column) = at.place(error.line, error.column);
        let why = match error.why {
            QuoteProblem::Unclosed => "the quote that starts this entry is not closed".to_owned(),
            other => other.to_string(),
        };
        ListError { why, line, column }
    })
}

/// Where a trimmed text started, to speak of places in the whole.
struct Offset {
    lines: usize,
    columns: usize,
}

impl Offset {
    fn place(&self, line: usize, column: usize) -> (usize, usize) {
        let columns = if line == 1 { self.columns } else { 0 };
        (line + self.lines, column + columns)
    }
}

fn trim_input(value: &str) -> (&str, Offset) {
    let text = ecma::trim(value);
    let start = value.len() - value.trim_start_matches(ecma::is_space).len();
    let before = value.get(..start).unwrap_or_default();
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    let offset = Offset {
        lines: before.matches('\n').count(),
        columns: last_line.chars().count(),
    };
    (text, offset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_commas_and_places() {
        let read = entries("\n  type=raw,value=a\n# no\n \"b, c\"\n").unwrap();
        assert_eq!(read[0].text, "type=raw,value=a");
        assert_eq!((read[0].line, read[0].column), (2, 3));
        assert_eq!(read[1].text, "\"b, c\"");
        assert_eq!((read[1].line, read[1].column), (4, 1));
    }

    #[test]
    fn commas_separate_where_they_may() {
        let list = parse_list("linux/amd64, linux/arm64\nlinux/s390x,", Grammar::Commas);
        assert_eq!(list.unwrap(), ["linux/amd64", "linux/arm64", "linux/s390x"]);
        assert_eq!(parse_list("a,b", Grammar::Lines).unwrap(), ["a,b"]);
        assert!(parse_list("", Grammar::Commas).unwrap().is_empty());
    }

    #[test]
    fn an_open_quote_says_where_it_is() {
        let error = entries("a\n\"b").unwrap_err();
        assert_eq!((error.line, error.column), (2, 1));
    }
}
