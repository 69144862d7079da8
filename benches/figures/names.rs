//! Many names of one image, in a registry that is 80 ms away: against the bare
//! `docker-buildx build --push` of the same names. Warm cache, in turns.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::place::{Place, lab};
use crate::slow::{SlowRegistry, ratio};
use crate::table::Figure;
use crate::timing::time;

const ROUNDS: usize = 3;

/// What is published: the figure's name, how many repositories and names in each, and
/// the bound.
const CASES: [(&str, usize, usize, f64); 3] = [
    ("1 name, to the bare build", 1, 1, 0.9),
    ("8 names of one repository, to the bare build", 1, 8, 0.4),
    ("20 names of two repositories, to the bare", 2, 10, 0.2),
];

pub(crate) fn figures(place: &Place) -> Result<Vec<Figure>, Box<dyn Error>> {
    let slow = SlowRegistry::start(&lab("STEVEDORE_LAB_OPEN_REGISTRY")?)?;
    let workspace = place.path("names");
    fs::create_dir(&workspace)?;
    let base = lab("STEVEDORE_LAB_OPEN_BASE")?;
    fs::write(
        workspace.join("Dockerfile"),
        format!("FROM {base}\nRUN echo named > /named\n"),
    )?;
    let many = Many {
        place,
        slow,
        workspace,
    };
    CASES
        .into_iter()
        .map(|(name, repositories, names, bound)| many.figure(name, repositories, names, bound))
        .collect()
}

struct Many<'a> {
    place: &'a Place,
    slow: SlowRegistry,
    workspace: PathBuf,
}

impl Many<'_> {
    fn figure(
        &self,
        name: &'static str,
        repositories: usize,
        names: usize,
        bound: f64,
    ) -> Result<Figure, Box<dyn Error>> {
        let images: Vec<String> = (0..repositories)
            .map(|n| format!("{}/bench/names-{n}", self.slow.address))
            .collect();
        let tags: Vec<String> = (0..names).map(|n| format!("v{n}")).collect();
        let mut times: [Vec<Duration>; 2] = Default::default();
        let mut requests = [0; 2];
        // The first round fills the caches and is not counted.
        for round in 0..=ROUNDS {
            let taken = [self.bare(&images, &tags)?, self.ours(&images, &tags)?];
            for (index, (taken, count)) in taken.into_iter().enumerate() {
                if round > 0 {
                    times[index].push(taken);
                    requests[index] = count;
                }
            }
        }
        Ok(ratio(name, bound, &times, requests))
    }

    fn bare(
        &self,
        images: &[String],
        tags: &[String],
    ) -> Result<(Duration, usize), Box<dyn Error>> {
        let mut command = self.place.command(lab("STEVEDORE_LAB_BUILDX")?);
        command.args(["build", "--push", "--platform", "linux/amd64,linux/arm64"]);
        command.args(["--attest", "type=provenance,mode=max", "--metadata-file"]);
        command.arg(self.place.path("names.json"));
        for (image, tag) in images
            .iter()
            .flat_map(|image| tags.iter().map(move |tag| (image, tag)))
        {
            command.args(["--tag", &format!("{image}:{tag}")]);
        }
        self.slow.count();
        let took = time(command.arg(".").current_dir(&self.workspace))?;
        Ok((took, self.slow.count()))
    }

    fn ours(
        &self,
        images: &[String],
        tags: &[String],
    ) -> Result<(Duration, usize), Box<dyn Error>> {
        let images = format!("images={}", images.join("\n"));
        let rules: Vec<String> = tags
            .iter()
            .map(|tag| format!("type=raw,value={tag}"))
            .collect();
        let rules = format!("tags={}", rules.join("\n"));
        let mut command = self.place.publish(&[
            "--with",
            &images,
            "--with",
            &rules,
            "--with",
            "context=.",
            "--with",
            "cache=none",
            "--with",
            "flavor=latest=false",
        ]);
        self.slow.count();
        let took = time(command.current_dir(&self.workspace))?;
        Ok((took, self.slow.count()))
    }
}
