//! What the metadata engine says that the original does not.

use stevedore::testing::RawMetadata;
use stevedore::testing::{Metadata, Severity};

use super::{event, resolve};

fn ran(git_ref: &str, tags: &str) -> Metadata {
    let raw = RawMetadata {
        images: "ghcr.io/a/b",
        tags,
        ..RawMetadata::default()
    };
    resolve(&raw, &event("push", git_ref)).unwrap()
}

fn said(metadata: &Metadata, severity: Severity) -> String {
    let notices = metadata
        .notices
        .iter()
        .filter(|notice| notice.severity == severity);
    notices
        .map(|notice| notice.text.as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

fn refused(tags: &str) -> Vec<String> {
    let raw = RawMetadata {
        tags,
        ..RawMetadata::default()
    };
    let problems = resolve(&raw, &event("push", "refs/heads/main")).unwrap_err();
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn an_empty_result_is_explained_rule_by_rule() {
    let metadata = ran(
        "refs/heads/main",
        "type=ref,event=tag\ntype=raw,value=x,enable=false",
    );
    assert_eq!(
        said(&metadata, Severity::Notice),
        "No rule gave a tag for the event push on \"refs/heads/main\": \
         type=ref,event=tag: \"refs/heads/main\" is not a tag; \
         type=raw,value=x,enable=false: enable is false"
    );
    assert_eq!(said(&metadata, Severity::Warning).lines().count(), 2);
}

#[test]
fn rules_for_other_events_are_for_the_log_only() {
    let metadata = ran(
        "refs/heads/main",
        "type=ref,event=branch\ntype=ref,event=pr",
    );
    assert_eq!(said(&metadata, Severity::Notice), "");
    assert!(said(&metadata, Severity::Info).contains("type=ref,event=pr"));
    assert_eq!(said(&ran("refs/heads/main", ""), Severity::Info), "");
}

#[test]
fn doubled_tags_odd_attributes_and_latest_on_a_prerelease_are_noticed() {
    let tags = "type=ref,event=tag,sufix=x\ntype=raw,value=v1.0.0-rc.1";
    let notices = said(&ran("refs/tags/v1.0.0-rc.1", tags), Severity::Notice);
    assert!(
        notices.contains("give the same tag v1.0.0-rc.1"),
        "{notices}"
    );
    assert!(
        notices.contains("sufix (did you mean suffix?)"),
        "{notices}"
    );
    assert!(
        notices.contains("latest goes to the pre-release v1.0.0-rc.1"),
        "{notices}"
    );
}

#[test]
fn a_suffix_does_not_turn_a_release_into_a_pre_release() {
    for (git_ref, tags, flavor, expected) in [
        (
            "v1.2.3",
            "type=semver,pattern={{version}}",
            "suffix=-alpine,onlatest=true",
            false,
        ),
        (
            "v1.2.3",
            "type=semver,pattern={{version}}-alpine",
            "",
            false,
        ),
        (
            "v1.2.3",
            "type=semver,pattern={{version}},suffix=-rc",
            "",
            false,
        ),
        ("v1.2.3", "", "suffix=-alpine", false),
        (
            "1.2.3",
            "type=pep440,pattern={{version}}",
            "suffix=rc1",
            false,
        ),
        ("v1.2.3-rc.1", "", "suffix=-alpine", true),
        (
            "v1.2.3-rc.1",
            "type=semver,pattern={{version}}",
            "latest=true\nsuffix=-alpine",
            true,
        ),
        (
            "1.2.3rc1",
            "type=pep440,pattern={{raw}}",
            "latest=true\nprefix=py-",
            true,
        ),
    ] {
        let raw = RawMetadata {
            images: "ghcr.io/a/b",
            tags,
            flavor,
            ..RawMetadata::default()
        };
        let metadata = resolve(&raw, &event("push", &format!("refs/tags/{git_ref}"))).unwrap();
        let said = said(&metadata, Severity::Notice).contains("latest goes to the pre-release");
        assert_eq!(said, expected, "{git_ref} {tags} {flavor}");
        assert!(metadata.tags.len() == 2, "{:?}", metadata.tags);
    }
}

#[test]
fn what_no_registry_accepts_stays_in_the_outputs_and_is_named() {
    let long = "x".repeat(129);
    let raw = RawMetadata {
        images: "ghcr.io/A/b\nghcr.io//b\nghcr.io/a/b:1",
        tags: &format!("type=raw,value=.hidden\n  type=raw,value={long}"),
        ..RawMetadata::default()
    };
    let metadata = resolve(&raw, &event("push", "refs/heads/main")).unwrap();
    assert_eq!(metadata.tags.len(), 6);
    let problems: Vec<_> = metadata
        .unpublishable
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(problems.len(), 4, "{problems:#?}");
    assert!(
        problems[0].starts_with("images (line 2, column 1)"),
        "{problems:#?}"
    );
    assert!(
        problems[2].contains("type=raw,value=.hidden"),
        "{problems:#?}"
    );
    assert!(
        problems[3].starts_with("tags (line 2, column 1)"),
        "{problems:#?}"
    );
    assert!(problems[3].contains("129 characters"), "{problems:#?}");
}

#[test]
fn all_wrong_rules_are_named_at_once() {
    let problems = refused("type=semvar,pattern=x\ntype=ref,event=tga\ntype=sha,format=shrt");
    assert_eq!(problems.len(), 3);
    assert!(
        problems[0].contains("did you mean semver?"),
        "{problems:#?}"
    );
    assert!(problems[1].contains("did you mean tag?"), "{problems:#?}");
    assert!(problems[2].contains("did you mean short?"), "{problems:#?}");
    let problems =
        refused("type=raw,value={{branch}}}\ntype=raw,value=a,enable=yes\nb,prefix={{date}}");
    assert_eq!(problems.len(), 3, "{problems:#?}");
}

#[test]
fn a_regular_expression_without_end_is_an_error() {
    let value = "a".repeat(40);
    let problems = refused(&format!("type=match,pattern=^(a+)+$,value={value}!"));
    assert!(problems[0].contains("takes more than 1 s"), "{problems:#?}");
}
