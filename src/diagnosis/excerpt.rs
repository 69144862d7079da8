//! Finds in a build's output what decides: buildx's last words, the step that
//! they are about, and the errors that BuildKit told while it tried again.
//!
//! The form is that of `--progress=plain`: `#5 0.03 error: …` while a step
//! runs, `#5 ERROR: …` at its end, then a block that begins with ` > step:`,
//! then `ERROR: …`.

use crate::text::without_escapes;

/// How many lines the last words may have.
const LINES: usize = 6;
/// What wrappers put before the words that count.
const PREFIXES: [&str; 8] = [
    "ERROR: ",
    "error: ",
    "Error: ",
    "buildx failed with: ",
    "buildx call failed with: ",
    "failed to build: ",
    "failed to solve: ",
    "rpc error: code = Unknown desc = ",
];

/// What decides, out of a build's output.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    /// buildx's last words, on one line.
    pub(super) last: String,
    /// What steps told as `error: …` while they tried again, the latest first.
    pub(super) earlier: Vec<String>,
    /// The step that failed, such as `[linux/arm64 2/3] RUN make`.
    pub(super) step: Option<String>,
    /// Every line, the latest first.
    pub(super) lines: Vec<String>,
}

impl Excerpt {
    pub(super) fn of(text: &str) -> Self {
        let plain = without_escapes(text);
        let lines: Vec<&str> = plain
            .split(['\n', '\r'])
            .map(str::trim_end)
            .filter(|line| !line.is_empty())
            .collect();
        let last = lines.iter().rposition(|line| is_last_word(line));
        let start = last.unwrap_or(lines.len().saturating_sub(LINES));
        let words: Vec<&str> = lines[start..]
            .iter()
            .take(LINES)
            .map(|line| line.trim())
            .collect();
        let before = last.map_or(&lines[..], |last| &lines[..last]);
        let latest = || before.iter().rev();
        Self {
            last: without_prefixes(&words.join(" ")).to_owned(),
            earlier: latest()
                .filter_map(|line| told(line))
                .map(str::to_owned)
                .collect(),
            step: latest().find_map(|line| step(line)).map(str::to_owned),
            lines: lines.iter().rev().map(|line| (*line).to_owned()).collect(),
        }
    }

    /// True when a program failed that the Dockerfile runs: what it printed is
    /// the program's, not the registry's.
    pub(super) fn is_failed_program(&self) -> bool {
        self.last.contains("did not complete successfully")
    }
}

fn is_last_word(line: &str) -> bool {
    ["ERROR: ", "error: ", "Error: buildx"]
        .iter()
        .any(|prefix| line.starts_with(prefix))
}

fn without_prefixes(text: &str) -> &str {
    let mut rest = text.trim();
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter.trim_start();
    }
    rest
}

/// What follows in `#5 0.03 error: …`. An `ERROR: …` may be that of a cache
/// that could not be read, which fails nothing.
fn told(line: &str) -> Option<&str> {
    let rest =
        line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '#' | '.' | ' '));
    rest.strip_prefix("error: ").map(without_prefixes)
}

/// The step in ` > [linux/arm64 2/3] RUN make:`.
fn step(line: &str) -> Option<&str> {
    line.strip_prefix(" > ")
        .map(|step| step.trim_end_matches(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_found_among_the_rest() {
        let excerpt = Excerpt::of(
            "#5 pushing layers\n\
             #5 0.029 error: unexpected status from POST request to http://a/v2/: 503 Service Unavailable\n\
             #5 0.029 retrying in 1s\n\
             #5 ERROR: failed to push a/b:t: EOF\n\
             ------\n > exporting to image:\n------\n\
             \u{1b}[31mERROR: failed to build: failed to solve: failed to push a/b:t: EOF\u{1b}[0m\n",
        );
        assert_eq!(excerpt.last, "failed to push a/b:t: EOF");
        assert_eq!(excerpt.step.as_deref(), Some("exporting to image"));
        assert_eq!(
            excerpt.earlier,
            ["unexpected status from POST request to http://a/v2/: 503 Service Unavailable"]
        );
    }

    #[test]
    fn one_error_alone_is_the_last_word() {
        for text in ["failed to push a/b: EOF", "ERROR: failed to push a/b: EOF"] {
            assert_eq!(Excerpt::of(text).last, "failed to push a/b: EOF");
        }
        assert_eq!(Excerpt::of("").last, "");
    }

    #[test]
    fn words_on_further_lines_belong_to_it() {
        let excerpt =
            Excerpt::of("ERROR: failed to solve: x: 429 Too Many Requests\ntoomanyrequests: y");
        assert_eq!(excerpt.last, "x: 429 Too Many Requests toomanyrequests: y");
    }
}
