//! From words to a diagnosis.

use std::fmt;

use crate::diagnosis::circumstances::Circumstances;
use crate::diagnosis::fill::fill;
use crate::diagnosis::row::{Kind, Responsible, Row};
use crate::diagnosis::rows::{self, rows};
use crate::diagnosis::signal::Signal;
use crate::registry::Refusal;

/// What is wrong, in the words of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// The row's name.
    pub id: &'static str,
    /// What it is for the run.
    pub kind: Kind,
    /// What the signal means; a sentence.
    pub meaning: String,
    /// Who can do something about it, in the order of the fix.
    pub who: &'static [Responsible],
    /// The one thing to do, with the value that it is about; no full stop.
    pub fix: String,
    /// Where to do it: an address, or two with a word on which is which.
    pub link: Option<String>,
    /// What the registry or the build said; one line, empty when it said nothing.
    pub words: String,
}

/// The diagnosis of a registry's answer. One that no row fits is given back in
/// its own words.
pub fn of_refusal(refusal: &Refusal, circumstances: &Circumstances<'_>) -> Diagnosis {
    let signal = Signal::of_refusal(refusal);
    look_up(&signal, circumstances)
        .unwrap_or_else(|| Diagnosis::of(&rows::ELSE, &signal, circumstances))
}

/// The diagnosis of a request of our own that got no answer, by the text of its
/// error.
pub fn of_silence(why: &str, circumstances: &Circumstances<'_>) -> Diagnosis {
    let signal = Signal::of_silence(why);
    look_up(&signal, circumstances)
        .unwrap_or_else(|| Diagnosis::of(&rows::SILENCE, &signal, circumstances))
}

pub fn look_up(signal: &Signal, circumstances: &Circumstances<'_>) -> Option<Diagnosis> {
    let row = rows().find(|row| row.matches(signal, circumstances))?;
    Some(Diagnosis::of(row, signal, circumstances))
}

impl Diagnosis {
    pub fn of(row: &Row, signal: &Signal, circumstances: &Circumstances<'_>) -> Self {
        let filled = |template: &str| fill(template, signal, circumstances);
        Self {
            id: row.id,
            kind: row.kind,
            meaning: filled(row.meaning),
            who: row.who,
            fix: filled(row.fix),
            link: (!row.link.is_empty()).then(|| filled(row.link)),
            words: signal.words.clone(),
        }
    }
}

impl fmt::Display for Diagnosis {
    /// The fix on the first line; then the meaning, who can do it when that is
    /// not the workflow's author alone, and where; the words on the last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.\n{}", self.fix, self.meaning)?;
        match self.who {
            [Responsible::Author | Responsible::Nobody] => {}
            who => {
                let who: Vec<String> = who.iter().map(ToString::to_string).collect();
                write!(f, "\nWho can do it: {}", who.join(", then "))?;
            }
        }
        if let Some(link) = &self.link {
            write!(f, "\nWhere: {link}")?;
        }
        if !self.words.is_empty() {
            write!(f, "\nIt said: {}", self.words)?;
        }
        Ok(())
    }
}
