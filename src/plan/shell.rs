//! Commands as a person would type them.

use std::fmt::Write as _;

use crate::plan::run_files::RunFiles;

/// Stands in a printed command for the folder that a run would make.
const RUN_FOLDER: &str = "$RUN";

/// A command of buildx as a shell would take it.
pub fn shell_line(arguments: impl Fn(&RunFiles) -> Vec<std::ffi::OsString>) -> String {
    let files = RunFiles {
        folder: RUN_FOLDER.into(),
    };
    let mut line = "docker buildx".to_owned();
    for argument in arguments(&files) {
        let _ = write!(line, " {}", quote(&argument.to_string_lossy()));
    }
    line
}

/// Quotes an argument for a shell where it needs that: as POSIX has it, and
/// with control characters as `$'…'`, which bash and zsh know.
fn quote(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+#".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) && !argument.starts_with('#') {
        return argument.to_owned();
    }
    if let Some((before, after)) = argument.split_once(RUN_FOLDER)
        && before.chars().chain(after.chars()).all(plain)
    {
        return argument.to_owned();
    }
    if argument.chars().any(char::is_control) {
        let escaped: String = argument.chars().map(escaped).collect();
        return format!("$'{escaped}'");
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A character within `$'…'`.
fn escaped(c: char) -> String {
    match c {
        '\'' | '\\' => format!("\\{c}"),
        '\n' => "\\n".to_owned(),
        c if c.is_control() => c
            .to_string()
            .bytes()
            .map(|byte| format!("\\x{byte:02x}"))
            .collect(),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_where_a_shell_would_read_them() {
        for (argument, quoted) in [
            ("--push", "--push"),
            ("a=b c", "'a=b c'"),
            ("it's", r"'it'\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
            ("a\n'b\u{1b}", r"$'a\n\'b\x1b'"),
            (
                "id=GIT_AUTH_TOKEN.github.com,src=$RUN/git-token",
                "id=GIT_AUTH_TOKEN.github.com,src=$RUN/git-token",
            ),
            ("$RUN$(id)", "'$RUN$(id)'"),
        ] {
            assert_eq!(quote(argument), quoted);
        }
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(
            crate::error::sanitize::visible("a\n::error::b\u{1b}[31m"),
            r"a\n::error::b\u{1b}[31m"
        );
    }
}
