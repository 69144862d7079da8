//! The frontend that a Dockerfile is written for.

use parse_dockerfile::Dockerfile;

use crate::image::reference;

/// The frontends whose grammar is read here.
const FRONTENDS: [&str; 2] = ["docker/dockerfile", "docker/dockerfile-upstream"];

/// Parses a Dockerfile. `None` where it is not valid, or names a frontend other than
/// Docker's own, whose language may be another.
pub fn parse(text: &str) -> Option<Dockerfile<'_>> {
    // BuildKit looks for the frontend behind such a line too.
    if text.starts_with("#!") {
        return None;
    }
    let file = parse_dockerfile::parse(text).ok()?;
    let syntax = file.parser_directives.syntax.as_ref();
    let is_known = syntax.is_none_or(|syntax| is_dockers_own(syntax.value.value));
    is_known.then_some(file)
}

/// True for Docker's own frontend, in any version.
fn is_dockers_own(syntax: &str) -> bool {
    let (name, _, _) = reference::split(syntax);
    FRONTENDS.contains(&name.trim_start_matches("docker.io/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_frontends_are_not_read() {
        for (head, is_read) in [
            ("", true),
            ("# syntax=docker/dockerfile:1\n", true),
            (
                "# syntax=docker.io/docker/dockerfile-upstream@sha256:1\n",
                true,
            ),
            ("# syntax=example.com/docker/dockerfile:1\n", false),
            ("# syntax=docker/dockerfile-of-mine\n", false),
            ("#!/bin/docker\n", false),
        ] {
            let text = format!("{head}FROM a\n");
            assert_eq!(parse(&text).is_some(), is_read, "{head}");
        }
        assert!(parse("RUN\n").is_none());
    }
}
