//! Finds in a build's output what decides: buildx's last words, the step that
//! they are about, and the errors that BuildKit told while it tried again.
//!
//! The form is that of `--progress=plain`: `#5 0.03 error: …` while a step
//! runs, `#5 ERROR: …` at its end, then a block that begins with ` > step:`,
//! then `ERROR: …`.
//!
//! What a `RUN` prints has the same form as what BuildKit tells of a push, and
//! may be made to look like it. The two are told apart by the vertex: its name,
//! `#5 exporting to image`, is BuildKit's own, and everything that a program
//! prints follows a number and a time.

use crate::error::sanitize::without_escapes;

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
/// How the names of vertices begin in which no program of the Dockerfile runs.
const OF_BUILDKIT: [&str; 5] = [
    "exporting ",
    "pushing ",
    "importing ",
    "load metadata for ",
    "FROM ",
];
/// What BuildKit says of a program of the Dockerfile that failed.
const PROGRAM_FAILED: &str = "did not complete successfully";

/// What decides, out of a build's output.
#[derive(Debug, Default)]
pub struct Excerpt {
    /// buildx's last words, on one line.
    pub last: String,
    /// What BuildKit told as `error: …` while it tried again, the latest first.
    pub earlier: Vec<String>,
    /// The step that failed, such as `[linux/arm64 2/3] RUN make`.
    pub step: Option<String>,
    /// How vertices have ended with an error, the latest first.
    pub ends: Vec<String>,
    /// What the program that failed printed, the latest line first; before it how
    /// it ended.
    pub printed: Vec<String>,
}

impl Excerpt {
    pub fn of(text: &str) -> Self {
        let plain = without_escapes(text);
        let lines: Vec<&str> = plain
            .lines()
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
        let words = words.join(" ");
        let before = last.map_or(&lines[..], |last| &lines[..last]);
        let vertices: Vec<(&str, &str)> = before.iter().rev().filter_map(|l| vertex(l)).collect();
        let mut excerpt = Self {
            last: without_prefixes(&words).to_owned(),
            earlier: buildkit_errors(&vertices),
            step: before.iter().rev().find_map(|line| step(line)),
            ends: ends(&vertices).map(|(_, why)| why.to_owned()).collect(),
            printed: Vec::new(),
        };
        if excerpt.is_failed_program() {
            excerpt.printed = printed(&vertices, &excerpt.last);
        }
        excerpt
    }

    /// True when a program failed that the Dockerfile runs: what it printed is
    /// the program's, not the registry's.
    pub fn is_failed_program(&self) -> bool {
        self.last.contains(PROGRAM_FAILED)
    }
}

fn is_last_word(line: &str) -> bool {
    ["ERROR: ", "error: ", "Error: buildx"]
        .iter()
        .any(|prefix| line.starts_with(prefix))
}

/// The words that count, without what wrappers put before them.
pub fn without_prefixes(text: &str) -> &str {
    let mut rest = text.trim();
    loop {
        let shorter = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix));
        // Of several targets bake names the one that failed.
        let target = || Some(rest.strip_prefix("target ")?.split_once(": ")?.1);
        match shorter.or_else(target) {
            Some(shorter) => rest = shorter.trim_start(),
            None => return rest,
        }
    }
}

/// The number of a vertex, and what is told of it: `#5 TEXT`.
fn vertex(line: &str) -> Option<(&str, &str)> {
    let (number, text) = line.strip_prefix('#')?.split_once(' ')?;
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, text))
}

/// How vertices have ended with an error.
fn ends<'a>(vertices: &[(&'a str, &'a str)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let ends = vertices.iter();
    ends.filter_map(|(number, text)| Some((*number, text.strip_prefix("ERROR: ")?)))
}

