//! What holds for any input: no panic, no hang, and no tag but the reported
//! ones that a registry refuses.

use proptest::prelude::*;
use stevedore::testing::RawMetadata;
use stevedore::testing::{Payload, RunContext};
use stevedore::testing::{Repository, TagContext, commit_date};

use super::{event, resolve};

/// Pieces of the language, so that much of what is put together is read.
fn piece() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "type=",
        "semver",
        "pep440",
        "match",
        "ref",
        "event=",
        "branch",
        "tag",
        "pr",
        "raw",
        "value=",
        "pattern=",
        "group=",
        "enable=",
        "priority=",
        "prefix=",
        "suffix=",
        "schedule",
        "sha",
        "edge",
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{#",
        "{{/",
        "{{else}}",
        "{{^",
        "{{~",
        "~}}",
        "{{!--",
        "--}}",
        "{{{{raw}}}}",
        "{{version}}",
        "{{major}}",
        "{{date '",
        "' tz='",
        "'}}",
        "YYYY",
        "LLLL",
        "[",
        "]",
        "\\",
        "if ",
        "each ",
        "with ",
        "this",
        "../",
        "@root",
        "as |x|",
        "(",
        ")",
        ",",
        "\"",
        "\n",
        "\r\n",
        "#",
        "=",
        ".",
        "1.2.3",
        "v2.0.0-rc.1+b",
        "1.0.post1",
        "latest=",
        "true",
        "false",
        "name=",
        "/",
        "*",
        "+",
        "?",
        "|",
        "{2,}",
        " ",
    ]);
    prop_oneof![8 => words.prop_map(str::to_owned), 1 => any::<String>()]
}

fn input() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..14).prop_map(|pieces| pieces.concat())
}

/// Rules that are rules for the most part, with templates put together.
fn rule() -> impl Strategy<Value = String> {
    let heads = prop::sample::select(vec![
        "type=raw,value=",
        "type=semver,pattern={{version}},value=",
        "type=semver,value=1.2.3-rc.1,pattern={{raw}}",
        "type=semver,value=1.2.3,pattern=",
        "type=pep440,value=1.2.3,pattern=",
        "type=pep440,pattern={{version}},value=",
        "type=match,value=v1.2.3,pattern=",
        "type=match,pattern=.+,value=",
        "type=raw,value=x,prefix=",
        "type=ref,event=branch,suffix=",
    ]);
    (heads, input()).prop_map(|(head, rest)| format!("{head}{rest}"))
}

/// The grammar of the OCI distribution specification, spelled out again.
fn is_oci_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let first = tag.chars().next().is_some_and(word);
    first && tag.len() <= 128 && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn check(raw: &RawMetadata<'_>, context: &RunContext) {
    let Ok(metadata) = resolve(raw, context) else {
        return;
    };
    let bad = metadata
        .tag_names
        .iter()
        .filter(|tag| !is_oci_tag(tag))
        .count();
    let reported = metadata.unpublishable.iter();
    let reported = reported.filter(|problem| problem.input != "images").count();
    assert_eq!(bad, reported, "{:?}", metadata.tag_names);
    assert_eq!(
        metadata.version.as_deref(),
        metadata.tag_names.first().map(String::as_str)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_inputs(
        images in input(),
        tags in prop_oneof![input(), prop::collection::vec(rule(), 1..4).prop_map(|rules| rules.join("\n"))],
        flavor in prop_oneof![Just(String::new()), input()],
        labels in prop_oneof![Just(String::new()), input()],
        git_ref in prop_oneof![
            Just("refs/heads/main".to_owned()),
            "refs/(tags|heads|pull)/[v0-9a-z.+/-]{0,20}",
            any::<String>(),
        ],
    ) {
        let context = event("push", &git_ref);
        let labels = labels.as_str();
        let raw = RawMetadata { tags: &tags, flavor: &flavor, labels, ..RawMetadata::default() };
        check(&raw, &context);
        check(&RawMetadata { images: &images, ..raw }, &context);
    }

    #[test]
    fn any_payload(text in "[{}\\[\\]\",:a-z_ ]{0,60}", name in "[a-z_]{0,20}", sha in "[0-9a-f]{0,8}") {
        let payload = serde_json::from_str(&text).unwrap_or_default();
        let context = RunContext { event_name: name, sha, payload: Payload::new(payload), ..RunContext::default() };
        let _ = Repository::from_payload(&context.payload);
        let _ = commit_date(&context.payload, &context.sha);
        check(&RawMetadata::default(), &TagContext::of_event(&context, "true").0);
    }
}

#[test]
fn deep_nesting_is_refused() {
    let open: String = (0..5_000).map(|_| "{{#if branch}}").collect();
    let close = "{{/if}}".repeat(5_000);
    let calls = format!("{{{{branch {}}}}}", "(branch ".repeat(5_000));
    for template in [
        format!("{open}{close}"),
        calls,
        "{{else if a}}".repeat(5_000),
    ] {
        let tags = format!("type=raw,value=x{template}");
        let raw = RawMetadata {
            tags: &tags,
            ..RawMetadata::default()
        };
        assert!(resolve(&raw, &event("push", "refs/heads/main")).is_err());
    }
}

#[test]
fn a_loop_in_a_loop_ends() {
    let open = "{{#each ../prerelease}}".repeat(30);
    let close = "{{/each}}".repeat(30);
    let pattern = format!("{{{{#each prerelease}}}}{open}x{close}{{{{/each}}}}");
    let version = format!("1.2.3-{}", ["a"; 100].join("."));
    // A pre-release has a pattern of its own, build metadata has not.
    let pattern = pattern.replace("prerelease", "build");
    let version = version.replace('-', "+");
    let tags = format!("type=semver,pattern={pattern},value={version}");
    let raw = RawMetadata {
        tags: &tags,
        ..RawMetadata::default()
    };
    let problems = resolve(&raw, &event("push", "refs/heads/main")).unwrap_err();
    assert!(problems[0].why.contains("steps"), "{}", problems[0]);
}
