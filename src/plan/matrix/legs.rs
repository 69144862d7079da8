//! The jobs that build an image: one for each runner, and of several targets one for
//! each target and runner.

use crate::error::InputProblem;
use crate::image::Platform;
use crate::input::matrix::{Leg, MOST_LEGS, Runners};

/// What is built: a target, if it is one of a bake file, and its platforms.
pub type TargetPlatforms<'a> = (Option<&'a str>, &'a [Platform]);

/// The legs. Where one runner builds everything, it is one leg.
///
/// # Errors
/// When there are more than there are outputs for.
pub fn legs(images: &[TargetPlatforms<'_>], runners: &Runners) -> Result<Vec<Leg>, InputProblem> {
    let mut legs: Vec<Leg> = images
        .iter()
        .flat_map(|image| of_image(*image, runners))
        .collect();
    if let [first, rest @ ..] = legs.as_mut_slice()
        && rest.iter().all(|leg| leg.runner == first.runner)
    {
        for leg in rest {
            first.take_in(leg);
        }
        legs.truncate(1);
    }
    if legs.len() > MOST_LEGS {
        let why = format!(
            "give {} jobs, and there are outputs for {MOST_LEGS}",
            legs.len()
        );
        let accepted = "fewer targets or runners; two calls of the workflow share the targets";
        return Err(InputProblem::new("platforms", "", why, accepted));
    }
    Ok(legs)
}

fn of_image((target, platforms): TargetPlatforms<'_>, runners: &Runners) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    for platform in platforms {
        let labels = runners.labels(platform);
        match legs.iter_mut().find(|leg| leg.runner == labels) {
            Some(leg) => leg.platforms.push(platform.clone()),
            None => legs.push(Leg {
                runner: labels,
                platforms: vec![platform.clone()],
                targets: target.into_iter().map(str::to_owned).collect(),
            }),
        }
    }
    legs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(images: &[(Option<&str>, &str)], runners: &str) -> Vec<String> {
        let (runners, _) = Runners::parse(runners);
        let images: Vec<(Option<&str>, Vec<Platform>)> = images
            .iter()
            .map(|(target, platforms)| {
                let platforms = platforms.split(',').map(|one| one.parse().unwrap());
                (*target, platforms.collect())
            })
            .collect();
        let built: Vec<TargetPlatforms<'_>> = images
            .iter()
            .map(|(target, platforms)| (*target, platforms.as_slice()))
            .collect();
        let legs = legs(&built, &runners).unwrap();
        legs.iter()
            .map(|leg| format!("{}: {}", leg.runner.join("+"), leg.name()))
            .collect()
    }

    #[test]
    fn each_runner_has_one() {
        const TWO: &str = "linux/amd64,linux/arm64";
        for (images, runners, expected) in [
            (
                vec![(None, "linux/amd64,linux/arm64,linux/arm/v7,linux/s390x")],
                "",
                vec![
                    "ubuntu-24.04: linux/amd64, linux/s390x",
                    "ubuntu-24.04-arm: linux/arm64, linux/arm/v7",
                ],
            ),
            (
                vec![(None, TWO)],
                "*=mine",
                vec!["mine: linux/amd64, linux/arm64"],
            ),
            (
                vec![(Some("api"), TWO), (Some("web"), "linux/amd64")],
                "linux/arm64=self-hosted, arm",
                vec![
                    "ubuntu-24.04: api, linux/amd64",
                    "self-hosted+arm: api, linux/arm64",
                    "ubuntu-24.04: web, linux/amd64",
                ],
            ),
            (
                vec![(Some("api"), "linux/amd64"), (Some("web"), "linux/amd64")],
                "",
                vec!["ubuntu-24.04: api, web, linux/amd64"],
            ),
        ] {
            assert_eq!(names(&images, runners), expected);
        }
    }

    #[test]
    fn there_are_no_more_than_outputs() {
        let platforms: Vec<Platform> = ["linux/amd64", "linux/arm64"]
            .map(|one| one.parse().unwrap())
            .into();
        let names: Vec<String> = (0..33).map(|number| format!("t{number}")).collect();
        let built: Vec<TargetPlatforms<'_>> = names
            .iter()
            .map(|name| (Some(name.as_str()), platforms.as_slice()))
            .collect();
        assert!(legs(&built[..32], &Runners::default()).is_ok());
        assert!(legs(&built, &Runners::default()).is_err());
    }
}
