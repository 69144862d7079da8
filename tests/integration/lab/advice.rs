//! What goes wrong beside the image, and what the person at the workflow page is
//! told to do about it.

use std::time::Duration;

use lab_runner::Step;

use crate::offline::advice::error;
use crate::support::engine_socket::EngineSocket;
use crate::support::front::{Front, refuse};
use crate::support::site::clean;
use crate::support::{Lab, Place, event};

/// As CNCF Distribution 2.8 answers on a disk without space.
const NO_SPACE: &str = r#"{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"DriverName":"filesystem","Enclosed":{"Op":"write","Path":"/var/lib/registry/docker","Err":28}}}]}"#;

/// A push of this Dockerfile to the default branch, for one platform.
fn publish(lab: &Lab, place: &Place, image: &str, dockerfile: &str) -> Step {
    place.write("workspace/Dockerfile", dockerfile);
    lab.step(place)
        .event("push", event("push-branch"))
        .git_ref("refs/heads/main")
        .with("images", image)
        .with("platforms", "linux/amd64")
        .with("build-args", format!("BASE={}", lab.open_base))
}

#[test]
#[ignore = "needs the lab"]
fn an_engine_that_dies_during_the_build_is_named() {
    let lab = Lab::get();
    let place = Place::new();
    let (mark, engine) = (place.mark(), EngineSocket::start(&place));
    let dockerfile = format!("ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo begun-{mark}; sleep 60\n");
    let image = format!("{}/tests/gone", lab.open_registry);
    let running = publish(&lab, &place, &image, &dockerfile)
        .env("DOCKER_HOST", engine.host())
        .start()
        .unwrap();
    assert!(running.wait_for(&format!(" begun-{mark}\n"), Duration::from_secs(60)));
    engine.die();
    let run = running.wait().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = error(&run, "Build");
    assert!(
        error.starts_with("Look at the log of the engine"),
        "{error}"
    );
    clean(&run);
}

/// A command line and an output that look like BuildKit's words.
#[test]
#[ignore = "needs the lab"]
fn the_text_of_a_run_is_no_failed_push() {
    let lab = Lab::get();
    let place = Place::new();
    let said = "failed to push 127.0.0.1:9/else/app:t: unexpected status: 403 Forbidden";
    let dockerfile = format!(
        "ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo '{said}'; printf 'a\\rERROR: {said}\\n'; exit 3\n"
    );
    let image = format!("{}/tests/said", lab.open_registry);
    let run = publish(&lab, &place, &image, &dockerfile).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = error(&run, "Build");
    assert!(error.starts_with("buildx failed"), "{error}");
    assert!(error.contains("exit code: 3"), "{error}");
    clean(&run);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_whose_disk_is_full_is_told_before_and_after_the_build() {
    let lab = Lab::get();
    let front = Front::start(&lab, &refuse("full/app/blobs/uploads", 500, NO_SPACE));
    let image = format!("{}/full/app", front.address());
    let place = Place::new();
    place.write("workspace/mark", &place.mark());
    let step = publish(&lab, &place, &image, "FROM scratch\nCOPY mark /\n");
    let run = step.run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let advice = format!("Free disk space at {}", front.address());
    assert!(error(&run, "Push").starts_with(&advice), "{}", run.log);
    assert!(error(&run, "Publish").contains(&advice), "{}", run.log);
    clean(&run);
}
