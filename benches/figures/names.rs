//! Many names of one image, in a registry that is 80 ms away: against the bare
//! `docker-buildx build --push` of the same names. Warm cache, in turns.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::place::{Place, lab};
use crate::slow::{SlowRegistry, ratio};
use crate::table::Figure;
use crate::timing::{in_turns, time};

/// The builder that pushes by digest.
const BUILDER: &str = "bench-names";

/// What is published.
struct Case {
    name: &'static str,
    repositories: usize,
    /// In each of them.
    names: usize,
    bound: f64,
    /// A builder in a container, in place of the engine's own.
    by_digest: bool,
    /// How often each is measured: the bare build of 20 names takes 20 s.
    rounds: usize,
}

const CASES: [Case; 5] = [
    Case {
        name: "1 name, to the bare build",
        repositories: 1,
        names: 1,
        bound: 0.9,
        by_digest: false,
        rounds: 15,
    },
    Case {
        name: "8 names of one repository, to the bare build",
        repositories: 1,
        names: 8,
        bound: 0.4,
        by_digest: false,
        rounds: 3,
    },
    Case {
        name: "20 names of two repositories, to the bare",
        repositories: 2,
        names: 10,
        bound: 0.2,
        by_digest: false,
        rounds: 3,
    },
    Case {
        name: "1 name by its digest, to the bare build",
        repositories: 1,
        names: 1,
        bound: 1.25,
        by_digest: true,
        rounds: 15,
    },
    Case {
        name: "20 names of two repositories by digest",
        repositories: 2,
        names: 10,
        bound: 0.2,
        by_digest: true,
        rounds: 3,
    },
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
        classic: lab("STEVEDORE_LAB_CLASSIC_HOST")?,
    };
    let create = ["create", "--name", BUILDER, "--driver", "docker-container"];
    let mut create = many.buildx(&create)?;
    create.args(["--driver-opt", "network=host"]);
    time(create.env("DOCKER_HOST", &many.classic))?;
    let figures = CASES.iter().map(|case| many.figure(case)).collect();
    let mut remove = many.buildx(&["rm", BUILDER])?;
    time(remove.env("DOCKER_HOST", &many.classic))?;
    figures
}

struct Many<'a> {
    place: &'a Place,
    slow: SlowRegistry,
    workspace: PathBuf,
    /// The engine that runs the builder.
    classic: String,
}

impl Many<'_> {
    fn buildx(&self, arguments: &[&str]) -> Result<Command, String> {
        let mut command = self.place.command(lab("STEVEDORE_LAB_BUILDX")?);
        command.args(arguments);
        Ok(command)
    }

    fn figure(&self, case: &Case) -> Result<Figure, Box<dyn Error>> {
        let images: Vec<String> = (0..case.repositories)
            .map(|n| format!("{}/bench/names-{n}", self.slow.address))
            .collect();
        let tags: Vec<String> = (0..case.names).map(|n| format!("v{n}")).collect();
        let measured = in_turns(
            case.rounds,
            [&|| self.bare(case, &images, &tags), &|| {
                self.ours(case, &images, &tags)
            }],
        )?;
        let requests = measured
            .each_ref()
            .map(|all| all.last().map_or(0, |one| one.1));
        let times = measured.map(|all| all.into_iter().map(|one| one.0).collect());
        Ok(ratio(case.name, case.bound, &times, requests))
    }

    /// Measures a command of a case.
    fn measure(
        &self,
        case: &Case,
        mut command: Command,
    ) -> Result<(Duration, usize), Box<dyn Error>> {
        if case.by_digest {
            command.env("DOCKER_HOST", &self.classic);
        }
        self.slow.count();
        let took = time(command.current_dir(&self.workspace))?;
        Ok((took, self.slow.count()))
    }

    fn bare(
        &self,
        case: &Case,
        images: &[String],
        tags: &[String],
    ) -> Result<(Duration, usize), Box<dyn Error>> {
        let mut command = self.buildx(&["build", "--push"])?;
        command.args(["--platform", "linux/amd64,linux/arm64"]);
        if case.by_digest {
            command.args(["--builder", BUILDER]);
        }
        command.args(["--attest", "type=provenance,mode=max", "--metadata-file"]);
        command.arg(self.place.path("names.json"));
        for (image, tag) in images
            .iter()
            .flat_map(|image| tags.iter().map(move |tag| (image, tag)))
        {
            command.args(["--tag", &format!("{image}:{tag}")]);
        }
        command.arg(".");
        self.measure(case, command)
    }

    fn ours(
        &self,
        case: &Case,
        images: &[String],
        tags: &[String],
    ) -> Result<(Duration, usize), Box<dyn Error>> {
        let images = format!("images={}", images.join("\n"));
        let rules: Vec<String> = tags
            .iter()
            .map(|tag| format!("type=raw,value={tag}"))
            .collect();
        let rules = format!("tags={}", rules.join("\n"));
        let mut inputs = vec![
            images,
            rules,
            "context=.".to_owned(),
            "cache=none".to_owned(),
            "flavor=latest=false".to_owned(),
        ];
        if case.by_digest {
            inputs.push(format!("builder={BUILDER}"));
        }
        let with = inputs.into_iter();
        let arguments: Vec<String> = with.flat_map(|one| ["--with".to_owned(), one]).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.measure(case, self.place.publish(&arguments))
    }
}
