//! JavaScript regular expressions, with a bound on their time.
//!
//! Owns the thread that they run on: a pattern such as `^(a+)+$` takes
//! exponential time, and a search cannot be stopped from outside. One thread
//! serves all rules; after a search that does not end it is left to itself,
//! and no further search is begun. What is quick for certain runs at once.

use std::cell::{Cell, RefCell};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use regress::{Match, Regex};

/// What one search may take.
const DEADLINE: Duration = Duration::from_secs(1);
/// Longest pattern, in bytes, and deepest nesting of groups: what is nested is
/// read by recursion.
const LONGEST: usize = 16 * 1024;
const DEEPEST: usize = 200;
/// A group that took no part in the match has no text.
pub type Groups = Vec<Option<String>>;

struct Search {
    pattern: String,
    flags: String,
    subject: String,
}

struct Worker {
    searches: Sender<Search>,
    answers: Receiver<Result<Option<Groups>, String>>,
}

/// Searches with JavaScript regular expressions.
#[derive(Default)]
pub struct Searcher {
    worker: RefCell<Option<Worker>>,
    stuck: Cell<bool>,
}

impl Searcher {
    /// `subject.match(new RegExp(pattern, flags))`: the whole match and its
    /// groups, or with the flag `g` every match.
    ///
    /// # Errors
    /// When the pattern or a flag is not valid, or the search takes too long.
    pub fn search(
        &self,
        pattern: &str,
        flags: &str,
        subject: &str,
    ) -> Result<Option<Groups>, String> {
        check(pattern, flags)?;
        let search = Search {
            pattern: pattern.to_owned(),
            flags: flags.to_owned(),
            subject: subject.to_owned(),
        };
        if is_cheap(pattern, subject) {
            return execute(&search);
        }
        if self.stuck.get() {
            return Err("was not tried, as another regular expression takes too long".to_owned());
        }
        let mut worker = self.worker.borrow_mut();
        let worker = match &mut *worker {
            Some(worker) => worker,
            none => none.insert(start()?),
        };
        let gone =
            || "the search for a regular expression ended early; please report this".to_owned();
        worker.searches.send(search).map_err(|_| gone())?;
        match worker.answers.recv_timeout(DEADLINE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
            Err(RecvTimeoutError::Timeout) => {
                self.stuck.set(true);
                let seconds = DEADLINE.as_secs();
                Err(format!(
                    "the regular expression {pattern:?} takes more than {seconds} s on {subject:?}; \
                     a repetition within a repetition, such as (a+)+, can take for ever"
                ))
            }
        }
    }
}

/// True when a search cannot take long, so that it needs no thread: a short
/// text, few repetitions, none of them of a group, few alternatives. Then the
/// steps are some millions at the most.
fn is_cheap(pattern: &str, subject: &str) -> bool {
    let count = |signs: &[char]| pattern.matches(signs).count();
    let of_a_group = [")*", ")+", ")?", "){"];
    subject.len() <= 128
        && pattern.len() <= 128
        && count(&['*', '+', '{']) <= 2
        && count(&['|', '?']) <= 6
        && !of_a_group.iter().any(|sign| pattern.contains(sign))
}

