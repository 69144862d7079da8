//! What a program said last.

use crate::host::CommandResult;

/// What a program said last, where we heard it.
pub fn failure_text(finished: &CommandResult) -> String {
    if finished.was_killed {
        return "it was killed, and not by this run. The kernel does that when memory runs out: \
                use a larger runner, or build fewer `platforms` at once"
            .to_owned();
    }
    match &finished.tail {
        Some(tail) => last_words(tail),
        None => "see its output above".to_owned(),
    }
}

/// buildx's own summary of what failed: from its last `ERROR` line on.
pub fn last_words(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().map(str::trim_end).collect();
    // What `call: check` found, before the places where it did.
    if let Some(found) = lines
        .iter()
        .find(|line| line.starts_with("Check complete, "))
    {
        return (*found).to_owned();
    }
    let last = lines
        .iter()
        .rposition(|line| line.starts_with("ERROR: ") || line.starts_with("error: "));
    let words = match last {
        Some(index) => lines[index..].join("\n"),
        None => lines[lines.len().saturating_sub(5)..].join("\n"),
    };
    let words = words.trim_start_matches("ERROR: ").trim();
    match words {
        "" => "it printed nothing; see its progress above".to_owned(),
        words => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_buildxs_summary() {
        let tail = "#5 0.1 error: in a step\n#5 ERROR: x\n------\nDockerfile:3\nERROR: failed to solve: process failed\n";
        assert_eq!(last_words(tail), "failed to solve: process failed");
        assert_eq!(last_words("a\nb\n"), "a\nb");
        let check =
            "#3 done\nCheck complete, 2 warnings have been found!\n\nWARNING: x\n 1 | from\n";
        assert_eq!(
            last_words(check),
            "Check complete, 2 warnings have been found!"
        );
        assert!(last_words("").contains("nothing"));
    }
}
