//! Images for an engine that can hold one platform of them only: without the
//! containerd image store, or by way of an archive for `docker load`.

use crate::error::InputProblem;
use crate::facts::Engine;
use crate::image::Platform;
use crate::input::Inputs;
use crate::input::build::output::{Exporter, Output};
use crate::plan::builder::model::CONTAINERD_DOCS;
use crate::plan::image::publication::Publication;

/// What would fail at the end of the build, whatever builds it.
pub fn problems(
    inputs: &Inputs,
    engine: &Engine,
    publication: &Publication,
    platforms: &[Platform],
) -> Vec<InputProblem> {
    if platforms.len() < 2 || !publication.builds() {
        return Vec::new();
    }
    let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    let built = format!("the build is for {}", names.join(" and "));
    let mut problems = Vec::new();
    let docker = |output: &&Output| output.exporter == Exporter::Docker;
    let to_file = |output: &&Output| output.attribute("dest").is_some();
    let outputs = inputs.build.outputs.iter().filter(docker);
    for output in outputs.clone().filter(to_file) {
        let why = format!("an archive of `type=docker` holds one platform, and {built}");
        let accepted = "`type=oci`, or one entry in `platforms`";
        problems.push(InputProblem::new("outputs", &output.text, why, accepted));
    }
    let Engine::Running {
        version,
        containerd_store: false,
    } = engine
    else {
        return problems;
    };
    // One with a `context` goes to another engine.
    let to_engine = |output: &&Output| !to_file(output) && output.attribute("context").is_none();
    let outputs = outputs
        .filter(to_engine)
        .map(|output| ("outputs", output.text.as_str()));
    let load = publication.load.then_some(("load", "true"));
    for (input, value) in load.into_iter().chain(outputs) {
        let why = format!(
            "Docker Engine {version} with the classic image store holds one platform of an image, \
             and {built}"
        );
        let accepted = format!(
            "one entry in `platforms`; `push` in its place; or an engine with the containerd image \
             store ({CONTAINERD_DOCS})"
        );
        problems.push(InputProblem::new(input, value, why, accepted));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunContext;
    use crate::plan::findings::Findings;
    use crate::plan::image::output_names::OutputNames;
    use crate::plan::image::publication;
    use crate::plan::testing::{engine, inputs};

    #[test]
    fn several_platforms_go_to_no_engine_with_the_classic_store() {
        let (one, two) = ("linux/arm64", "linux/amd64,linux/arm64");
        for (given, store, platforms, expected) in [
            (("load", "true"), false, two, "load"),
            (("load", "true"), true, two, ""),
            (("load", "true"), false, one, ""),
            (("outputs", "type=docker"), false, two, "outputs"),
            (("outputs", "type=docker"), true, two, ""),
            (("outputs", "type=docker,context=far"), false, two, ""),
            (("outputs", "type=docker,dest=a.tar"), true, two, "outputs"),
            (("outputs", "type=docker,dest=a.tar"), true, one, ""),
            (("outputs", "type=oci,dest=a.tar"), false, two, ""),
            (("call", "check"), false, two, ""),
        ] {
            let inputs = inputs(&[given]);
            let named = OutputNames::of(&inputs, &mut Findings::default());
            let publication = publication::decide(&inputs, &named, &RunContext::default(), false);
            let platforms: Vec<Platform> = platforms
                .split(',')
                .map(|one| one.parse().unwrap())
                .collect();
            let problems = problems(&inputs, &engine(store), &publication, &platforms);
            let found: Vec<&str> = problems.iter().map(|one| one.input.as_str()).collect();
            assert_eq!(found.join(" "), expected, "{given:?} {store}");
        }
    }
}
