//! A build whose every word would like to be a workflow command, Markdown or HTML.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::recorder::{outputs, step};
use crate::support::{Place, run};

const HOSTILE: &str = "::error::x%0A::set-env name=a::b ##[error]y <img src=x> [a](b) `c` | ```";

fn stream() -> String {
    let at = |second: u32| format!("2026-01-02T03:04:{second:02}Z");
    let name = format!("[linux/amd64 build 2/2] RUN {HOSTILE}");
    let printed = format!(
        "{HOSTILE}\n::error::from the log\n  ::warning::indented\n\u{1b}[31m::error::red\n\
         a\r::error::overwritten\n{{\"vertexes\":[]}}\nERROR: failed to push r/a:b: no\n"
    );
    let vertex = |more: Value| {
        let mut vertex = json!({"digest": "sha256:1", "name": name, "started": at(1)});
        vertex
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"vertexes": [vertex]})
    };
    let lines = [
        vertex(json!({})),
        json!({"statuses": [{"id": HOSTILE, "vertex": "sha256:1", "current": 5,
            "timestamp": at(2), "started": at(1), "completed": at(2)}]}),
        json!({"logs": [{"vertex": "sha256:1", "stream": 1, "timestamp": at(2),
            "data": STANDARD.encode(printed)}]}),
        vertex(json!({"completed": at(9), "error": HOSTILE})),
    ];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    format!(
        "{}\n{HOSTILE}\nERROR: failed to solve: {HOSTILE}\n",
        lines.join("\n")
    )
}

fn played(style: &str) -> (Place, String) {
    let place = Place::new();
    place.write("stream", &stream());
    place.buildx(&format!(
        "cat '{}' >&2; exit 1",
        place.path("stream").display()
    ));
    let label = format!("title={HOSTILE}");
    let mut step = step(
        &place,
        &[
            ("context", "."),
            ("cache", "none"),
            ("images", "127.0.0.1:1/a/b"),
            ("platforms", "linux/amd64"),
            ("labels", &label),
            ("progress", style),
        ],
    );
    let printed = run(step.env(
        "GITHUB_REF",
        format!("refs/heads/{}", "x<img>`|`##[error]x"),
    ));
    assert!(!printed.success, "{}", printed.out);
    (place, printed.out)
}

/// The lines that the runner would obey.
fn commands(log: &str) -> Vec<&str> {
    let lines = log.lines().map(str::trim_start);
    lines.filter(|line| line.starts_with("::")).collect()
}

#[test]
fn nothing_that_it_says_is_a_command() {
    for style in ["plain", "grouped", "quiet"] {
        let (_, log) = played(style);
        // The older form, which is obeyed anywhere in a line that is no command.
        let mut lines = log.lines().filter(|line| !line.starts_with("::"));
        assert!(lines.all(|line| !line.contains("##[")), "{style}: {log}");
        for command in commands(&log) {
            let ours = [
                "::add-mask::",
                "::group::",
                "::endgroup::",
                "::error title=Build::",
            ];
            let is_ours = ours.iter().any(|one| command.starts_with(one));
            assert!(is_ours, "{style}: {command}\n{log}");
        }
        assert!(log.contains("from the log"), "{style}: {log}");
    }
}

#[test]
fn nothing_that_it_says_leaves_its_place_in_the_summary() {
    let (place, _) = played("plain");
    let summary = place.text("summary");
    let mut fence: Option<&str> = None;
    for line in summary.lines() {
        let marks = line.len() - line.trim_start_matches('`').len();
        match fence {
            Some(open) if line == open => fence = None,
            None if marks >= 3 => fence = Some(&line[..marks]),
            Some(_) => {}
            None => {
                let without_code: String = line.split('`').step_by(2).collect();
                let tags = without_code.replace("\\<", "").replace("\\>", "");
                assert!(!tags.contains("<img"), "{line}\n{summary}");
                assert!(!without_code.contains("[a](b)"), "{line}\n{summary}");
            }
        }
    }
    assert_eq!(fence, None, "{summary}");
    // And it is no report of a push either.
    assert_eq!(outputs(&place)["published"], "");
}
