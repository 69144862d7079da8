//! Names in `outputs`, for real: what is asked for, pushed and reported is one
//! list, whatever else names the image.

use std::time::Duration;

use lab_runner::{Step, StepRun};

use crate::support::bridge::{Bridge, NOWHERE};
use crate::support::front::{Front, refuse};
use crate::support::site::succeeded;
use crate::support::{Lab, Place};

/// A step that publishes to the registry without a login, under names of its own.
struct Outputs {
    lab: Lab,
    place: Place,
    names: String,
}

impl Outputs {
    fn new() -> Self {
        let lab = Lab::get();
        let place = Place::new();
        let names = format!("{}/{}", lab.open_registry, place.mark().to_lowercase());
        Self { lab, place, names }
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.names)
    }

    fn step(&self, outputs: &str) -> Step {
        self.lab
            .step(&self.place)
            .with("platforms", "linux/amd64")
            .with(
                "outputs",
                outputs.replace("R/", &format!("{}/", self.names)),
            )
    }

    /// The digest that another client sees; empty where there is no such reference.
    fn digest(&self, reference: &str) -> String {
        self.place.digest(reference).unwrap_or_default()
    }

    /// Everything that was published was asked for before, and is there.
    fn published(&self, run: &StepRun, expected: &[String]) {
        succeeded(run);
        let published: Vec<&str> = run.outputs["published"].lines().collect();
        assert_eq!(published, expected, "{}", run.log);
        for reference in published {
            let digest = self.digest(reference);
            assert!(run.log.contains(&format!("published {reference} {digest}")));
            let row = format!("| `{reference}` | same digest |");
            assert!(run.summary.contains(&row), "{}", run.summary);
        }
        let first = expected[0].split('@').next().unwrap();
        let name =
            first.rsplit_once(':').map_or(
                first,
                |(name, tag)| if tag.contains('/') { first } else { name },
            );
        let image = format!("{name}@{}", run.outputs["digest"]);
        assert_eq!(run.outputs["image"], image);
        assert_eq!(run.outputs["digest"], self.digest(&expected[0]));
    }

    /// What was asked for.
    fn is_asked(&self, run: &StepRun, name: &str) -> bool {
        run.log
            .contains(&format!("preflight: {} (push)", self.name(name)))
    }
}

/// With a builder that can push by digest, as an engine's own cannot.
fn elsewhere(step: Step, bridge: &Bridge) -> Step {
    step.env("DOCKER_HOST", NOWHERE)
        .with("driver", "remote")
        .with("endpoint", bridge.endpoint())
}

#[test]
#[ignore = "needs the lab"]
fn a_name_in_outputs_is_published_beside_those_of_images() {
    let outputs = Outputs::new();
    for given in [
        "type=image,name=R/other:y,push=true",
        "type=registry,name=R/other:y",
    ] {
        let step = outputs.step(given).with("images", outputs.name("own"));
        let run = step.run().unwrap();
        let tags = ["own:v0.2.0", "own:latest", "other:y"].map(|name| outputs.name(name));
        outputs.published(&run, &tags);
        assert_eq!(run.outputs["tags"], tags.join("\n"));
        assert!(outputs.is_asked(&run, "own") && outputs.is_asked(&run, "other"));
    }
}

#[test]
#[ignore = "needs the lab"]
fn names_in_outputs_alone_are_published_and_nothing_else() {
    let outputs = Outputs::new();
    let run = outputs.step("type=registry,name=R/alone").run().unwrap();
    outputs.published(&run, &[outputs.name("alone:latest")]);
    assert_eq!(run.outputs["tags"], outputs.name("alone:latest"));
    // Two exporters make two images, each under its own name.
    let two = "type=registry,name=R/zstd:a,compression=zstd,force-compression=true\n\
               type=image,name=R/gzip:b,push=true";
    let run = outputs.step(two).with("push", "true").run().unwrap();
    let names = [outputs.name("zstd:a"), outputs.name("gzip:b")];
    outputs.published(&run, &names);
    assert_ne!(outputs.digest(&names[0]), outputs.digest(&names[1]));
}

#[test]
#[ignore = "needs the lab"]
fn what_outputs_push_in_spite_of_push_false_is_asked_for_and_reported() {
    let outputs = Outputs::new();
    let step = outputs.step("type=registry").with("push", "false");
    let run = step.with("images", outputs.name("own")).run().unwrap();
    let tags = ["own:v0.2.0", "own:latest"].map(|name| outputs.name(name));
    outputs.published(&run, &tags);
    assert!(outputs.is_asked(&run, "own"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn an_image_that_is_pushed_by_digest_is_reported_by_digest() {
    let outputs = Outputs::new();
    let bridge = Bridge::new(&outputs.place);
    for (given, name) in [
        (
            "type=image,name=R/named,push-by-digest=true,push=true",
            "named",
        ),
        (
            "type=image,push-by-digest=true,name-canonical=true,push=true",
            "own",
        ),
    ] {
        let step = outputs.step(given).with("images", outputs.name("own"));
        let run = elsewhere(step, &bridge).run().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        let image = format!("{}@{}", outputs.name(name), run.outputs["digest"]);
        outputs.published(&run, std::slice::from_ref(&image));
        assert_eq!(run.outputs["image"], image);
        assert!(outputs.is_asked(&run, name), "{}", run.log);
        let tagged = format!("{}:v0.2.0", outputs.name("own"));
        assert_eq!(outputs.digest(&tagged), "");
    }
}

#[test]
#[ignore = "needs the lab"]
fn an_exporter_that_fails_for_a_while_is_tried_again_under_its_own_name() {
    let outputs = Outputs::new();
    let bridge = Bridge::new(&outputs.place);
    let front = Front::start(&outputs.lab, &refuse("busy/", 503, ""));
    let busy = format!(
        "{}/busy/{}",
        front.address(),
        outputs.place.mark().to_lowercase()
    );
    for (given, rest) in [
        (
            format!("type=registry,name=R/zstd:a,compression=zstd\ntype=registry,name={busy}:b"),
            ":b",
        ),
        (
            format!("type=registry,name={busy},push-by-digest=true"),
            "@",
        ),
    ] {
        front.answer(&refuse("busy/", 503, ""));
        let step = outputs.step(&given).with("preflight", "off");
        let step = match rest {
            "@" => elsewhere(step, &bridge),
            _ => step,
        };
        let running = step.start().unwrap();
        assert!(
            running.wait_for("try 1 of 3 failed", Duration::from_secs(60)),
            "{given}"
        );
        front.answer("");
        let run = running.wait().unwrap();
        assert!(run.succeeded(), "{}", run.log);
        let published: Vec<&str> = run.outputs["published"].lines().collect();
        let last = published.last().unwrap();
        assert!(last.starts_with(&format!("{busy}{rest}")), "{published:?}");
        assert_eq!(published.len(), given.lines().count(), "{published:?}");
        assert_ne!(outputs.digest(last), "", "{last}");
    }
}
