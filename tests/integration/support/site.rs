//! A small site as the image, and what a run that succeeded looks like.

use crate::support::{Lab, Place};
use lab_runner::{Step, StepRun};

const DOCKERFILE: &str = "ARG BASE=scratch
FROM --platform=$BUILDPLATFORM ${BASE} AS site
RUN echo site > /site

FROM ${BASE} AS production
COPY --from=site /site /site
RUN uname -m > /machine
CMD [\"cat\", \"/machine\"]
";

pub(crate) fn place() -> Place {
    let place = Place::new();
    place.write("workspace/Dockerfile", DOCKERFILE);
    place
}

pub(crate) fn publish(lab: &Lab, place: &Place, image: &str) -> Step {
    lab.step_with_login(place)
        .with("images", format!("{}/{image}", lab.registry))
        .with("build-args", format!("BASE={}", lab.base))
}

pub(crate) fn succeeded(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    clean(run);
}

/// Nothing of a run is left: no file, no process, no secret in what is shown.
pub(crate) fn clean(run: &StepRun) {
    assert_eq!(
        run.leftovers,
        Vec::<std::path::PathBuf>::new(),
        "{}",
        run.log
    );
    assert_eq!(run.orphans, Vec::<String>::new(), "{}", run.log);
    assert!(run.dropped_outputs.is_empty(), "{:?}", run.dropped_outputs);
    assert!(
        !run.masks.iter().any(|mask| run.summary.contains(mask)),
        "{}",
        run.summary
    );
    assert!(
        !run.masks.iter().any(|mask| run.shown.contains(mask)),
        "{}",
        run.shown
    );
}
