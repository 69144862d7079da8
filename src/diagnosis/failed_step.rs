//! The step of a Dockerfile that failed a build, and where it stands.

use crate::diagnosis::excerpt::Excerpt;
use crate::error::sanitize::without_escapes;

/// How many lines of what a step printed are kept.
const LINES: usize = 10;
/// What stands below the place of a step, and below its lines.
const RULE: &str = "--------------------";

/// The step of a Dockerfile that failed a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedStep {
    /// As BuildKit names it, such as `[linux/arm64 2/3] RUN make`.
    pub name: String,
    /// The name of the Dockerfile, without folders, and the line, from 1.
    pub place: Option<(String, u32)>,
    /// What it printed last.
    pub printed: Vec<String>,
}

/// The step that failed, out of a build's output as `--progress=plain` shows it; `None`
/// for what fails in no step.
pub fn failed_step(text: &str) -> Option<FailedStep> {
    let excerpt = Excerpt::of(text);
    let mut printed: Vec<String> = excerpt.printed.into_iter().skip(1).take(LINES).collect();
    printed.reverse();
    Some(FailedStep {
        name: excerpt.step?,
        place: find_place(&without_escapes(text)),
        printed,
    })
}

/// The last `Dockerfile:3` above a rule. What a program prints follows a number and a
/// time, so it cannot look like that.
fn find_place(text: &str) -> Option<(String, u32)> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.windows(2).rev().find_map(|pair| {
        let [place, rule] = pair else {
            return None;
        };
        let (file, line) = place.rsplit_once(':')?;
        let line = line.parse().ok().filter(|line| *line > 0)?;
        (*rule == RULE && !file.is_empty() && !file.starts_with('#'))
            .then(|| (file.to_owned(), line))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_a_name_a_place_and_last_words() {
        let text = "#5 [linux/arm64 2/2] RUN make\n#5 0.1 cc a.c\n#5 0.2 Dockerfile:9\n\
                    #5 0.2 --------------------\n#5 0.3 a.c: no\n\
                    #5 ERROR: process \"/bin/sh -c make\" did not complete successfully: exit code: 2\n\
                    ------\n > [linux/arm64 2/2] RUN make:\n0.1 cc a.c\n0.3 a.c: no\n------\n\
                    Dockerfile:3\n--------------------\n   1 |     FROM a\n   3 | >>> RUN make\n\
                    --------------------\nERROR: failed to build: failed to solve: process \
                    \"/bin/sh -c make\" did not complete successfully: exit code: 2\n";
        let step = failed_step(text).unwrap();
        assert_eq!(step.name, "[linux/arm64 2/2] RUN make");
        assert_eq!(step.place, Some(("Dockerfile".to_owned(), 3)));
        let last: Vec<&str> = step.printed.iter().map(String::as_str).collect();
        assert_eq!(last.first(), Some(&"cc a.c"));
        assert_eq!(last.last(), Some(&"a.c: no"));
    }

    #[test]
    fn what_fails_elsewhere_is_no_step() {
        assert_eq!(failed_step("ERROR: no builder \"x\" found\n"), None);
    }
}
