//! What BuildKit's checks of Dockerfiles found: annotations on their lines.

use tracing::warn;

use crate::execute::{BuildCheck, Outcome};
use crate::plan::Plan;

/// Tells what was found in each build.
pub fn annotate(plan: &Plan, outcome: &Outcome) {
    let is_known = plan.builds.len() == 1 || plan.display.is_typed;
    for (build, built) in plan.builds.iter().zip(&outcome.builds) {
        for check in &built.result.checks {
            let BuildCheck {
                rule, message, url, ..
            } = check;
            // An older buildx does not say of several targets whose Dockerfile it is.
            let place = check.place.as_ref().filter(|_| is_known);
            match place.and_then(|(name, line)| build.line_of(name, *line)) {
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
