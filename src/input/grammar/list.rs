//! Lists in inputs: one entry a line, `#` lines are comments.
//!
//! Owns the list grammar that the actions of the Docker family share. What an
//! entry means is for others.

use crate::input::grammar::csv::{self, Dialect, QuoteProblem};
use crate::input::grammar::javascript;

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
            text: javascript::trim(&joined).to_owned(),
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
        .map(|item| javascript::trim(item).to_owned())
        .collect())
}

/// How docker/build-push-action reads a list: without comments.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// What separates entries.
    pub grammar: Grammar,
    /// False where a quote is a character like any other.
    pub quotes: bool,
    /// False where white space around an entry belongs to it.
    pub trim: bool,
}

impl Style {
    /// One entry a line.
    pub const LINES: Self = Self {
        grammar: Grammar::Lines,
        quotes: true,
        trim: true,
    };
    /// Entries between commas and line breaks.
    pub const COMMAS: Self = Self {
        grammar: Grammar::Commas,
        ..Self::LINES
    };
    /// One entry a line, whose own quotes stay.
    pub const VERBATIM: Self = Self {
        quotes: false,
        ..Self::LINES
    };
    /// One entry a line, to the letter.
    pub const UNTRIMMED: Self = Self {
        trim: false,
        ..Self::LINES
    };
}

/// Reads a list as docker/build-push-action does. An entry of blanks stays, as
/// it does there.
///
/// # Errors
/// As [`entries`].
pub fn build_entries(value: &str, style: Style) -> Result<Vec<Entry>, ListError> {
    let whole = Offset {
        lines: 0,
        columns: 0,
    };
    let (text, at) = if style.trim {
        trim_input(value)
    } else {
        (value, whole)
    };
    let dialect = Dialect {
        relax_quotes: true,
        no_quotes: !style.quotes,
        ..Dialect::default()
    };
    let mut found = Vec::new();
    for record in records(text, &at, dialect)? {
        let (line, column) = at.place(record.line, record.column);
        let joined = record.fields.join(",");
        let items: Vec<&str> = match (style.grammar, record.fields.as_slice()) {
            (Grammar::Lines, _) => vec![&joined],
            (Grammar::Commas, [one]) => one.split(',').collect(),
            (Grammar::Commas, many) => many.iter().map(String::as_str).collect(),
        };
        let items = items.into_iter().filter(|item| !item.is_empty());
        found.extend(items.map(|item| {
            Entry {
                text: if style.trim {
                    javascript::trim(item)
                } else {
                    item
                }
                .to_owned(),
                line,
                column,
            }
        }));
    }
    Ok(found)
}

fn read(text: &str, at: &Offset) -> Result<Vec<csv::Record>, ListError> {
    let dialect = Dialect {
        relax_quotes: true,
        comments: true,
        ..Dialect::default()
    };
    records(text, at, dialect)
}

fn records(text: &str, at: &Offset, dialect: Dialect) -> Result<Vec<csv::Record>, ListError> {
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
    let text = javascript::trim(value);
    let start = value.len() - value.trim_start_matches(javascript::is_space).len();
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

    fn texts(value: &str, style: Style) -> Vec<String> {
        let entries = build_entries(value, style).unwrap();
        entries.into_iter().map(|entry| entry.text).collect()
    }

    #[test]
    fn lists_of_a_build_know_no_comments() {
        assert_eq!(
            texts("A=1\n# B=2\n\nC", Style::LINES),
            ["A=1", "# B=2", "C"]
        );
        assert_eq!(
            texts("a,b\n \nc,,d", Style::COMMAS),
            ["a", "b", "", "c", "d"]
        );
        assert_eq!(texts("\"a,b\"", Style::COMMAS), ["a", "b"]);
        assert_eq!(texts("\"A=1\n2\"", Style::LINES), ["A=1\n2"]);
    }

    #[test]
    fn quotes_and_blanks_stay_where_they_belong_to_the_entry() {
        assert_eq!(
            texts("type=image,\"name=a,b\"", Style::VERBATIM),
            ["type=image,\"name=a,b\""]
        );
        assert_eq!(texts(" a = b \n", Style::UNTRIMMED), [" a = b "]);
    }
}
