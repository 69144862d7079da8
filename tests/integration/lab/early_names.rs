//! The first names are pushed out of the engine's store as soon as the image is there,
//! while buildx is still at work, unless a test or a cache in a registry comes first.

use lab_runner::{Step, StepRun};

use super::names::{image, place, release};
use crate::support::site::clean;
use crate::support::{Lab, Place};

/// A release whose buildx goes on until the registry has the name 1.2.3, but no longer
/// than this many seconds. The line `then` is the last that it runs.
fn lingering(lab: &Lab, place: &Place, image: &str, seconds: u32, then: &str) -> Step {
    let path = image.strip_prefix(&format!("{}/", lab.open_registry));
    let manifest = format!(
        "http://{}/v2/{}/manifests/1.2.3",
        lab.open_registry,
        path.unwrap()
    );
    let accept = "Accept: application/vnd.oci.image.index.v1+json";
    let script = format!(
        r#"#!/bin/sh
[ "$1" = build ] || exec '{buildx}' "$@"
'{buildx}' "$@" || exit
for second in $(seq {seconds}); do
  curl --silent --fail --header '{accept}' --output '{seen}' {manifest} && break
  sleep 1
done
{then}
"#,
        buildx = std::env::var("STEVEDORE_LAB_BUILDX").unwrap(),
        seen = place.path("seen").display(),
    );
    place.program("docker-buildx", &script);
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", place.path("bin").display());
    release(lab, place, image, "v1.2.3").env("PATH", path)
}

/// True when the name was there before buildx had ended.
fn was_early(place: &Place) -> bool {
    place.path("seen").exists()
}

fn green(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    clean(run);
    assert_eq!(run.outputs["published"], run.outputs["tags"], "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn the_first_name_does_not_wait_for_buildx_to_end() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let run = lingering(&lab, &place, &image, 30, "").run().unwrap();
    green(&run);
    assert!(was_early(&place), "{}", run.log);
    assert_eq!(run.log.matches("out of the engine's store").count(), 1);
    for name in run.outputs["tags"].lines() {
        assert_eq!(place.digest(name).as_ref(), run.outputs.get("digest"));
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_test_comes_before_the_first_name() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let step = lingering(&lab, &place, &image, 3, "");
    let run = step.with("test", "true").run().unwrap();
    green(&run);
    assert!(!was_early(&place), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_cache_in_a_registry_comes_before_the_first_name() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let step = lingering(&lab, &place, &image, 3, "").with("cache", "auto");
    let cache = format!("type=registry,ref={image}:cache,mode=max");
    let run = step.with("cache-to", cache).run().unwrap();
    green(&run);
    assert!(!was_early(&place), "{}", run.log);
    assert!(run.log.contains("exporting cache to registry: done"));
}

#[test]
#[ignore = "needs the lab"]
fn a_buildx_that_fails_after_the_first_name_fails_the_step_and_the_name_is_told() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let fails = "echo 'ERROR: no space left on device' >&2; exit 1";
    let step = lingering(&lab, &place, &image, 30, fails);
    let run = step.run().unwrap();
    clean(&run);
    assert!(!run.succeeded(), "{}", run.log);
    assert!(was_early(&place), "{}", run.log);
    let first = format!("{image}:1.2.3");
    assert_eq!(run.outputs["published"], first, "{}", run.log);
    let digest = place.digest(&first);
    assert_eq!(digest.as_ref(), run.outputs.get("digest"), "{}", run.log);
    assert_eq!(run.log.matches("out of the engine's store").count(), 1);
    assert!(run.log.contains("no space left on device"), "{}", run.log);
}
