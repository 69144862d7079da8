//! Comma-separated fields, read as csv-parse 7 reads them.
//!
//! Owns the one reader behind two grammars: the lists of the inputs (lenient
//! quotes, comment lines) and the fields of one entry (strict quotes). Follows
//! RFC 4180 with csv-parse's answers to what it leaves open: the first line
//! break decides which one ends records, and empty lines count for nothing.

use std::fmt;

use crate::input::grammar::javascript::trim;

/// How a text is to be read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialect {
    /// Keeps a quote in a wrong place as a character instead of refusing it.
    pub relax_quotes: bool,
    /// Skips lines that start with `#`.
    pub comments: bool,
    /// Takes a quote for a character like any other.
    pub no_quotes: bool,
    /// Leaves out white space around fields.
    pub trim: bool,
}

/// How docker/build-push-action looks into one entry, such as
/// `type=local,dest=out`.
pub const ENTRY: Dialect = Dialect {
    relax_quotes: false,
    comments: false,
    no_quotes: false,
    trim: true,
};

/// The fields of an entry as pairs; a field without `=` has an empty name.
///
/// # Errors
/// When quotes do not pair up.
pub fn attributes(entry: &str) -> Result<Vec<(String, String)>, QuoteError> {
    let pair = |field: String| match field.split_once('=') {
        Some((key, value)) => (trim(key).to_owned(), trim(value).to_owned()),
        None => (String::new(), field),
    };
    let records = records(entry, ENTRY)?;
    let fields = records.into_iter().flat_map(|record| record.fields);
    Ok(fields.map(pair).collect())
}

/// The value of an attribute, whose name may be in either case; of one that is
/// repeated the last.
pub fn value<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut all = attributes.iter().rev();
    let found = all.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// The text as a quoted field, where as it is it would be read as more than one.
pub fn quoted(text: &str) -> Option<String> {
    let is_more = text.contains([',', '"']);
    is_more.then(|| format!("\"{}\"", text.replace('"', "\"\"")))
}

/// Attributes as one entry, which [`attributes()`] reads.
pub fn entry(attributes: &[(String, String)]) -> String {
    let field = |(name, value): &(String, String)| {
        let field = format!("{name}={value}");
        quoted(&field).unwrap_or(field)
    };
    let fields: Vec<String> = attributes.iter().map(field).collect();
    fields.join(",")
}

/// One record: its fields, and where it starts (line and column from 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The fields, unquoted and not trimmed.
    pub fields: Vec<String>,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character, in characters.
    pub column: usize,
}

/// Quotes that do not pair up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct QuoteError {
    /// What is wrong.
    pub why: QuoteProblem,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

/// The three ways to get quotes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuoteProblem {
    /// `a"b`
    Opening,
    /// `"a"b`
    Closing,
    /// `"a`
    Unclosed,
}

impl fmt::Display for QuoteProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "a quote stands in the middle of a field",
            Self::Closing => "text follows the closing quote",
            Self::Unclosed => "a quote is not closed",
        })
    }
}

/// Splits a text into records.
///
/// # Errors
/// When quotes do not pair up; with `relax_quotes` only when one stays open.
pub fn records(text: &str, dialect: Dialect) -> Result<Vec<Record>, QuoteError> {
    let mut reader = Reader {
        rest: text,
        dialect,
        record_end: None,
        line: 1,
        column: 1,
        quote_at: (1, 1),
        start: None,
        field: String::new(),
        fields: Vec::new(),
        was_quoted: false,
        records: Vec::new(),
    };
    reader.run()?;
    Ok(reader.records)
}

struct Reader<'a> {
    rest: &'a str,
    dialect: Dialect,
    /// The line break that ends records, once one was seen.
    record_end: Option<&'static str>,
    line: usize,
    column: usize,
    quote_at: (usize, usize),
    start: Option<(usize, usize)>,
    field: String,
    fields: Vec<String>,
    was_quoted: bool,
    records: Vec<Record>,
}

