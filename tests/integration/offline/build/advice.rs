//! Inputs that are read, and warned about.

use super::{arguments, warnings};

#[test]
fn build_arguments_that_look_like_secrets_are_warned_about() {
    let (_, printed) = arguments(&[("build-args", "NPM_TOKEN=npm_0123456789abcdef\nVERSION=1")]);
    assert_eq!(
        warnings(&printed, "Secret in a build argument"),
        1,
        "{}",
        printed.out
    );
    assert!(
        printed.out.contains("secrets: NPM_TOKEN="),
        "{}",
        printed.out
    );
    assert!(
        !printed.out.contains("npm_0123456789abcdef"),
        "{}",
        printed.out
    );
}

#[test]
fn inputs_of_the_actions_that_it_stands_in_for_are_explained() {
    let (_, printed) = arguments(&[
        ("logout", "false"),
        ("image", "tonistiigi/binfmt"),
        ("taget", "x"),
    ]);
    let lines: Vec<&str> = printed
        .out
        .lines()
        .filter(|line| line.contains("Unknown input"))
        .collect();
    for (name, hint) in [
        ("`logout`", "docker/login-action"),
        ("`image`", "`binfmt-image`"),
        ("`taget`", "did you mean `target`?"),
    ] {
        assert!(
            lines
                .iter()
                .any(|line| line.contains(name) && line.contains(hint)),
            "{lines:?}"
        );
    }
}

#[test]
fn tags_that_are_likely_not_meant_so_are_warned_about() {
    for (inputs, count) in [
        (vec![("tags", "ghcr.io/o/i\nedge")], 1),
        (vec![("tags", "feature/x")], 0),
        (
            vec![("tags", "ghcr.io/o/i:1"), ("images", "ghcr.io/o/r")],
            1,
        ),
        (vec![("tags", "ghcr.io/o/i:1")], 0),
    ] {
        let (_, printed) = arguments(&inputs);
        assert_eq!(warnings(&printed, "Tags"), count, "{}", printed.out);
    }
}

#[test]
fn a_slash_alone_makes_a_tag_and_both_spellings_are_shown() {
    let (_, printed) = arguments(&[("tags", "feature/x")]);
    let notices = printed.out.lines();
    let mut notices = notices.filter(|line| line.starts_with("::notice title=Tags::feature/x "));
    let notice = notices.next().unwrap_or_else(|| panic!("{}", printed.out));
    for spelling in [
        "the tag feature-x",
        "feature/x:latest",
        "type=raw,value=feature/x",
    ] {
        assert!(notice.contains(spelling), "{notice}");
    }
}

#[test]
fn a_name_that_tags_replace_is_warned_about() {
    let (_, printed) = arguments(&[
        ("outputs", "type=docker,name=b:test"),
        ("images", "ghcr.io/o/r"),
    ]);
    assert_eq!(warnings(&printed, "Outputs"), 1, "{}", printed.out);
}
