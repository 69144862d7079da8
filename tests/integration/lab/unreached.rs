//! A registry that the builder reaches and the step does not: it is in the network of
//! the builder alone, behind a proxy.

use lab_runner::{Step, StepRun};

use crate::support::classic_engine::classic;
use crate::support::front::Front;
use crate::support::site::clean;
use crate::support::{Lab, Place};

/// A host that no resolver knows.
const HOST: &str = "registry.invalid";

/// The registry as the builder knows it.
fn registry(front: &Front) -> String {
    front.address().replace("127.0.0.1", HOST)
}

/// A release whose builder reaches the registry.
fn release(lab: &Lab, place: &Place, front: &Front, name: &str) -> Step {
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo $MARK > /mark\n",
    );
    let proxy = format!("http://{}", front.address());
    lab.step(place)
        .env("DOCKER_HOST", classic())
        .git_ref("refs/tags/v1.2.3")
        .with("images", format!("{}/{name}", registry(front)))
        .with("tags", "type=semver,pattern={{version}}\ntype=sha")
        .with("cache", "none")
        .with("driver", "docker-container")
        .with(
            "driver-opts",
            format!("network=host\nenv.HTTP_PROXY={proxy}\nenv.http_proxy={proxy}"),
        )
        .with(
            "buildkitd-config-inline",
            format!("[registry.\"{}\"]\n  http = true\n", registry(front)),
        )
        .with(
            "build-args",
            format!("BASE={}\nMARK={}", lab.open_base, place.mark()),
        )
}

/// What a tag stands for, seen from where the registry is reached.
fn digest(lab: &Lab, place: &Place, name: &str) -> Option<String> {
    place.digest(&format!("{}/{name}", lab.open_registry))
}

fn notices(run: &StepRun) -> Vec<&str> {
    let annotations = run.annotations.iter();
    annotations.map(|one| one.message.as_str()).collect()
}

#[test]
#[ignore = "needs the lab"]
fn the_builder_writes_the_names_where_the_step_cannot() {
    let (lab, place) = (Lab::get(), Place::new());
    let front = Front::start(&lab, "");
    let name = format!("tests/{}", place.mark().to_lowercase());
    let run = release(&lab, &place, &front, &name).run().unwrap();
    assert!(run.succeeded(), "{}", run.log);
    clean(&run);
    let why = "cannot be reached from this step, so the builder writes the names";
    let told = notices(&run);
    assert_eq!(
        told.iter().filter(|one| one.contains(why)).count(),
        1,
        "{told:?}"
    );
    assert_eq!(run.outputs["tags"].lines().count(), 3);
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
    for tag in ["1.2.3", "sha-6071f56", "latest"] {
        let found = digest(&lab, &place, &format!("{name}:{tag}"));
        assert_eq!(found.as_ref(), Some(&run.outputs["digest"]), "{tag}");
    }
}

#[test]
#[ignore = "needs the lab"]
fn all_or_none_stops_the_run_where_the_step_cannot_write_names() {
    let (lab, place) = (Lab::get(), Place::new());
    let front = Front::start(&lab, "");
    let name = format!("tests/{}", place.mark().to_lowercase());
    let run = release(&lab, &place, &front, &name)
        .with("all-or-none", "true")
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert!(run.outputs["digest"].starts_with("sha256:"), "{}", run.log);
    assert_eq!(digest(&lab, &place, &format!("{name}:1.2.3")), None);
    let told = notices(&run);
    assert!(told.iter().any(|one| one.contains(HOST)), "{told:?}");
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_the_builder_does_not_reach_either_is_told_once() {
    let (lab, place) = (Lab::get(), Place::new());
    let front = Front::start(&lab, "");
    let step = release(&lab, &place, &front, "tests/nowhere");
    let run = step.with("images", "other.invalid/app").run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    let told = notices(&run);
    let error = told.iter().find(|one| one.contains("Not pushed: "));
    let error = error.unwrap_or_else(|| panic!("{}", run.log));
    for words in [
        "Check the host",
        "other.invalid/app:1.2.3",
        "other.invalid/app:latest",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(
        run.log.matches("exporting manifest list").count(),
        1,
        "{}",
        run.log
    );
}
