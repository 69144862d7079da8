//! The runner's file commands: `GITHUB_OUTPUT`, `GITHUB_STATE`,
//! `GITHUB_STEP_SUMMARY`. Appended to, never replaced.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use crate::host::Host;

/// Appends a value under a name, over several lines where it has them.
///
/// # Errors
/// When the file that the variable names cannot be written. Nothing happens
/// when the variable is not set.
pub fn set(host: &Host, variable: &str, name: &str, value: &str) -> io::Result<()> {
    append(host, variable, &entry(name, value))
}

/// Appends text to the file that a variable names.
///
/// # Errors
/// As [`set`].
pub fn append(host: &Host, variable: &str, text: &str) -> io::Result<()> {
    let Some(path) = host.var(variable) else {
        return Ok(());
    };
    let mut file = OpenOptions::new()
        .append(true)
        .create(true)
        .open(host.path(path))?;
    file.write_all(text.as_bytes())
}

/// `NAME<<DELIMITER`, the value, the delimiter: a delimiter that the value,
/// which may be hostile, does not hold.
fn entry(name: &str, value: &str) -> String {
    let mut delimiter = "STEVEDORE_END".to_owned();
    while value.contains(&delimiter) {
        delimiter.push('_');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

#[cfg(test)]
mod tests {
    use super::entry;

    #[test]
    fn a_value_cannot_end_itself() {
        let value = "a\nSTEVEDORE_END\ndigest=evil\nSTEVEDORE_END_";
        let text = entry("tags", value);
        let (first, rest) = text.split_once('\n').unwrap();
        let delimiter = first.strip_prefix("tags<<").unwrap();
        assert_eq!(rest, format!("{value}\n{delimiter}\n"));
        assert!(value.lines().all(|line| line != delimiter));
    }
}
