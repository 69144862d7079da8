//! The commands that a dry run prints, run by a shell, with a login of their own.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::place::{Place, lab};
use crate::timing::{median, time};

/// How commands begin, and the name of a builder, in what a dry run prints.
const BEGIN: &str = "docker buildx ";
const BUILDER: &str = "stevedore-$RUN";

/// How often it is started only to say what it is.
const STARTS: usize = 21;

pub(crate) struct Bare {
    script: String,
    buildx: String,
    folder: PathBuf,
    engine: Option<String>,
}

impl Bare {
    /// Those of the publication of all figures, with these inputs beside. A builder
    /// that they make is removed at the end.
    pub(crate) fn prepare(
        place: &Place,
        name: &str,
        inputs: &[(&str, &str)],
    ) -> Result<Self, Box<dyn Error>> {
        let folder = place.path(name);
        fs::create_dir(&folder)?;
        fs::write(folder.join("config.json"), docker_config(place).to_string())?;
        let mut dry_run = place.publish(&["--dry-run", "--format", "json"]);
        let inputs = inputs.iter().map(|(name, value)| format!("{name}={value}"));
        let own = place.inputs().into_iter();
        let own = own.map(|(name, value)| format!("{name}={value}"));
        for input in own.chain(inputs) {
            dry_run.arg("--with").arg(input);
        }
        dry_run.arg("--with").arg("password=not-asked-for");
        let output = dry_run.output()?;
        let plan: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Self {
            script: script(&plan, name).ok_or("the dry run printed no command that pushes")?,
            buildx: lab("STEVEDORE_LAB_BUILDX")?,
            folder,
            engine: None,
        })
    }

    /// By this engine.
    pub(crate) fn on(mut self, engine: &str) -> Self {
        self.engine = Some(engine.to_owned());
        self
    }

    pub(crate) fn time(&self, place: &Place) -> Result<Duration, String> {
        let mut command = place.command("sh");
        command
            .args(["-c", &self.script])
            .env("BUILDX", &self.buildx)
            .env("DOCKER_CONFIG", &self.folder)
            .env("RUN", &self.folder);
        if let Some(engine) = &self.engine {
            command.env("DOCKER_HOST", engine);
        }
        time(&mut command)
    }
}

/// The median of a buildx that only says what it is, in seconds.
pub(crate) fn start_of_buildx(place: &Place) -> Result<f64, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let mut command = place.command(lab("STEVEDORE_LAB_BUILDX")?);
        times.push(time(command.arg("version"))?);
    }
    Ok(median(&times))
}

/// The builder is called `name`.
fn script(plan: &Value, name: &str) -> Option<String> {
    let build = pushing(plan)?;
    let made = plan["builder"]["choice"]["created"]["commands"].as_array();
    let made = made.into_iter().flatten().filter_map(Value::as_str);
    let mut lines: Vec<String> = made.map(str::to_owned).collect();
    let is_made = !lines.is_empty();
    lines.push(build);
    if is_made {
        lines.push(format!("{BEGIN}rm {name}"));
    }
    let lines = lines.iter().map(|line| {
        let line = line.replace(BUILDER, name);
        line.strip_prefix(BEGIN)
            .map(|rest| format!("\"$BUILDX\" {rest}\n"))
    });
    Some(format!("set -e\n{}", lines.collect::<Option<String>>()?))
}

/// The command that builds, with a push of all names in place of the content alone.
fn pushing(plan: &Value) -> Option<String> {
    let build = plan["command"].as_str()?;
    let (before, output) = build.split_once(" --output ")?;
    if let Some(after) = output.strip_prefix("type=image ") {
        return Some(format!("{before} --push {after}"));
    }
    let (_, after) = output.rsplit_once(' ')?;
    let tags = plan["tags"].as_array()?.iter().filter_map(Value::as_str);
    let tags: String = tags.map(|tag| format!(" --tag {tag}")).collect();
    Some(format!("{before}{tags} --push {after}"))
}

/// A login as `docker login` writes it.
fn docker_config(place: &Place) -> Value {
    use base64::Engine as _;
    let login = format!("{}:{}", place.user, place.password);
    let auth = base64::engine::general_purpose::STANDARD.encode(login);
    json!({ "auths": { &place.registry: { "auth": auth } } })
}
