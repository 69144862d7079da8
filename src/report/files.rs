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

/// Appends text to the file that a variable names, or nothing of it: the runner
/// rejects a file that ends in the middle of an entry.
///
/// # Errors
/// As [`set`].
pub fn append(host: &Host, variable: &str, text: &str) -> io::Result<()> {
    write(host, variable, text, |written| written.is_err())
}

/// Finds out whether the file that a variable names can be written, and leaves
/// it as it was.
///
/// # Errors
/// As [`set`].
pub fn probe(host: &Host, variable: &str) -> io::Result<()> {
    // A full disk takes an empty text.
    write(host, variable, "\n", |_| true)
}

fn write(
    host: &Host,
    variable: &str,
    text: &str,
    is_undone: impl FnOnce(&io::Result<()>) -> bool,
) -> io::Result<()> {
    let Some(path) = host.var(variable) else {
        return Ok(());
    };
    let path = host.path(path);
    let append = || {
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        let length = file.metadata()?.len();
        let written = file.write_all(text.as_bytes());
        if is_undone(&written) {
            // A device or a pipe has no length to go back to.
            let _ = file.set_len(length);
        }
        written
    };
    append().map_err(|error| {
        let path = path.display();
        let text = format!("cannot write to {path}, which {variable} names: {error}");
        io::Error::new(error.kind(), text)
    })
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
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::env_vars::GITHUB_OUTPUT;

    fn host(path: &Path) -> Host {
        let environment = [(GITHUB_OUTPUT, path.to_str().unwrap())];
        Host::with(&environment, Path::new("/"), jiff::Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_probe_changes_nothing_and_finds_a_disk_that_is_full() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("output");
        fs::write(&file, "a=b\n").unwrap();
        probe(&host(&file), GITHUB_OUTPUT).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "a=b\n");
        for broken in [Path::new("/dev/full"), folder.path()] {
            let why = probe(&host(broken), GITHUB_OUTPUT).unwrap_err().to_string();
            assert!(why.contains(GITHUB_OUTPUT), "{why}");
            assert!(why.contains(broken.to_str().unwrap()), "{why}");
        }
    }

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
