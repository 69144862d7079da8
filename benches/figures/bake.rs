//! Ten images of one folder: by one step with a bake file, against ten steps and
//! against the bare `docker-buildx bake --push`. Warm cache, in turns.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::place::{Place, lab};
use crate::table::Figure;
use crate::timing::{in_turns, median, range, time};

const ROUNDS: usize = 7;
const IMAGES: usize = 10;

pub(crate) fn figures(place: &Place) -> Result<[Figure; 2], Box<dyn Error>> {
    let ten = Ten::prepare(place)?;
    let times = in_turns(ROUNDS, [&|| ten.bare(), &|| ten.bake(), &|| ten.steps()])?;
    let [bare, bake, steps] = &times;
    let how = |other: &[Duration]| {
        format!(
            "medians of {ROUNDS}: {:.3} s ({}) to {:.3} s ({}), ratio {:.2}",
            median(bake),
            range(bake),
            median(other),
            range(other),
            median(bake) / median(other)
        )
    };
    Ok([
        Figure {
            name: "ten images by bake, to ten steps",
            measured: median(bake) / median(steps),
            bound: 0.6,
            unit: "x",
            how: how(steps),
        },
        Figure {
            name: "ten images by bake, to the bare bake",
            measured: median(bake) / median(bare),
            bound: 1.1,
            unit: "x",
            how: how(bare),
        },
    ])
}

struct Ten<'a> {
    place: &'a Place,
    registry: String,
    workspace: PathBuf,
}

impl<'a> Ten<'a> {
    fn prepare(place: &'a Place) -> Result<Self, Box<dyn Error>> {
        let registry = lab("STEVEDORE_LAB_OPEN_REGISTRY")?;
        let base = lab("STEVEDORE_LAB_OPEN_BASE")?;
        let workspace = place.path("ten");
        fs::create_dir(&workspace)?;
        fs::write(
            workspace.join("Dockerfile"),
            format!("FROM {base}\nARG N\nRUN echo $N > /number\nCOPY docker-bake.hcl /\n"),
        )?;
        let numbers: Vec<String> = (0..IMAGES).map(|n| format!("\"{n}\"")).collect();
        let bake = format!(
            "target \"default\" {{\n  name = \"image-${{n}}\"\n  matrix = {{ n = [{}] }}\n  \
             args = {{ N = n }}\n  tags = [\"{registry}/bench/bake-${{n}}:bare\", \"{registry}/bench/bake-${{n}}:too\"]\n  \
             platforms = [\"linux/amd64\", \"linux/arm64\"]\n  \
             attest = [\"type=provenance,mode=max\"]\n}}\n",
            numbers.join(", ")
        );
        fs::write(workspace.join("docker-bake.hcl"), bake)?;
        Ok(Self {
            place,
            registry,
            workspace,
        })
    }

    fn bare(&self) -> Result<Duration, Box<dyn Error>> {
        let mut command = self.place.command(lab("STEVEDORE_LAB_BUILDX")?);
        // As docker/bake-action calls it.
        command.args(["bake", "--push", "--metadata-file"]);
        command.arg(self.place.path("bake.json"));
        self.time(&mut command)
    }

    fn bake(&self) -> Result<Duration, Box<dyn Error>> {
        let mut command = self
            .place
            .publish(&["--with", "bake-files=docker-bake.hcl"]);
        self.time(&mut command)
    }

    fn steps(&self) -> Result<Duration, Box<dyn Error>> {
        let mut all = Duration::ZERO;
        for n in 0..IMAGES {
            let image = format!("images={}/bench/bake-{n}", self.registry);
            let argument = format!("build-args=N={n}");
            let inputs = ["--with", &image, "--with", &argument, "--with", "context=."];
            all += self.time(&mut self.place.publish(&inputs))?;
        }
        Ok(all)
    }

    fn time(&self, command: &mut Command) -> Result<Duration, Box<dyn Error>> {
        Ok(time(command.current_dir(&self.workspace))?)
    }
}
