//! The files that a step appends to: outputs, state, environment, path, summary.
//!
//! Owns their two forms, `NAME=VALUE` and `NAME<<DELIMITER`, with the runner's
//! own refusals. Specification: GitHub's "Workflow commands", "Environment
//! files"; the runner's FileCommandManager.

use std::path::{Path, PathBuf};

use crate::Error;

/// A job summary may have this many bytes.
pub(crate) const SUMMARY_LIMIT: usize = 1024 * 1024;

/// Fresh files of one stage.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) output: PathBuf,
    pub(crate) state: PathBuf,
    pub(crate) env: PathBuf,
    pub(crate) path: PathBuf,
    pub(crate) summary: PathBuf,
}

impl Files {
    /// Makes the files, empty, in `folder`; `suffix` is the stage's own.
    pub(crate) fn create(folder: &Path, suffix: &str) -> Result<Self, Error> {
        let create = |prefix: &str| {
            let file = folder.join(format!("{prefix}{suffix}"));
            std::fs::write(&file, "").map_err(Error::file(&file))?;
            Ok(file)
        };
        Ok(Self {
            output: create("set_output_")?,
            state: create("save_state_")?,
            env: create("set_env_")?,
            path: create("add_path_")?,
            summary: create("step_summary_")?,
        })
    }

    /// Name in the `github` context and file.
    pub(crate) fn named(&self) -> [(&'static str, &Path); 5] {
        [
            ("output", &self.output),
            ("state", &self.state),
            ("env", &self.env),
            ("path", &self.path),
            ("step_summary", &self.summary),
        ]
    }
}

/// Reads the pairs up to the first mistake, as the runner does.
pub(crate) fn pairs(text: &str) -> (Vec<(String, String)>, Option<String>) {
    let mut found = Vec::new();
    let mut lines = Lines {
        rest: text.strip_prefix('\u{feff}').unwrap_or(text),
    };
    while let Some((line, _)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        match pair(line, &mut lines) {
            Ok(pair) => found.push(pair),
            Err(reason) => return (found, Some(reason)),
        }
    }
    (found, None)
}

fn pair(line: &str, lines: &mut Lines) -> Result<(String, String), String> {
    let assignment = line.split_once('=');
    match (assignment, line.split_once("<<")) {
        (Some((name, value)), None) => Ok((name.into(), value.into())),
        (Some((name, value)), Some((other, _))) if name.len() < other.len() => {
            Ok((name.into(), value.into()))
        }
        (_, Some((name, delimiter))) if name.is_empty() || delimiter.is_empty() => Err(format!(
            "Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
        )),
        (_, Some((name, delimiter))) => Ok((name.into(), lines.until(delimiter)?)),
        (None, None) => Err(format!("Invalid format '{line}'")),
    }
}

struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Lines<'a> {
    /// The next line, and whether a newline ended it.
    fn next(&mut self) -> Option<(&'a str, bool)> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest, ended) = match self.rest.split_once('\n') {
            Some((line, rest)) => (line, rest, true),
            None => (self.rest, "", false),
        };
        self.rest = rest;
        Some((line, ended))
    }

    fn until(&mut self, delimiter: &str) -> Result<String, String> {
        let mut value: Vec<&str> = Vec::new();
        loop {
            match self.next() {
                None => {
                    return Err(format!(
                        "Invalid value. Matching delimiter not found '{delimiter}'"
                    ));
                }
                Some((line, _)) if line == delimiter => return Ok(value.join("\n")),
                Some((_, false)) => {
                    return Err("Invalid value. EOF marker missing new line.".into());
                }
                Some((line, true)) => value.push(line),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: &str) -> (Vec<(String, String)>, Option<String>) {
        (vec![(name.into(), value.into())], None)
    }

    #[test]
    fn both_forms() {
        assert_eq!(pairs("a=b=c\n"), one("a", "b=c"));
        assert_eq!(pairs("a=b<<c"), one("a", "b<<c"));
        assert_eq!(pairs("a="), one("a", ""));
        assert_eq!(pairs("\n\na<<EOF\nx=1\n\ny\nEOF\n"), one("a", "x=1\n\ny"));
        assert_eq!(pairs("a<<EOF\nEOF"), one("a", ""));
        assert_eq!(pairs("a<<=\nx\n=\n"), one("a", "x"));
    }

    #[test]
    fn a_mistake_ends_the_file() {
        let (found, error) = pairs("a=1\nnothing\nb=2\n");
        assert_eq!(found, [("a".into(), "1".into())]);
        assert_eq!(error.as_deref(), Some("Invalid format 'nothing'"));
        for text in ["<<E\nx\nE\n", "a<<\nx\n", "a<<E\nx\n", "a<<E\nx"] {
            assert!(pairs(text).1.is_some(), "{text:?}");
        }
    }
}
