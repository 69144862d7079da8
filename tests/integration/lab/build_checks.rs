//! What BuildKit's checks find in a Dockerfile.

use lab_runner::{Annotation, Level, Step, StepRun};

use crate::support::classic_engine::classic;
use crate::support::site::clean;
use crate::support::{Lab, Place};

const DOCKERFILE: &str = "ARG BASE=scratch\nFROM ${BASE} as one\nRUN true\n";

fn step(lab: &Lab, place: &Place) -> Step {
    place.write("workspace/app/Dockerfile", DOCKERFILE);
    let image = format!(
        "{}/tests/{}",
        lab.open_registry,
        place.mark().to_lowercase()
    );
    lab.step(place)
        .with("images", image)
        .with("context", "app")
        .with("cache", "none")
        .with("platforms", "linux/amd64")
        .with("build-args", format!("BASE={}", lab.open_base))
}

fn found(run: &StepRun) -> Vec<&Annotation> {
    let all = run.annotations.iter();
    all.filter(|one| one.title.as_deref() == Some("FromAsCasing"))
        .collect()
}

#[test]
#[ignore = "needs the lab"]
fn what_is_found_is_annotated_on_its_line() {
    let lab = Lab::get();
    for host in [None, Some(classic())] {
        let place = Place::new();
        let mut step = step(&lab, &place);
        if let Some(host) = host {
            step = step
                .env("DOCKER_HOST", host)
                .with("driver", "docker-container");
        }
        let run = step.run().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        clean(&run);
        let [one] = found(&run)[..] else {
            panic!("{}", run.log);
        };
        assert_eq!(one.level, Level::Warning);
        assert_eq!(one.file.as_deref(), Some("app/Dockerfile"));
        assert_eq!(one.line, Some(2));
        let link = "https://docs.docker.com/go/dockerfile/rule/from-as-casing/";
        assert!(one.message.ends_with(link), "{}", one.message);
        // The output is what docker/build-push-action gives.
        let metadata = &run.outputs["metadata"];
        assert!(!metadata.contains("warnings"), "{metadata}");
        assert!(metadata.contains("containerimage.digest"), "{metadata}");
    }
}

#[test]
#[ignore = "needs the lab"]
fn they_can_be_switched_off_also_by_the_variable_of_dockers_action() {
    let lab = Lab::get();
    let place = Place::new();
    for step in [
        step(&lab, &place).with("checks", "off"),
        step(&lab, &place).env("DOCKER_BUILD_CHECKS_ANNOTATIONS", "false"),
    ] {
        let run = step.run().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        assert!(found(&run).is_empty(), "{}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn they_can_fail_the_build() {
    let lab = Lab::get();
    let place = Place::new();
    let run = step(&lab, &place).with("checks", "error").run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert!(run.log.contains("lint violation found"), "{}", run.log);
    assert_eq!(run.outputs["published"], "");
    let bake = format!(
        "target \"default\" {{\n  context = \"app\"\n  args = {{ BASE = \"{}\" }}\n}}\n",
        lab.open_base
    );
    place.write("workspace/docker-bake.hcl", &bake);
    let run = lab
        .step(&place)
        .with("bake-files", "docker-bake.hcl")
        .with("platforms", "linux/amd64")
        .with("push", "false")
        .with("checks", "error")
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert!(run.log.contains("lint violation found"), "{}", run.log);
}
