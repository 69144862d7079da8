//! The input `test`: a script that stands between the content and the names.

use lab_runner::{Step, StepRun};

use crate::support::classic_engine::classic;
use crate::support::site::clean;
use crate::support::{Lab, Place, event};

fn place() -> Place {
    let place = Place::new();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo $MARK $(uname -m) > /mark\n",
    );
    place
}

fn image(lab: &Lab, place: &Place) -> String {
    format!(
        "{}/tests/{}",
        lab.open_registry,
        place.mark().to_lowercase()
    )
}

fn tested(lab: &Lab, place: &Place, script: &str) -> Step {
    let build_args = format!("BASE={}\nMARK={}", lab.open_base, place.mark());
    lab.step(place)
        .with("images", image(lab, place))
        .with("cache", "none")
        .with("build-args", build_args)
        .with("test", script)
}

/// True when the registry has a tag of the image.
fn is_there(lab: &Lab, place: &Place, tag: &str) -> bool {
    let reference = format!("{}:{tag}", image(lab, place));
    place.imagetools(&reference, "Manifest").success
}

fn error(run: &StepRun) -> &str {
    let mut errors = run.annotations.iter();
    let error = errors.find(|a| a.title.as_deref() == Some("Test"));
    &error.unwrap_or_else(|| panic!("{}", run.log)).message
}

const RUNS: &str =
    "echo \"of $PLATFORM\"\ndocker run --rm --platform \"$PLATFORM\" \"$IMAGE\" cat /mark";

#[test]
#[ignore = "needs the lab"]
fn an_image_is_tested_before_it_has_a_name() {
    let lab = Lab::get();
    for (host, driver, image) in [
        (None, "", "@sha256:"),
        (Some(classic()), "", "testing sha256:"),
        (Some(classic()), "docker-container", "@sha256:"),
    ] {
        let place = place();
        let mut step = tested(&lab, &place, RUNS)
            .with("driver", driver)
            .with("platforms", "linux/amd64");
        if let Some(host) = host {
            step = step.env("DOCKER_HOST", host);
        }
        let run = step.run().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        clean(&run);
        let mark = format!("{} x86_64", place.mark());
        assert!(run.log.contains(&mark), "{}", run.log);
        let line = run.log.lines().find(|line| line.starts_with("testing "));
        assert!(line.unwrap().contains(image), "{}", run.log);
        let at = |text: &str| run.log.find(text).unwrap();
        assert!(at(&mark) < at("v0.2.0 is written"), "{}", run.log);
        assert_eq!(run.outputs["published"], run.outputs["tags"]);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_test_that_fails_for_one_platform_leaves_no_name() {
    let lab = Lab::get();
    for driver in ["", "remote"] {
        let place = place();
        let script = format!("{RUNS}\ncase $PLATFORM in */arm64) echo no such luck; exit 7;; esac");
        let mut step = tested(&lab, &place, &script).with("test-platforms", "all");
        if driver == "remote" {
            let bridge = crate::support::bridge::Bridge::new(&place);
            step = step
                .with("driver", driver)
                .with("endpoint", bridge.endpoint());
            check_failed(&lab, &place, &step.run().unwrap());
        } else {
            check_failed(&lab, &place, &step.run().unwrap());
        }
    }
}

fn check_failed(lab: &Lab, place: &Place, run: &StepRun) {
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(run);
    assert!(run.log.contains("of linux/amd64"), "{}", run.log);
    assert!(run.log.contains(" aarch64"), "{}", run.log);
    let error = error(run);
    assert!(
        error.starts_with("`test` failed for linux/arm64 with exit code 7"),
        "{error}"
    );
    assert!(error.contains("no such luck"), "{error}");
    assert!(run.summary.contains("no such luck"), "{}", run.summary);
    assert!(run.outputs["digest"].starts_with("sha256:"), "{}", run.log);
    assert_eq!(run.outputs["published"], "");
    for tag in ["v0.2.0", "latest"] {
        assert!(!is_there(lab, place, tag), "{tag}: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn what_a_test_prints_is_bounded_and_no_workflow_command() {
    let (lab, place) = (Lab::get(), place());
    let script = "echo '::error title=Mine::x'; echo '::set-output name=digest::x'\n\
                  echo \"$LAB_PASSWORD\"; head -c 10000000 /dev/zero | tr '\\0' a; echo end; exit 1";
    let run = tested(&lab, &place, script)
        .with("platforms", "linux/amd64")
        .env("LAB_PASSWORD", &lab.password)
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1));
    let mut titles = run.annotations.iter().filter_map(|a| a.title.as_deref());
    assert!(!titles.any(|title| title == "Mine"));
    assert!(run.shown.len() < 2_000_000, "{}", run.shown.len());
    assert!(!run.shown.contains(&lab.password) && !run.summary.contains(&lab.password));
    assert!(run.summary.len() < 20_000, "{}", run.summary.len());
    assert!(error(&run).len() < 10_000);
    assert!(run.outputs["digest"].starts_with("sha256:"));
}

#[test]
#[ignore = "needs the lab"]
fn in_a_pull_request_what_the_engine_has_is_tested() {
    let lab = Lab::get();
    for (driver, succeeds) in [("", true), ("", false), ("docker-container", true)] {
        let place = place();
        let script = if succeeds { RUNS } else { "exit 3" };
        let mut step = tested(&lab, &place, script)
            .event("pull_request", event("pull-request"))
            .git_ref("refs/pull/7/merge")
            .with("platforms", "linux/amd64")
            .with("driver", driver);
        if !driver.is_empty() {
            step = step.env("DOCKER_HOST", classic());
        }
        let run = step.run().unwrap();
        assert_eq!(run.succeeded(), succeeds, "{}", run.log);
        let is_tested = run.log.contains("\ntesting ");
        assert_eq!(is_tested, driver.is_empty(), "{}", run.log);
        let mut notices = run.annotations.iter();
        let is_told = notices.any(|a| a.message.contains("`test` is not run: nothing is pushed"));
        assert_eq!(is_told, !driver.is_empty(), "{}", run.log);
    }
}
