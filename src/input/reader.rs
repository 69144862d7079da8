//! How inputs are read one by one: texts, booleans, lists.
//!
//! Owns [`Reader`], which collects what is wrong. What a value means is for the
//! file of each question.

use crate::error::InputProblem;
use crate::host::Host;
use crate::input::grammar::boolean;
use crate::input::grammar::list::{Entry, Grammar, Style, build_entries, parse_list};
use crate::input::raw::RawInputs;
use crate::secret::Secret;

/// Why the name of a user is refused.
pub const HAS_CONTROL: &str = "has a control character";

/// The one spelling of a boolean of YAML; another text as it is.
fn plain(text: &str) -> &str {
    match text {
        "True" | "TRUE" => "true",
        "False" | "FALSE" => "false",
        other => other,
    }
}

/// Reads inputs one by one and collects what is wrong.
pub struct Reader<'a> {
    pub raw: &'a RawInputs,
    pub problems: Vec<InputProblem>,
}

impl Reader<'_> {
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.raw.get(name);
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A token, which is sent in a header as it is. One that cannot be sent is
    /// kept all the same, so that it is masked.
    pub fn token(&mut self, name: &str) -> Option<Secret> {
        let raw = self.raw;
        let token = raw.get(name);
        if !token.chars().all(|c| c.is_ascii_graphic()) {
            let why = "has a line break, a space or a character beyond ASCII in it";
            let accepted = "a token, which is one word of ASCII";
            // The value stays out of the message.
            self.refuse(name, "", why, accepted);
        }
        Secret::new(token)
    }

    /// The name of a user, which no login can send with a control character in it.
    pub fn user(&mut self, name: &str) -> Option<String> {
        let user = self.text(name)?;
        if user.contains(char::is_control) {
            self.refuse(name, &user, HAS_CONTROL, "the name of a user in one line");
        }
        Some(user)
    }

    pub fn list(&mut self, name: &str, grammar: Grammar) -> Vec<String> {
        match parse_list(self.raw.get(name), grammar) {
            Ok(list) => list,
            Err(error) => {
                let accepted = "a list, one entry a line; quotes in pairs";
                let problem = InputProblem::new(name, "", error.why, accepted);
                self.problems.push(problem.at(error.line, error.column));
                Vec::new()
            }
        }
    }

    /// Notes what is wrong with a value.
    pub fn refuse(&mut self, input: &str, value: &str, why: &str, accepted: &str) {
        let problem = InputProblem::new(input, value, why, accepted);
        self.problems.push(problem);
    }

    /// The core schema of YAML 1.2, as GitHub's own toolkit reads booleans.
    pub fn boolean(&mut self, name: &str) -> bool {
        match plain(self.raw.get(name)) {
            "true" => true,
            "false" | "" => false,
            other => {
                self.refuse(name, other, "is not a boolean", "true or false");
                false
            }
        }
    }

    /// The meaning of an input that has one of a few values, by its spellings;
    /// `otherwise` where it has none of them.
    pub fn choice<T: Copy>(
        &mut self,
        name: &str,
        accepted: &str,
        values: &[(&str, T)],
        otherwise: T,
    ) -> T {
        let raw = self.raw;
        let given = raw.get(name);
        let found = values
            .iter()
            .find(|(spelling, _)| *spelling == plain(given));
        found.map_or_else(
            || {
                self.refuse(name, given, "is not one of the accepted values", accepted);
                otherwise
            },
            |(_, value)| *value,
        )
    }

    /// A list as docker/build-push-action reads it.
    pub fn texts(&mut self, name: &str, style: Style) -> Vec<String> {
        let entries = self.entries(name, style);
        entries.into_iter().map(|entry| entry.text).collect()
    }

    pub fn entries(&mut self, name: &str, style: Style) -> Vec<Entry> {
        let value = if style.trim {
            self.raw.get(name)
        } else {
            self.raw.get_untrimmed(name)
        };
        build_entries(value, style).unwrap_or_else(|error| {
            let accepted = "a list, one entry a line; quotes in pairs";
            let problem = InputProblem::new(name, "", error.why, accepted);
            self.problems.push(problem.at(error.line, error.column));
            Vec::new()
        })
    }

    /// What is good; the rest is kept as problems.
    pub fn collect<T>(
        &mut self,
        parsed: impl IntoIterator<Item = Result<T, InputProblem>>,
    ) -> Vec<T> {
        let mut good = Vec::new();
        for result in parsed {
            match result {
                Ok(value) => good.push(value),
                Err(problem) => self.problems.push(problem),
            }
        }
        good
    }

    /// A variable of buildx's, which buildx itself refuses when it is not a boolean.
    pub fn switch(&mut self, host: &Host, name: &str) -> bool {
        let Some(given) = host.var(name) else {
            return false;
        };
        boolean::parse(given).unwrap_or_else(|| {
            self.refuse(name, given, "is not a boolean", "true or false");
            false
        })
    }
}
