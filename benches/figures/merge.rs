//! What 20 jobs have pushed, a platform each, joined into one image in registries that
//! are 80 ms away: against `docker-buildx imagetools create` of the same parts.

use std::error::Error;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{Place, lab};
use crate::slow::{SlowRegistry, ratio};
use crate::table::Figure;
use crate::timing::time;

const ROUNDS: usize = 3;
const PLATFORMS: [&str; 20] = [
    "linux/386",
    "linux/amd64",
    "linux/amd64/v2",
    "linux/amd64/v3",
    "linux/amd64/v4",
    "linux/arm/v5",
    "linux/arm/v6",
    "linux/arm/v7",
    "linux/arm64",
    "linux/loong64",
    "linux/mips64",
    "linux/mips64le",
    "linux/mipsle",
    "linux/ppc64",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
    "freebsd/amd64",
    "freebsd/arm64",
    "netbsd/amd64",
];

pub(crate) fn figures(place: &Place) -> Result<Vec<Figure>, Box<dyn Error>> {
    let upstream = lab("STEVEDORE_LAB_OPEN_REGISTRY")?;
    let slow: Vec<SlowRegistry> = (0..3)
        .map(|_| SlowRegistry::start(&upstream))
        .collect::<Result<_, _>>()?;
    let workspace = place.path("merge");
    fs::create_dir(&workspace)?;
    fs::write(workspace.join("Dockerfile"), "FROM scratch\nCOPY . /\n")?;
    let bench = Merges { place, slow };
    [
        ("10 tags joined, to imagetools create", 1, 10, 0.1),
        ("50 tags joined, to imagetools create", 1, 50, 0.05),
        ("50 tags in 3 registries, to it in one", 3, 50, 0.05),
    ]
    .into_iter()
    .map(|(name, registries, tags, bound)| bench.figure(name, registries, tags, bound))
    .collect()
}

struct Merges<'a> {
    place: &'a Place,
    slow: Vec<SlowRegistry>,
}

impl Merges<'_> {
    fn image(&self, registry: usize, name: &str) -> String {
        format!("{}/bench/merge-{name}", self.slow[registry].address)
    }

    fn count(&self) -> usize {
        self.slow.iter().map(SlowRegistry::count).sum()
    }

    /// Pushes an image for each platform; the digests of the parts.
    fn parts(&self, images: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
        let mut command = self.buildx()?;
        command.args(["build", "--push", "--provenance=false"]);
        command.args(["--platform", &PLATFORMS.join(",")]);
        for image in images {
            command.args(["--tag", &format!("{image}:parts")]);
        }
        time(command.arg(self.place.path("merge")))?;
        let mut inspect = self.buildx()?;
        inspect.args(["imagetools", "inspect", "--raw"]);
        let raw = inspect.arg(format!("{}:parts", images[0])).output()?;
        let index: Value = serde_json::from_slice(&raw.stdout)?;
        let all = index["manifests"].as_array().cloned().unwrap_or_default();
        let digests = all.iter().filter_map(|one| one["digest"].as_str());
        Ok(digests.map(str::to_owned).collect())
    }

    fn buildx(&self) -> Result<Command, String> {
        Ok(self.place.command(lab("STEVEDORE_LAB_BUILDX")?))
    }

    fn figure(
        &self,
        name: &'static str,
        registries: usize,
        tags: usize,
        bound: f64,
    ) -> Result<Figure, Box<dyn Error>> {
        let images: Vec<String> = (0..registries)
            .map(|n| self.image(n, &format!("{registries}-{tags}")))
            .collect();
        let parts = self.parts(&images)?;
        let plan = self.plan(&images, tags)?;
        let results = results(&plan, &parts)?;
        let inputs = [format!("plan={plan}"), format!("results={results}")];
        let mut times: [Vec<Duration>; 2] = Default::default();
        let mut requests = [0; 2];
        for _ in 0..ROUNDS {
            let ours = self
                .place
                .run("merge", &["--with", &inputs[0], "--with", &inputs[1]]);
            let commands = [self.create(&images[0], &parts, tags)?, ours];
            for (index, mut command) in commands.into_iter().enumerate() {
                self.count();
                times[index].push(time(&mut command)?);
                requests[index] = self.count();
            }
        }
        Ok(ratio(name, bound, &times, requests))
    }

    /// `imagetools create` of the parts, in the registry that has them. To take 50 tags
    /// to three registries takes it minutes.
    fn create(&self, image: &str, parts: &[String], tags: usize) -> Result<Command, String> {
        let mut command = self.buildx()?;
        command.args(["imagetools", "create"]);
        for tag in 0..tags {
            command.args(["--tag", &format!("{image}:v{tag}")]);
        }
        command.args(parts.iter().map(|digest| format!("{image}@{digest}")));
        Ok(command)
    }

    fn plan(&self, images: &[String], tags: usize) -> Result<String, Box<dyn Error>> {
        let rules: Vec<String> = (0..tags).map(|n| format!("type=raw,value=v{n}")).collect();
        let runners: Vec<String> = PLATFORMS.iter().map(|one| format!("{one}={one}")).collect();
        let inputs = [
            format!("images={}", images.join("\n")),
            format!("tags={}", rules.join("\n")),
            format!("platforms={}", PLATFORMS.join(",")),
            format!("runners={}", runners.join("\n")),
            "flavor=latest=false".to_owned(),
        ];
        let mut arguments = vec!["--format", "json"];
        arguments.extend(inputs.iter().flat_map(|input| ["--with", input.as_str()]));
        let printed = self.place.run("plan", &arguments).output()?;
        if !printed.status.success() {
            return Err(String::from_utf8_lossy(&printed.stderr).into_owned().into());
        }
        let plan: Value = serde_json::from_slice(&printed.stdout)?;
        Ok(plan.to_string())
    }
}

/// What the legs of a plan tell that have pushed these parts.
fn results(plan: &str, parts: &[String]) -> Result<String, Box<dyn Error>> {
    let plan: Value = serde_json::from_str(plan)?;
    let legs = parts.iter().enumerate().map(|(leg, digest)| {
        let image = json!({
            "image": 0, "digest": digest, "repositories": 1, "attestations": 0, "steps": 0, "cached": 0,
        });
        let result = json!({
            "schema": 1, "plan": plan["id"], "leg": leg, "outcome": "success", "seconds": 1.0,
            "images": [image],
        });
        (format!("leg-{leg}"), Value::String(result.to_string()))
    });
    Ok(Value::Object(legs.collect()).to_string())
}