impl Reader<'_> {
    fn run(&mut self) -> Result<(), QuoteError> {
        let mut quoting = false;
        let mut commenting = false;
        while let Some(c) = self.rest.chars().next() {
            if quoting {
                quoting = self.quoted(c)?;
                continue;
            }
            self.discover();
            // csv-parse opens a quote before it looks for anything else.
            let quote = c == '"' && !commenting && !self.dialect.no_quotes;
            if quote && self.field.is_empty() {
                self.quote_at = (self.line, self.column);
                self.start.get_or_insert(self.quote_at);
                self.skip(1);
                quoting = true;
                continue;
            }
            if quote && !self.dialect.relax_quotes {
                return Err(self.error(QuoteProblem::Opening));
            }
            if let Some(end) = self.record_end.filter(|end| self.rest.starts_with(end)) {
                self.end_line(commenting);
                commenting = false;
                self.skip(end.len());
            } else if commenting {
                self.skip(1);
            } else if c == '#' && self.dialect.comments && self.is_blank() {
                commenting = true;
                self.skip(1);
            } else if c == ',' {
                self.start.get_or_insert((self.line, self.column));
                self.end_field();
                self.skip(1);
            } else if self.dialect.trim && is_trimmed(c) && self.field.is_empty() {
                self.skip(1);
            } else if self.dialect.trim && self.was_quoted {
                if !is_trimmed(c) {
                    return Err(self.error(QuoteProblem::Closing));
                }
                self.skip(1);
            } else {
                self.take(c);
            }
        }
        if quoting {
            let (line, column) = self.quote_at;
            let why = QuoteProblem::Unclosed;
            return Err(QuoteError { why, line, column });
        }
        if self.was_quoted || !self.is_blank() {
            self.end_record();
        }
        Ok(())
    }

    /// One character inside quotes; answers whether they are still open.
    fn quoted(&mut self, c: char) -> Result<bool, QuoteError> {
        if c != '"' {
            self.take(c);
            return Ok(true);
        }
        let mut after = self.rest.chars();
        after.next();
        let closes = match after.next() {
            None | Some('\0' | ',') => true,
            Some('"') => {
                self.skip(1);
                self.take('"');
                return Ok(true);
            }
            Some('#') if self.dialect.comments => true,
            Some(c) if self.dialect.trim && is_trimmed(c) => true,
            Some(_) => {
                let after = self.rest.get(1..).unwrap_or_default();
                match self.record_end {
                    Some(end) => after.starts_with(end),
                    None => line_break(after).is_some(),
                }
            }
        };
        if closes {
            self.was_quoted = true;
            self.skip(1);
        } else if self.dialect.relax_quotes {
            self.was_quoted = true;
            self.field.insert(0, '"');
            self.take('"');
        } else {
            self.skip(1);
            return Err(self.error(QuoteProblem::Closing));
        }
        Ok(false)
    }

    fn discover(&mut self) {
        if self.record_end.is_none() {
            self.record_end = line_break(self.rest);
        }
    }

    fn is_blank(&self) -> bool {
        self.fields.is_empty() && self.field.is_empty()
    }

    fn end_line(&mut self, commenting: bool) {
        let blank = self.is_blank() && !self.was_quoted;
        if !(blank || (commenting && self.is_blank() && !self.was_quoted)) {
            self.end_record();
        }
        self.start = None;
    }

    fn end_field(&mut self) {
        let mut field = std::mem::take(&mut self.field);
        if self.dialect.trim && !self.was_quoted {
            field.truncate(field.trim_end_matches(is_trimmed).len());
        }
        self.fields.push(field);
        self.was_quoted = false;
    }

    fn end_record(&mut self) {
        self.end_field();
        let (line, column) = self.start.take().unwrap_or((self.line, self.column));
        self.records.push(Record {
            fields: std::mem::take(&mut self.fields),
            line,
            column,
        });
    }

    fn take(&mut self, c: char) {
        self.start.get_or_insert((self.line, self.column));
        self.field.push(c);
        self.skip(c.len_utf8());
    }

    /// Moves on by some bytes, counting lines and columns.
    fn skip(&mut self, bytes: usize) {
        // A comment is skipped by the byte; a longer character goes as a whole.
        let bytes = (bytes..=self.rest.len())
            .find(|&at| self.rest.is_char_boundary(at))
            .unwrap_or(self.rest.len());
        let (gone, rest) = self.rest.split_at(bytes);
        for c in gone.chars() {
            if c == '\n' || (c == '\r' && self.record_end == Some("\r")) {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.rest = rest;
    }

    fn error(&self, why: QuoteProblem) -> QuoteError {
        QuoteError {
            why,
            line: self.line,
            column: self.column,
        }
    }
}

/// What csv-parse takes away around fields.
fn is_trimmed(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

fn line_break(text: &str) -> Option<&'static str> {
    ["\r\n", "\n", "\r"]
        .into_iter()
        .find(|end| text.starts_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str, dialect: Dialect) -> Vec<Vec<String>> {
        let read = records(text, dialect).unwrap();
        read.into_iter().map(|record| record.fields).collect()
    }

    const STRICT: Dialect = Dialect {
        relax_quotes: false,
        comments: false,
        no_quotes: false,
        trim: false,
    };
    const RELAXED: Dialect = Dialect {
        relax_quotes: true,
        comments: true,
        ..STRICT
    };

    #[test]
    fn quoted_fields_hold_commas_quotes_and_lines() {
        assert_eq!(fields("a,\"b,\"\"c\"", STRICT), [["a", "b,\"c"]]);
        assert_eq!(fields("\"a\nb\",c", STRICT), [["a\nb", "c"]]);
        assert_eq!(fields("\"\"", STRICT), [[""]]);
    }

    #[test]
    fn a_quote_in_a_wrong_place_is_refused_or_kept() {
        for (text, why, column) in [
            ("a\"b", QuoteProblem::Opening, 2),
            ("\"a\"b", QuoteProblem::Closing, 4),
            ("x,\"a", QuoteProblem::Unclosed, 3),
        ] {
            let error = records(text, STRICT).unwrap_err();
            assert_eq!((error.why, error.column), (why, column), "{text}");
        }
        assert_eq!(fields("a\"b", RELAXED), [["a\"b"]]);
        assert_eq!(fields("\"a\"b", RELAXED), [["\"a\"b"]]);
        assert!(records("\"a", RELAXED).is_err());
    }

    #[test]
    fn comments_start_a_line_and_nothing_else() {
        let text = "# one\na # two\n\n,# three";
        assert_eq!(
            fields(text, RELAXED),
            [vec!["a # two"], vec!["", "# three"]]
        );
        assert_eq!(fields("#a", STRICT), [["#a"]]);
    }

    #[test]
    fn the_first_line_break_decides() {
        assert_eq!(fields("a\r\nb\nc", STRICT), [["a"], ["b\nc"]]);
        assert_eq!(fields("a\rb", STRICT), [["a"], ["b"]]);
    }

    #[test]
    fn records_know_where_they_start() {
        let read = records("\n  a\n#x\n\"b\"", RELAXED).unwrap();
        let places: Vec<_> = read.iter().map(|r| (r.line, r.column)).collect();
        assert_eq!(places, [(2, 1), (4, 1)]);
    }

    #[test]
    fn quotes_can_mean_nothing() {
        let dialect = Dialect {
            no_quotes: true,
            ..RELAXED
        };
        assert_eq!(
            fields("\"a,b\nc\"", dialect),
            [vec!["\"a", "b"], vec!["c\""]]
        );
    }

    #[test]
    fn entries_are_trimmed_around_fields_and_not_inside_quotes() {
        assert_eq!(
            fields(" type = x , \" a,b \" , c ", ENTRY),
            [["type = x", " a,b ", "c"]]
        );
        assert!(records("\"a\" b", ENTRY).is_err());
        let pairs = attributes("type=local, \"dest=a,b=c\",./out").unwrap();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(pairs, [("type", "local"), ("dest", "a,b=c"), ("", "./out")]);
    }
}
