//! Rules, flavour, labels, images, ref and payload from one text, its parts
//! separated by `\u{1}`: no panic, no hang, every tag that is not reported valid.

#![no_main]

use jiff::Timestamp;
use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use stevedore::event::{Payload, RunContext};
use stevedore::input::{MetadataInputs, RawMetadata};
use stevedore::metadata::{self, Facts, Repository, adjusted};

fn is_oci_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let all = tag.chars().all(|c| word(c) || c == '.' || c == '-');
    tag.len() <= 128 && tag.starts_with(word) && all
}

fuzz_target!(|text: &str| {
    let mut parts = text.split('\u{1}');
    let mut part = || parts.next().unwrap_or_default();
    let raw = RawMetadata {
        tags: part(),
        flavor: part(),
        labels: part(),
        images: part(),
        ..RawMetadata::default()
    };
    let context = RunContext {
        git_ref: part().to_owned(),
        event_name: part().to_owned(),
        sha: "860c1904a1ce19322e91ac35af1ab07466440c37".to_owned(),
        payload: Payload::new(serde_json::from_str(part()).unwrap_or_default()),
        ..RunContext::default()
    };
    let Ok(inputs) = MetadataInputs::parse(&raw) else {
        return;
    };
    let facts = Facts {
        now: Timestamp::UNIX_EPOCH,
        time_zone: TimeZone::UTC,
        repository: Repository::from_payload(&context.payload).unwrap_or_default(),
        commit_date: None,
    };
    let Ok(found) = metadata::resolve(&inputs, &adjusted(&context, "true"), &facts) else {
        return;
    };
    let bad = found.tag_names.iter().filter(|tag| !is_oci_tag(tag)).count();
    let reported = found.unpublishable.iter();
    assert_eq!(bad, reported.filter(|problem| problem.input != "images").count());
});
