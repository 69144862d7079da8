//! Text from outside as Markdown that means nothing but itself.

/// A code span that its text cannot leave, also in a table.
pub fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let clean: String = text
        .chars()
        .map(|c| if c == '`' || c.is_control() { '?' } else { c })
        .collect();
    format!("`{}`", clean.replace('|', "\\|"))
}

/// Text in which Markdown and HTML mean nothing. Code spans stay.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Lines in a fence that they cannot leave.
pub fn fenced(language: &str, text: &str) -> String {
    let mut fence = "```".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    let lines: Vec<String> = text
        .lines()
        .map(|line| {
            line.chars()
                .filter(|c| !c.is_control() || *c == '\t')
                .collect()
        })
        .collect();
    format!("{fence}{language}\n{}\n{fence}\n\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        assert_eq!(code("a`b|c\nd"), "`a?b\\|c?d`");
        assert_eq!(fenced("", "a\n```\nb\u{1b}"), "````\na\n```\nb\n````\n\n");
        assert_eq!(escape("<img> [a](b)\n# c"), "\\<img\\> \\[a\\](b) \\# c");
    }
}