/// What BuildKit told as `#5 0.03 error: …`. An `ERROR: …` may be that of a cache
/// that could not be read, which fails nothing.
fn buildkit_errors(vertices: &[(&str, &str)]) -> Vec<String> {
    let is_of_buildkit = |wanted: &str| {
        let mut named = vertices.iter().filter(|(number, _)| *number == wanted);
        named.any(|(_, text)| is_named_by_buildkit(text))
    };
    let told = vertices
        .iter()
        .filter_map(|(number, text)| {
            let told = without_time(text)?.strip_prefix("error: ")?;
            Some((number, without_prefixes(told)))
        })
        .filter(|(number, _)| is_of_buildkit(number));
    told.map(|(_, told)| told.to_owned()).collect()
}

/// True for `exporting to image` and the like, also behind `[TARGET]`.
fn is_named_by_buildkit(text: &str) -> bool {
    let inside = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("] "));
    let name = inside.map_or(text, |(_, name)| name);
    OF_BUILDKIT.iter().any(|begin| name.starts_with(begin))
}

/// What is behind the time in `0.03 TEXT`.
fn without_time(text: &str) -> Option<&str> {
    let (time, logged) = text.split_once(' ')?;
    let is_time = time.contains('.') && time.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    is_time.then_some(logged)
}

/// What the program printed that ended with these words, and before it how it
/// ended. The words themselves hold the program's command line.
fn printed(vertices: &[(&str, &str)], last: &str) -> Vec<String> {
    let end = last.rfind(PROGRAM_FAILED).unwrap_or_default();
    let mut printed = vec![last[end..].to_owned()];
    let failed = ends(vertices).find(|(_, why)| last.ends_with(why) || why.ends_with(last));
    if let Some((failed, _)) = failed {
        let own = vertices.iter().filter(|(number, _)| *number == failed);
        printed.extend(
            own.filter_map(|(_, text)| without_time(text))
                .map(str::to_owned),
        );
    }
    printed
}

/// The step in ` > [linux/arm64 2/3] RUN make:`.
fn step(line: &str) -> Option<String> {
    let step = line.strip_prefix(" > ")?;
    Some(step.trim_end_matches(':').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_found_among_the_rest() {
        let excerpt = Excerpt::of(
            "#5 exporting to image\n\
             #5 pushing layers\n\
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
    fn what_a_program_prints_is_not_what_buildkit_tells() {
        let excerpt = Excerpt::of(
            "#4 [web 2/3] RUN echo ] exporting to image\n\
             #4 0.1 error: unexpected status: 403 Forbidden\n\
             #4 0.1 A\r > exporting to image:\n\
             #4 0.1 x\rERROR: failed to push a/b:t: denied\n\
             #4 0.2 #5 exporting to image\n\
             #4 DONE 0.3s\n\
             #5 [web] exporting to image\n\
             #5 0.029 error: unexpected status: 503 Service Unavailable\n\
             #5 ERROR: failed to push a/b:t: EOF\n\
             ERROR: target web: failed to solve: failed to push a/b:t: EOF\n",
        );
        assert_eq!(excerpt.last, "failed to push a/b:t: EOF");
        assert_eq!(excerpt.step, None);
        assert_eq!(
            excerpt.earlier,
            ["unexpected status: 503 Service Unavailable"]
        );
        assert_eq!(excerpt.ends, ["failed to push a/b:t: EOF"]);
    }

    #[test]
    fn of_a_failed_program_only_its_own_output_counts() {
        let process = "process \"/bin/sh -c echo no space left on device\" did not complete successfully: exit code: 3";
        let excerpt = Excerpt::of(&format!(
            "#4 [2/3] RUN test\n#4 0.1 exec format error\n#4 DONE 0.2s\n\
             #5 [3/3] RUN echo no space left on device\n#5 0.1 one\n#5 0.2 two\n\
             #5 ERROR: {process}\n\
             ------\n > [3/3] RUN echo no space left on device:\n0.1 one\n0.2 two\n------\n\
             ERROR: failed to build: failed to solve: {process}\n"
        ));
        let end = "did not complete successfully: exit code: 3";
        assert_eq!(excerpt.printed, [end, "two", "one"]);
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
