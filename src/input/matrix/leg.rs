//! The inputs `plan` and `leg`: a job that builds its part of an image.

use crate::error::InputProblem;
use crate::image::Platform;
use crate::input::matrix::model::{Leg, MatrixPlan, PlannedImage};
use crate::input::reader::Reader;

/// Why a plan may be empty.
pub const DROPPED: &str = "is empty. GitHub drops an output that holds a masked value: is a secret, \
                           such as a user's name, part of `images`, `labels` or a tag?";
/// Where a plan comes from.
pub const FROM_PLAN: &str =
    "the output `plan` of the job that has planned, ${{ needs.plan.outputs.plan }}";

/// A job that builds its part of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedLeg {
    /// What all jobs have in common.
    pub plan: MatrixPlan,
    /// Its place among the legs, from 0.
    pub index: usize,
    /// The number of the job, for a link.
    pub job: Option<u64>,
}

impl PlannedLeg {
    /// The leg itself.
    pub fn leg(&self) -> &Leg {
        &self.plan.legs[self.index]
    }

    /// The image that it builds for a target, or the one.
    pub fn image(&self, target: Option<&str>) -> Option<&PlannedImage> {
        self.plan.image(target)
    }

    /// What it builds of an image.
    pub fn platforms_of(&self, target: Option<&str>) -> Vec<Platform> {
        let all = self.image(target).map(|image| &image.platforms);
        let own = all.into_iter().flatten();
        own.filter(|platform| self.leg().platforms.contains(platform))
            .cloned()
            .collect()
    }

    /// True where another job joins and names what it builds.
    pub fn is_joined(&self) -> bool {
        self.plan.publishes && !self.plan.is_alone()
    }
}

impl Reader<'_> {
    /// The leg that a step is, where it is one.
    pub fn leg(&mut self) -> Option<PlannedLeg> {
        let (plan, leg) = (self.raw.given("plan"), self.raw.given("leg"));
        let (plan, leg) = match (plan, leg) {
            (None, None) => return None,
            (None, Some(_)) => {
                self.refuse("plan", "", DROPPED, FROM_PLAN);
                return None;
            }
            (Some(_), None) => {
                let accepted = "the place of this job among the legs, ${{ matrix.leg }}";
                self.refuse("leg", "", "is empty, and `plan` is given", accepted);
                return None;
            }
            (Some(plan), Some(leg)) => (plan, leg),
        };
        let plan = match MatrixPlan::parse(plan) {
            Ok(plan) => plan,
            Err(why) => {
                self.refuse("plan", "", &why, FROM_PLAN);
                return None;
            }
        };
        let Some(index) = leg.parse().ok().filter(|index| *index < plan.legs.len()) else {
            let accepted = format!("a number below {}, ${{{{ matrix.leg }}}}", plan.legs.len());
            self.refuse("leg", leg, "is not a leg of the plan", &accepted);
            return None;
        };
        let job = self.raw.get("job-id").parse().ok();
        Some(PlannedLeg { plan, index, job })
    }
}

/// What is wrong with a plan that is of another run.
pub fn foreign_plan(
    plan: &MatrixPlan,
    repository: &str,
    run: &str,
    sha: &str,
) -> Option<InputProblem> {
    let of = [
        ("repository", &plan.repository, repository),
        ("run", &plan.run, run),
        ("commit", &plan.sha, sha),
    ];
    let (what, theirs, _) = of.into_iter().find(|(_, theirs, ours)| *theirs != ours)?;
    let why = format!("is of another {what}");
    Some(InputProblem::new("plan", theirs.as_str(), why, FROM_PLAN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Preflight;
    use crate::input::matrix::model::tests::plan;
    use crate::input::testing::parsed;

    #[test]
    fn a_leg_has_its_platforms_and_the_names_of_the_plan() {
        let plan = plan(&["linux/amd64", "linux/arm64"]).to_json().unwrap();
        let (inputs, problems) = parsed(&[("plan", &plan), ("leg", "1"), ("job-id", "42")]);
        assert_eq!(problems, Vec::<String>::new());
        let leg = inputs.leg.unwrap();
        assert_eq!(
            (leg.job, leg.leg().name()),
            (Some(42), "linux/arm64".to_owned())
        );
        assert_eq!(inputs.platforms, leg.leg().platforms);
        assert_eq!(inputs.metadata.images[0].name, "ghcr.io/acme/app");
        assert_eq!(inputs.preflight, Preflight::Off);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let plan = plan(&["linux/amd64"]).to_json().unwrap();
        for (given, expected) in [
            (vec![("leg", "0")], "plan: is empty. GitHub drops"),
            (vec![("plan", plan.as_str())], "leg: is empty"),
            (vec![("plan", "{}"), ("leg", "0")], "plan: is not a plan"),
            (
                vec![("plan", &plan), ("leg", "1")],
                "leg: \"1\": is not a leg",
            ),
            (
                vec![("plan", &plan), ("leg", "x")],
                "leg: \"x\": is not a leg",
            ),
        ] {
            let (_, problems) = parsed(&given);
            assert!(problems[0].starts_with(expected), "{problems:?}");
        }
    }

    #[test]
    fn a_plan_is_of_one_run() {
        let plan = plan(&["linux/amd64"]);
        let of = |run, sha| foreign_plan(&plan, "acme/app", run, sha).map(|problem| problem.why);
        assert_eq!(of("1", &plan.sha), None);
        assert_eq!(of("2", &plan.sha).as_deref(), Some("is of another run"));
        assert_eq!(of("1", "2").as_deref(), Some("is of another commit"));
    }
}
