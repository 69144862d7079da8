//! Fields of an entry: the first record, its booleans, and the nearest of the names
//! that are accepted.

use crate::error;
use crate::error::InputProblem;
use crate::input::grammar::csv::{self, Dialect};
use crate::input::grammar::list::Entry;

/// The fields of an entry; only its first line counts.
pub fn first_record(
    input: &str,
    entry: &Entry,
    dialect: Dialect,
) -> Result<Vec<String>, InputProblem> {
    let place = |line: usize, column: usize| match line {
        1 => (entry.line, entry.column + column - 1),
        _ => (entry.line + line - 1, column),
    };
    let problem = |why: String, accepted: &str, (line, column)| {
        InputProblem::new(input, &entry.text, why, accepted).at(line, column)
    };
    let records = csv::records(&entry.text, dialect).map_err(|error| {
        let accepted = "quotes around a whole field, such as \"value=a,b\"; one inside doubled";
        problem(error.to_string(), accepted, place(error.line, error.column))
    })?;
    let first = records.into_iter().next();
    first.map(|record| record.fields).ok_or_else(|| {
        let accepted = "an entry, or nothing at all";
        problem("is blank".to_owned(), accepted, place(1, 1))
    })
}

/// `true` or `false`, in just this spelling.
pub fn enabled(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// All words, and the one that was probably meant.
pub fn nearest(word: &str, words: &[&str]) -> String {
    let all = words.join(", ");
    match error::nearest(word, words.iter().copied()) {
        Some(near) => format!("{all} (did you mean {near}?)"),
        None => all,
    }
}