fn start() -> Result<Worker, String> {
    let (searches, todo) = mpsc::channel::<Search>();
    let (done, answers) = mpsc::channel();
    let run = move || {
        for search in todo {
            if done.send(execute(&search)).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new()
        .name("regular-expression".to_owned())
        .stack_size(16 * 1024 * 1024)
        .spawn(run)
        .map_err(|error| format!("no thread for regular expressions: {error}"))?;
    Ok(Worker { searches, answers })
}

fn check(pattern: &str, flags: &str) -> Result<(), String> {
    let repeated = |(at, flag): (usize, char)| flags.chars().take(at).any(|other| other == flag);
    let unknown = flags.chars().find(|flag| !"dgimsuvy".contains(*flag));
    if unknown.is_some()
        || flags.chars().enumerate().any(repeated)
        || (flags.contains('u') && flags.contains('v'))
    {
        return Err(format!(
            "the flags {flags:?} of a regular expression are not valid; d, g, i, m, s, u or v, y are"
        ));
    }
    let depth = pattern.matches(['(', '[']).count();
    if pattern.len() > LONGEST || depth > DEEPEST {
        return Err(format!(
            "the regular expression is longer than {LONGEST} bytes or has more than {DEEPEST} groups"
        ));
    }
    Ok(())
}

fn execute(search: &Search) -> Result<Option<Groups>, String> {
    let flag = |flag: char| search.flags.contains(flag);
    let unicode = flag('u') || flag('v');
    let engine_flags: String = search
        .flags
        .chars()
        .filter(|flag| "imsuv".contains(*flag))
        .collect();
    // Without `u` and `v`, JavaScript works on UTF-16 code units.
    let regex = if unicode {
        Regex::with_flags(&search.pattern, engine_flags.as_str())
    } else {
        let pattern = without_code_points(&search.pattern);
        let units = pattern.encode_utf16().map(u32::from);
        Regex::from_unicode(units, engine_flags.as_str())
    };
    let regex = regex.map_err(|error| {
        format!(
            "{:?} is not a valid regular expression: {error}",
            search.pattern
        )
    })?;
    let units: Vec<u16> = search.subject.encode_utf16().collect();
    let text = |range: std::ops::Range<usize>| {
        String::from_utf16_lossy(units.get(range).unwrap_or_default())
    };
    let find = |from: usize| -> Option<Match> {
        let found = if unicode {
            regex.find_from_utf16(&units, from).next()
        } else {
            regex.find_from_ucs2(&units, from).next()
        };
        found.filter(|found| !flag('y') || found.start() == from)
    };
    if !flag('g') {
        let groups = |found: Match| found.groups().map(|range| range.map(text)).collect();
        return Ok(find(0).map(groups));
    }
    let mut matches = Vec::new();
    let mut from = 0;
    while let Some(found) = find(from) {
        from = if !found.range().is_empty() {
            found.end()
        } else {
            found.end() + step(&units, found.end(), unicode)
        };
        matches.push(Some(text(found.range())));
        if from > units.len() {
            break;
        }
    }
    Ok((!matches.is_empty()).then_some(matches))
}

/// `\u{…}` is a code point with `u` and `v` only, otherwise a repeated `u`;
/// regress takes it for a code point at all times.
fn without_code_points(pattern: &str) -> String {
    let mut output = String::with_capacity(pattern.len());
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            output.push(c);
            continue;
        }
        let escaped = chars.next();
        if !(escaped == Some('u') && chars.peek() == Some(&'{')) {
            output.push(c);
        }
        output.extend(escaped);
    }
    output
}

/// How far an empty match moves on: over a whole character with `u` and `v`.
fn step(units: &[u16], at: usize, unicode: bool) -> usize {
    let pair = units
        .get(at..at + 2)
        .is_some_and(|pair| matches!(pair, [0xd800..=0xdbff, 0xdc00..=0xdfff]));
    if unicode && pair { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(pattern: &str, flags: &str, subject: &str) -> Option<Vec<String>> {
        let found = Searcher::default().search(pattern, flags, subject).unwrap();
        found.map(|groups| groups.into_iter().map(Option::unwrap_or_default).collect())
    }

    #[test]
    fn groups_or_matches() {
        assert_eq!(search(r"v(\d+)(x)?", "", "v12").unwrap(), ["v12", "12", ""]);
        assert_eq!(search(r"\d", "g", "v12").unwrap(), ["1", "2"]);
        assert_eq!(search(r"\d", "y", "v12"), None);
        assert_eq!(search(r"(?<=v)\d+", "", "v12").unwrap(), ["12"]);
        assert_eq!(search("^.$", "", "😀"), None);
        assert_eq!(search("^.$", "u", "😀").unwrap(), ["😀"]);
        assert_eq!(search(r"\u{2}", "", "uu").unwrap(), ["uu"]);
        assert_eq!(search("", "g", "ab").unwrap(), ["", "", ""]);
    }

    #[test]
    fn a_search_without_end_is_given_up() {
        let searcher = Searcher::default();
        let subject = "a".repeat(40) + "b";
        let error = searcher.search("^(a+)+$", "", &subject).unwrap_err();
        assert!(error.contains("takes more than 1 s"), "{error}");
        assert!(searcher.search("(a)+", "", "a").is_err());
    }

    #[test]
    fn bad_patterns_and_flags() {
        let searcher = Searcher::default();
        for (pattern, flags) in [("(", ""), ("a", "gg"), ("a", "uv"), ("a", "x")] {
            assert!(searcher.search(pattern, flags, "a").is_err());
        }
        let deep = "(".repeat(5000);
        assert!(searcher.search(&deep, "", "a").is_err());
    }
}
