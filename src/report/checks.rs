//! What BuildKit's checks of Dockerfiles found: annotations on their lines.

use tracing::warn;

use crate::execute::{BuildCheck, Outcome};
use crate::plan::{Build, Plan};

/// Tells what was found in each build.
pub fn tell(plan: &Plan, outcome: &Outcome) {
    let is_alone = plan.builds.len() == 1;
    for (build, built) in plan.builds.iter().zip(&outcome.builds) {
        for check in &built.result.checks {
            let BuildCheck {
                rule, message, url, ..
            } = check;
            // Of several targets nobody says whose Dockerfile it is.
            match place(build, check).filter(|_| is_alone) {
                Some((file, line)) => {
                    warn!(
                        title = rule,
                        file,
                        line = u64::from(line),
                        "{message}. {url}"
                    );
                }
                None => warn!(title = rule, "{message}. {url}"),
            }
        }
    }
}

/// The Dockerfile in the repository, and the line.
fn place<'a>(build: &'a Build, check: &BuildCheck) -> Option<(&'a str, u32)> {
    let (name, line) = check.place.as_ref()?;
    let path = build.dockerfile.as_deref()?;
    (path.rsplit('/').next() == Some(name.as_str())).then_some((path, *line))
}
