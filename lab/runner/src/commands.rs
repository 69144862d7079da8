//! Workflow commands in a line of output.
//!
//! Owns telling a command from text, and its parts. Specification: GitHub's
//! "Workflow commands"; the runner's ActionCommand, which takes `::name …::data`
//! at the start of a line and, still, `##[name …]data` anywhere in it.

/// The names that the runner knows; any other line is text.
pub(crate) const KNOWN: [&str; 15] = [
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
];

/// A command as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) name: String,
    properties: Vec<(String, String)>,
    pub(crate) data: String,
}

impl Command {
    /// Finds the command in a line; `token` is the one that ends a stop.
    pub(crate) fn parse(line: &str, token: Option<&str>) -> Option<Self> {
        let known = |name: &str| {
            [KNOWN.as_slice(), token.as_slice()]
                .concat()
                .iter()
                .any(|one| one.eq_ignore_ascii_case(name))
        };
        parse_colons(line)
            .or_else(|| parse_brackets(line))
            .filter(|command| known(&command.name))
    }

    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        let is = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.properties
            .iter()
            .rev()
            .find(is)
            .map(|(_, value)| value.as_str())
    }
}

fn parse_colons(line: &str) -> Option<Command> {
    let (head, data) = line.trim_start().strip_prefix("::")?.split_once("::")?;
    let escapes = [
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%3A", ":"),
        ("%2C", ","),
        ("%25", "%"),
    ];
    Some(command(
        head,
        ',',
        &escapes,
        unescape(data, &[("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]),
    ))
}

fn parse_brackets(line: &str) -> Option<Command> {
    let (_, after) = line.split_once("##[")?;
    let (head, data) = after.split_once(']')?;
    let escapes = [
        ("%3B", ";"),
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%5D", "]"),
        ("%25", "%"),
    ];
    Some(command(head, ';', &escapes, unescape(data, &escapes)))
}

fn command(head: &str, separator: char, escapes: &[(&str, &str)], data: String) -> Command {
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    let properties = properties
        .trim()
        .split(separator)
        .filter_map(|property| property.split_once('='))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .map(|(name, value)| (name.to_owned(), unescape(value, escapes)))
        .collect();
    Command {
        name: name.to_owned(),
        properties,
        data,
    }
}

fn unescape(text: &str, escapes: &[(&str, &str)]) -> String {
    escapes
        .iter()
        .fold(text.to_owned(), |text, (escaped, plain)| {
            text.replace(escaped, plain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_and_old_form() {
        let command = Command::parse(
            "  ::error file=a%2Cb.rs,line=3,title=A%3A b::100%25%0Adone",
            None,
        )
        .unwrap();
        assert_eq!(
            (command.name.as_str(), command.data.as_str()),
            ("error", "100%\ndone")
        );
        assert_eq!(command.property("FILE"), Some("a,b.rs"));
        assert_eq!(command.property("title"), Some("A: b"));
        let old = Command::parse("text ##[warning file=x;line=2]careful%5D", None).unwrap();
        assert_eq!(
            (old.property("line"), old.data.as_str()),
            (Some("2"), "careful]")
        );
    }

    #[test]
    fn text_stays_text() {
        for line in [
            "::nonsense::x",
            "a ::error::x",
            "::error x",
            "##[nonsense]",
            "## [error]",
        ] {
            assert_eq!(Command::parse(line, None), None, "{line}");
        }
        assert!(Command::parse("::t0ken::", Some("t0ken")).is_some());
    }
}
