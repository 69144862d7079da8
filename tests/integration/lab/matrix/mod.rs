//! An image that several jobs build, each on an engine of its own, and one joins.

mod copied;
mod failed;
mod joined;
mod merges;

use lab_runner::{Step, StepRun};
use serde_json::{Map, Value};

use crate::support::bridge::Bridge;
use crate::support::classic_engine::classic;
use crate::support::site::clean;
use crate::support::{Lab, Place};

const TAGS: &str = "type=semver,pattern={{version}}\ntype=semver,pattern={{major}}\ntype=sha";
/// The platforms, and the runner of each.
const RUNNERS: &str = "linux/amd64=first\nlinux/arm64=second";

/// A job of its own: a workspace, a home and a temporary folder that no other has.
fn job() -> Place {
    let place = Place::new();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo $MARK > /mark && uname -m > /machine\n",
    );
    place
}

fn second_engine() -> String {
    std::env::var("STEVEDORE_LAB_SECOND_HOST").expect("lab/up second")
}

/// What all jobs of a run have in common.
struct Matrix<'a> {
    lab: &'a Lab,
    /// Its names are this test's.
    place: Place,
    images: String,
    version: &'static str,
    plan: String,
}

impl<'a> Matrix<'a> {
    /// The first job is done: a version of these images, which have the test's mark for
    /// `MARK`.
    fn plan(lab: &'a Lab, images: &str, version: &'static str) -> Self {
        Self::plan_with(lab, images, version, |step| step)
    }

    /// The same with what else the first job is given.
    fn plan_with(
        lab: &'a Lab,
        images: &str,
        version: &'static str,
        and: impl Fn(Step) -> Step,
    ) -> Self {
        let place = job();
        let images = images.replace("MARK", &place.mark().to_lowercase());
        let mut matrix = Self {
            lab,
            place,
            images,
            version,
            plan: String::new(),
        };
        let planned = and(matrix.first_job()).run().unwrap();
        green(&planned);
        matrix.plan = planned.outputs["plan"].clone();
        matrix
    }

    /// The next version of the same images.
    fn next(&self, version: &'static str) -> Self {
        self.next_with(version, |step| step)
    }

    /// The same with what else the first job is given.
    fn next_with(&self, version: &'static str, and: impl Fn(Step) -> Step) -> Self {
        Self::plan_with(self.lab, &self.images, version, and)
    }

    fn first_job(&self) -> Step {
        let step = self.lab.step_of(&self.place, "plan");
        self.of_all(step).with("runners", RUNNERS)
    }

    /// The inputs that all jobs have.
    fn of_all(&self, step: Step) -> Step {
        self.of_event(step)
            .with("images", &self.images)
            .with("tags", TAGS)
            .with("cache", "none")
            .with(
                "build-args",
                format!("BASE={}\nMARK={{{{version}}}}", self.lab.open_base),
            )
    }

    fn of_event(&self, step: Step) -> Step {
        step.git_ref(format!("refs/tags/v{}", self.version))
    }

    /// The job for amd64, with the engine that stands for its runner.
    fn amd64(&self, place: &Place) -> Step {
        self.leg(place, 0).env("DOCKER_HOST", classic())
    }

    /// The job for arm64.
    fn arm64(&self, place: &Place, bridge: &Bridge) -> Step {
        self.leg(place, 1)
            .env("DOCKER_HOST", second_engine())
            .with("driver", "remote")
            .with("endpoint", bridge.endpoint())
    }

    fn leg(&self, place: &Place, index: usize) -> Step {
        self.of_all(self.lab.step(place))
            .with("plan", &self.plan)
            .with("leg", index.to_string())
    }

    /// Both, at the same time, with what else they are given.
    fn build(&self, and: impl Fn(Step) -> Step) -> [StepRun; 2] {
        let places = [job(), job()];
        let bridge = Bridge::to(&places[1], "second", &second_engine());
        let amd64 = and(self.amd64(&places[0])).start().unwrap();
        let arm64 = and(self.arm64(&places[1], &bridge)).start().unwrap();
        [amd64, arm64].map(|running| running.wait().unwrap())
    }

    /// Both, which succeed: their results.
    fn results(&self) -> Value {
        let runs = self.build(|step| step);
        runs.iter().for_each(green);
        results(&runs)
    }

    /// The last job.
    fn merge(&self, place: &Place, results: &Value) -> Step {
        self.of_event(self.lab.step_of(place, "merge"))
            .with("plan", &self.plan)
            .with("results", results.to_string())
    }

    /// The reference of a tag of the first image.
    fn tag(&self, tag: &str) -> String {
        let image = self.images.lines().next().unwrap();
        format!("{image}:{tag}")
    }

    /// What a reference stands for, `None` for nothing.
    fn digest(&self, reference: &str) -> Option<String> {
        self.place.digest(reference)
    }
}

fn green(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    clean(run);
}

/// The outputs of legs as GitHub gives them to the next job: those that have a value.
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
