//! Which way the content of an image goes by this builder.

use crate::error::InputProblem;
use crate::facts::Facts;
use crate::input::Inputs;
use crate::input::builder::model::Driver;
use crate::plan::builder::model::{Builder, BuilderChoice};
use crate::plan::image::content::Content;
use crate::plan::image::publication::Publication;

/// The drivers that push an image by its digest alone.
const BY_DIGEST: [Driver; 3] = [Driver::DockerContainer, Driver::Kubernetes, Driver::Remote];

/// Exporters of the workflow's name and push the image themselves. What is loaded
/// too has a second exporter, whose digest is another one.
pub fn decide(
    inputs: &Inputs,
    facts: &Facts,
    builder: &Builder,
    publication: &Publication,
) -> Content {
    if !publication.pushes_tags() || !inputs.build.outputs.is_empty() {
        return Content::WithNames;
    }
    let pushes_by_digest = match &builder.choice {
        BuilderChoice::Engine => return of_engine(facts),
        BuilderChoice::Named(name) => {
            let driver = facts.builder.driver_of(name);
            driver.is_some_and(|driver| BY_DIGEST.iter().any(|one| one.to_string() == driver))
        }
        BuilderChoice::Created(made) => BY_DIGEST.contains(&made.driver),
    };
    if pushes_by_digest && !publication.load {
        Content::ByDigest
    } else {
        Content::WithNames
    }
}

/// Out of the store of an engine whose API can be reached from here.
fn of_engine(facts: &Facts) -> Content {
    if facts.docker.endpoint.address().starts_with("ssh://") {
        Content::WithNames
    } else {
        Content::FromEngine
    }
}

/// What needs content without a name, where this builder sends none.
pub fn unnamed_content_problem(
    inputs: &Inputs,
    publication: &Publication,
    content: Content,
) -> Option<InputProblem> {
    let input = inputs.unnamed_content()?;
    let is_wrong = publication.pushes_tags() && content != Content::ByDigest;
    is_wrong.then(|| {
        let why = "this builder pushes the content together with a name";
        let accepted = "a builder with the driver docker-container, remote or kubernetes, without \
                        `outputs` and `load`";
        let value = if inputs.all_or_none { "true" } else { "" };
        InputProblem::new(input, value, why, accepted)
    })
}
