//! An image that several jobs build, each on an engine of its own, and one joins.

use lab_runner::{Step, StepRun};
use serde_json::{Map, Value, json};

use crate::support::bridge::Bridge;
use crate::support::classic_engine::classic;
use crate::support::site::clean;
use crate::support::{Lab, Place, run};

const TAGS: &str = "type=semver,pattern={{version}}\ntype=semver,pattern={{major}}\ntype=sha";
/// The platforms, and the runner of each.
const RUNNERS: &str = "linux/amd64=first\nlinux/arm64=second";

/// A job of its own: a workspace, a home and a temporary folder that no other has.
fn job() -> Place {
    let place = Place::new();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE\nFROM ${BASE}\nARG MARK\nRUN echo $MARK > /mark && uname -m > /machine\n",
    );
    place
}

fn image(lab: &Lab, place: &Place) -> String {
    let mark = place.mark().to_lowercase();
    format!("{}/tests/{mark}", lab.open_registry)
}

/// The inputs that all jobs have.
fn of_all(step: Step, lab: &Lab, image: &str) -> Step {
    step.git_ref("refs/tags/v1.2.3")
        .with("images", image)
        .with("tags", TAGS)
        .with("cache", "none")
        .with(
            "build-args",
            format!("BASE={}\nMARK={{{{version}}}}", lab.open_base),
        )
}

fn plan(lab: &Lab, place: &Place, image: &str) -> Step {
    of_all(lab.step_of(place, "plan"), lab, image).with("runners", RUNNERS)
}

/// The jobs of the matrix, each with the engine that stands for its runner.
struct Legs<'a> {
    lab: &'a Lab,
    image: String,
    plan: String,
}

impl Legs<'_> {
    fn first(&self, place: &Place) -> Step {
        self.leg(place, 0).env("DOCKER_HOST", classic())
    }

    fn second(&self, place: &Place, bridge: &Bridge) -> Step {
        let engine = std::env::var("STEVEDORE_LAB_SECOND_HOST").expect("lab/up second");
        self.leg(place, 1)
            .env("DOCKER_HOST", engine)
            .with("driver", "remote")
            .with("endpoint", bridge.endpoint())
    }

    fn leg(&self, place: &Place, index: usize) -> Step {
        of_all(self.lab.step(place), self.lab, &self.image)
            .with("plan", &self.plan)
            .with("leg", index.to_string())
    }
}

fn merge(lab: &Lab, place: &Place, plan: &str, results: &Value) -> Step {
    lab.step_of(place, "merge")
        .git_ref("refs/tags/v1.2.3")
        .with("plan", plan)
        .with("results", results.to_string())
}

fn green(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    clean(run);
}

/// The outputs of legs as GitHub gives them to the next job: of all that have one.
fn results<'a>(runs: impl IntoIterator<Item = &'a StepRun>) -> Value {
    let mut all = Map::new();
    for run in runs {
        for (name, value) in &run.outputs {
            if name.starts_with("leg-") {
                all.insert(name.clone(), value.as_str().into());
            }
        }
    }
    Value::Object(all)
}

fn inspect(place: &Place, reference: &str, what: &str) -> Value {
    let printed = place.imagetools(reference, what);
    assert!(printed.success, "{reference}: {}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
#[ignore = "needs the lab"]
fn what_two_machines_build_is_one_image_as_if_one_had() {
    let lab = Lab::get();
    let jobs = [job(), job(), job(), job(), job()];
    let [one, two, three, four, whole] = &jobs;
    let image = image(&lab, one);
    let planned = plan(&lab, one, &image).run().unwrap();
    green(&planned);
    assert_eq!(planned.outputs["merge"], "true");
    let matrix: Value = serde_json::from_str(&planned.outputs["matrix"]).unwrap();
    let expected = json!({"include": [
        {"leg": 0, "name": "linux/amd64", "runner": "first"},
        {"leg": 1, "name": "linux/arm64", "runner": "second"},
    ]});
    assert_eq!(matrix, expected);
    let legs = Legs {
        lab: &lab,
        image: image.clone(),
        plan: planned.outputs["plan"].clone(),
    };
    let bridge = Bridge::to(
        three,
        "second",
        &std::env::var("STEVEDORE_LAB_SECOND_HOST").unwrap(),
    );
    let (first, second) = (
        legs.first(two).start().unwrap(),
        legs.second(three, &bridge).start().unwrap(),
    );
    let (first, second) = (first.wait().unwrap(), second.wait().unwrap());
    green(&first);
    green(&second);
    let digest = &first.outputs["digest"];
    assert_eq!(first.outputs["published"], format!("{image}@{digest}"));
    let merged = merge(&lab, four, &legs.plan, &results([&first, &second]))
        .run()
        .unwrap();
    green(&merged);
    assert_eq!(merged.outputs["tags"], planned.outputs["tags"]);
    assert_eq!(merged.outputs["platforms"], "linux/amd64,linux/arm64");
    assert_eq!(merged.outputs["published"], merged.outputs["tags"]);
    let alone = of_all(lab.step(whole), &lab, &format!("{image}-whole"))
        .env("DOCKER_HOST", classic())
        .with("driver", "docker-container")
        .run()
        .unwrap();
    green(&alone);
    for name in ["version", "tag-names", "labels", "annotations"] {
        assert_eq!(merged.outputs[name], alone.outputs[name], "{name}");
    }
    for tag in merged.outputs["tags"].lines() {
        let found = inspect(four, tag, "Manifest");
        assert_eq!(found["digest"], merged.outputs["digest"].as_str(), "{tag}");
    }
    let ours = inspect(four, &format!("{image}:1.2.3"), "Manifest");
    let theirs = inspect(four, &format!("{image}-whole:1.2.3"), "Manifest");
    assert_eq!(ours["annotations"], theirs["annotations"]);
    let entries = |index: &Value| -> Vec<(String, Value)> {
        let all = index["manifests"].as_array().unwrap().iter();
        all.map(|one| {
            (
                one["platform"].to_string(),
                one["annotations"]["vnd.docker.reference.type"].clone(),
            )
        })
        .collect()
    };
    assert_eq!(entries(&ours), entries(&theirs));
    let labels = |image: &str| {
        let all = inspect(four, image, "Image");
        ["linux/amd64", "linux/arm64"].map(|one| all[one]["config"]["Labels"].clone())
    };
    assert_eq!(
        labels(&format!("{image}:1")),
        labels(&format!("{image}-whole:1"))
    );
    for (platform, machine) in [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")] {
        let mut docker = std::process::Command::new("docker");
        let reference = format!("{image}@{}", merged.outputs["digest"]);
        docker.args([
            "run",
            "--rm",
            "--pull",
            "always",
            "--quiet",
            "--platform",
            platform,
            &reference,
        ]);
        docker.args(["cat", "/machine", "/mark"]);
        let printed = run(&mut docker);
        assert!(printed.success, "{}", printed.err);
        assert_eq!(printed.out, format!("{machine}\n1.2.3\n"));
    }
}
