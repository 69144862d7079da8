//! Pushes that fail: what is tried again, and what is left out.

use super::{DENIED, digest_of, errors, hanging, place, publish, red};
use crate::support::Lab;
use crate::support::bridge::{Bridge, NOWHERE};
use crate::support::front::{Front, refuse};
use lab_runner::Step;
use std::time::Duration;

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_is_busy_for_two_whole_pushes_gets_the_image_on_the_third() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("busy/", 503, ""));
    let image = format!("{}/busy/app", front.address());
    let running = publish(&lab, &place, &image)
        .with("preflight", "off")
        .start()
        .unwrap();
    let second = running.wait_for("try 2 of 3 failed", Duration::from_secs(60));
    assert!(second, "there is no second try");
    front.answer("");
    let run = running.wait().unwrap();
    assert!(run.succeeded(), "{}", run.log);
    assert!(run.log.contains("try 1 of 3 failed"), "{}", run.log);
    let digest = run.outputs["digest"].clone();
    for tag in ["v0.2.0", "latest"] {
        assert_eq!(
            digest_of(&format!("{image}:{tag}"), &place),
            digest,
            "{}",
            run.log
        );
    }
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_limits_is_given_up_after_the_attempts_that_were_asked_for() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("limited/", 429, ""));
    let image = format!("{}/limited/app", front.address());
    let run = publish(&lab, &place, &image)
        .with("preflight", "off")
        .with("push-attempts", "2")
        .run()
        .unwrap();
    red(&run);
    assert!(run.log.contains("try 2 of 2 failed"), "{}", run.log);
    assert!(
        errors(&run, "Push")[0].contains("tried 2 times"),
        "{}",
        run.log
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_name_that_is_refused_does_not_take_those_after_it_along() {
    let lab = Lab::get();
    let place = place();
    let front = Front::start(&lab, &refuse("first/", 403, DENIED));
    let images = format!(
        "{0}/first/app\n{1}/tests/second",
        front.address(),
        lab.open_registry
    );
    let run = publish(&lab, &place, &images)
        .with("preflight", "warn")
        .run()
        .unwrap();
    red(&run);
    let errors = errors(&run, "Push");
    assert_eq!(
        errors.len(),
        1,
        "one error for both tags of the one image: {}",
        run.log
    );
    assert!(errors[0].contains("first/app:v0.2.0, "), "{}", errors[0]);
    let second = format!("{}/tests/second", lab.open_registry);
    assert_eq!(
        run.outputs["published"],
        format!("{second}:v0.2.0\n{second}:latest")
    );
    assert_eq!(
        run.outputs["image"],
        format!("{second}@{}", run.outputs["digest"])
    );
    let found = digest_of(&format!("{second}:latest"), &place);
    assert_eq!(found, run.outputs["digest"]);
    assert!(run.summary.contains("in part"), "{}", run.summary);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_dies_after_the_first_name_leaves_that_name_in_the_outputs() {
    let lab = Lab::get();
    let place = place();
    let (front, _silent) = hanging(&lab, "dies/app");
    let image = format!("{}/dies/app", front.address());
    let running = publish(&lab, &place, &image)
        .with("push-attempts", "2")
        .start()
        .unwrap();
    let begun = format!("{image}:v0.2.0 is written");
    assert!(running.wait_for(&begun, Duration::from_secs(60)));
    front.kill();
    let run = running.wait().unwrap();
    red(&run);
    assert_eq!(
        run.outputs["published"],
        format!("{image}:v0.2.0"),
        "{}",
        run.log
    );
    assert!(run.outputs["digest"].starts_with("sha256:"));
    assert_eq!(
        run.outputs["image"],
        format!("{image}@{}", run.outputs["digest"])
    );
    assert!(
        errors(&run, "Push")[0].contains(&format!("{image}:latest")),
        "{}",
        run.log
    );
}

/// A builder that is not the engine's: there is no store to push out of.
fn elsewhere(step: Step, bridge: &Bridge) -> Step {
    step.env("DOCKER_HOST", NOWHERE)
        .with("driver", "remote")
        .with("endpoint", bridge.endpoint())
        .with("preflight", "off")
}

#[test]
#[ignore = "needs the lab"]
fn with_another_builder_names_that_are_left_are_written_or_copied() {
    let lab = Lab::get();
    // With an exporter of the workflow's, buildx writes the names.
    for (platforms, outputs) in [
        ("linux/amd64,linux/arm64", ""),
        ("linux/amd64", ""),
        ("linux/amd64,linux/arm64", "type=image"),
        ("linux/amd64", "type=image"),
    ] {
        let place = place();
        let bridge = Bridge::new(&place);
        let front = Front::start(&lab, &refuse("half/app/manifests/latest", 503, ""));
        let image = format!("{}/half/app", front.address());
        let step = publish(&lab, &place, &image)
            .with("platforms", platforms)
            .with("outputs", outputs)
            .with("push", "true")
            .with("provenance", "false");
        let running = elsewhere(step, &bridge).start().unwrap();
        let first = running.wait_for("try 1 of 3 failed", Duration::from_secs(60));
        assert!(first, "the first push does not fail");
        front.answer("");
        let run = running.wait().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        let is_copied = run.log.contains(&format!("copying {image}@"));
        assert_eq!(is_copied, !outputs.is_empty(), "{}", run.log);
        let digest = run.outputs["digest"].clone();
        for tag in ["v0.2.0", "latest"] {
            let found = digest_of(&format!("{image}:{tag}"), &place);
            assert_eq!(found, digest, "{tag}: {}", run.log);
        }
        assert_eq!(run.outputs["platforms"], platforms);
        assert!(run.leftovers.is_empty(), "{:?}", run.leftovers);
    }
}

#[test]
#[ignore = "needs the lab"]
fn with_another_builder_the_build_is_run_again_while_nothing_is_pushed() {
    let lab = Lab::get();
    let place = place();
    let bridge = Bridge::new(&place);
    let front = Front::start(&lab, &refuse("none/", 503, ""));
    let image = format!("{}/none/app", front.address());
    let running = elsewhere(publish(&lab, &place, &image), &bridge)
        .start()
        .unwrap();
    let first = running.wait_for("try 1 of 3 failed", Duration::from_secs(60));
    assert!(first, "the first push does not fail");
    front.answer("");
    let run = running.wait().unwrap();
    assert!(run.succeeded(), "{}", run.log);
    for tag in ["v0.2.0", "latest"] {
        let found = digest_of(&format!("{image}:{tag}"), &place);
        assert_eq!(found, run.outputs["digest"], "{tag}: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_push_of_outputs_that_fails_is_red_and_tried_again_where_that_can_help() {
    let lab = Lab::get();
    for (status, body, tries) in [(403, DENIED, "try 1 of 3"), (503, "", "try 2 of 2")] {
        let place = place();
        let front = Front::start(&lab, &refuse("named/", status, body));
        let name = format!("{}/named/app:x", front.address());
        let step = publish(&lab, &place, "")
            .with("outputs", format!("type=image,name={name},push=true"))
            .with("preflight", "off");
        let step = if status == 503 {
            step.with("push-attempts", "2")
        } else {
            step
        };
        let run = step.run().unwrap();
        red(&run);
        assert!(errors(&run, "Push")[0].contains(&name), "{}", run.log);
        assert!(run.log.contains(tries), "{}", run.log);
        assert!(
            !run.summary.contains("Built, and pushed"),
            "{}",
            run.summary
        );

        let asked = publish(&lab, &place, "")
            .with("outputs", format!("type=image,name={name},push=true"))
            .run()
            .unwrap();
        assert_eq!(
            errors(&asked, "Push refused").len(),
            usize::from(status == 403)
        );
    }
}
