//! YAML that others have written, read within bounds.
//!
//! The library stops at a nesting of 128. What it does not bound is what aliases
//! make of a short text, and the time that it takes for many open brackets and
//! many directives: both are counted here before anything is built.

use serde::de::{DeserializeOwned, DeserializeSeed as _};

use crate::document::measure::Measure;
use crate::error::InputProblem;

/// How much a text may be with its aliases resolved, as [`Measure`] counts it.
const MOST: usize = 32 * 1024 * 1024;
/// How many brackets and braces may be opened.
const BRACKETS: usize = 20_000;
/// How many lines may begin with a directive.
const DIRECTIVES: usize = 100;

/// Why a text cannot be used, without a word of it: it may hold passwords.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    why: &'static str,
    place: Option<(usize, usize)>,
}

impl Unreadable {
    /// The same as a problem of an input.
    pub fn of_input(&self, input: &str, value: &str, accepted: &str) -> InputProblem {
        let problem = InputProblem::new(input, value, self.why, accepted);
        match self.place {
            Some((line, column)) => problem.at(line, column),
            None => problem,
        }
    }
}

/// Reads a value.
///
/// # Errors
/// When the text is not YAML of that form, or more than can be read.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, Unreadable> {
    let unreadable = |error: &serde_yaml::Error| Unreadable {
        why: "is not YAML of this form",
        place: error.location().map(|at| (at.line(), at.column())),
    };
    let too_much = Unreadable {
        why: "is more YAML than can be read: too many values, aliases or brackets",
        place: None,
    };
    let opened = text.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    let directives = text.lines().filter(|line| line.starts_with('%'));
    if opened.count() > BRACKETS || directives.count() > DIRECTIVES {
        return Err(too_much);
    }
    let mut left = MOST;
    let measured = Measure::of(&mut left).deserialize(serde_yaml::Deserializer::from_str(text));
    match (measured, left) {
        (Err(_), 0) => Err(too_much),
        // Where it is wrong, the place is best told by what it is to be.
        _ => serde_yaml::from_str(text).map_err(|error| unreadable(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_yaml::Value;

    use super::*;

    fn why<T: DeserializeOwned>(text: &str) -> &'static str {
        match read::<T>(text) {
            Ok(_) => "",
            Err(unreadable) => unreadable.why,
        }
    }

    #[test]
    fn values_of_every_kind_are_read() {
        let text = "a: &x [1, -1, 2.5, true, ~, \"text\", !tag y]\nb: *x\n? [c]\n: d\n";
        assert_eq!(why::<Value>(text), "");
        assert_eq!(read::<Vec<u8>>("[1, 2]"), Ok(vec![1, 2]));
        assert_eq!(why::<Value>(""), "");
        assert_eq!(
            read("99999999999999999999"),
            Ok("99999999999999999999".to_owned())
        );
        let problem = read::<Value>("a: [")
            .unwrap_err()
            .of_input("append", "", "a list");
        assert!(problem.position.is_some(), "{problem}");
        assert_eq!(why::<Vec<u8>>("a: 1"), "is not YAML of this form");
    }

    #[test]
    fn a_short_text_does_not_become_a_long_one() {
        let laughs = |levels: usize| {
            let level = |at: usize| {
                format!(
                    "a{at}: &a{at} [{}]\n",
                    vec![format!("*a{}", at - 1); 10].join(",")
                )
            };
            let lines: String = (1..=levels).map(level).collect();
            format!("a0: &a0 lol\n{lines}")
        };
        assert_eq!(why::<Value>(&laughs(3)), "");
        assert_ne!(why::<Value>(&laughs(9)), "");
        let long = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(100_000),
            "*a,".repeat(1000)
        );
        assert!(why::<Value>(&long).starts_with("is more YAML"));
        let few = format!("a: &a {}\nb: [*a, *a]\n", "x".repeat(100_000));
        assert_eq!(why::<BTreeMap<String, Value>>(&few), "");
    }

    #[test]
    fn what_takes_long_to_read_is_not_read() {
        for text in [
            "[".repeat(500_000),
            "{a: ".repeat(150_000),
            (0..40_000)
                .map(|at| format!("%TAG !{at}! tag:x\n"))
                .collect::<String>()
                + "--- a\n",
        ] {
            assert!(why::<Value>(&text).starts_with("is more YAML"));
        }
        for text in ["[".repeat(1000), "- ".repeat(100_000), "? ".repeat(100_000)] {
            assert_eq!(why::<Value>(&text), "is not YAML of this form");
        }
    }
}
