//! What the program, and the action around it, take longer than the bare
//! `docker-buildx build --push` with the same arguments. Warm cache; in turns,
//! so that whatever else the machine does meets all of them.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use lab_runner::Step;
use serde_json::{Value, json};

use crate::place::{GIT_REF, NOW, Place, REPOSITORY, SHA, lab, root};
use crate::table::Figure;
use crate::timing::{median, range, time};

const ROUNDS: usize = 15;

pub(crate) fn figures(place: &Place) -> Result<[Figure; 4], Box<dyn Error>> {
    let bare = Bare::prepare(place)?;
    let action = Action::prepare(place)?;
    let mut times: [Vec<Duration>; 5] = Default::default();
    // The first round fills the caches and is not counted.
    for round in 0..=ROUNDS {
        let taken = [
            bare.time(place)?,
            program(place, "on")?,
            program(place, "off")?,
            action.time(place)?,
            refusal(place)?,
        ];
        for (times, taken) in times.iter_mut().zip(taken) {
            if round > 0 {
                times.push(taken);
            }
        }
    }
    let [bare, program, unasked, action, refused] = &times;
    Ok([
        more("publish, beyond the bare build", program, bare, 0.25),
        more("the action, beyond the bare build", action, bare, 0.35),
        more("preflight, registry healthy", program, unasked, 0.05),
        Figure {
            name: "a push that is refused, to the failure",
            measured: median(refused),
            bound: 1.5,
            unit: "s",
            how: format!("median of {ROUNDS}, {}", range(refused)),
        },
    ])
}

fn more(name: &'static str, ours: &[Duration], bare: &[Duration], bound: f64) -> Figure {
    let (our, their) = (median(ours), median(bare));
    Figure {
        name,
        measured: our - their,
        bound,
        unit: "s",
        how: format!(
            "medians of {ROUNDS}: {our:.3} s ({}) to {their:.3} s ({}), ratio {:.2}",
            range(ours),
            range(bare),
            our / their
        ),
    }
}

/// The command that a dry run prints, with a login of its own.
struct Bare {
    line: String,
    buildx: String,
    folder: PathBuf,
}

impl Bare {
    fn prepare(place: &Place) -> Result<Self, Box<dyn Error>> {
        let folder = place.path("bare");
        fs::create_dir(&folder)?;
        fs::write(folder.join("config.json"), docker_config(place).to_string())?;
        let mut dry_run = place.publish(&["--dry-run", "--format", "json"]);
        for (name, value) in place.inputs() {
            dry_run.arg("--with").arg(format!("{name}={value}"));
        }
        dry_run.arg("--with").arg("password=not-asked-for");
        let output = dry_run.output()?;
        let plan: Value = serde_json::from_slice(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
        let line = plan["command"]
            .as_str()
            .and_then(|line| line.strip_prefix("docker buildx "))
            .filter(|line| line.contains(" --push "))
            .ok_or("the dry run printed no command that pushes")?;
        Ok(Self {
            line: format!("exec \"$BUILDX\" {line}"),
            buildx: lab("STEVEDORE_LAB_BUILDX")?,
            folder,
        })
    }

    fn time(&self, place: &Place) -> Result<Duration, String> {
        let mut command = place.command("sh");
        command
            .args(["-c", &self.line])
            .env("BUILDX", &self.buildx)
            .env("DOCKER_CONFIG", &self.folder)
            .env("RUN", &self.folder);
        time(&mut command)
    }
}

/// A login as `docker login` writes it.
fn docker_config(place: &Place) -> Value {
    use base64::Engine as _;
    let login = format!("{}:{}", place.user, place.password);
    let auth = base64::engine::general_purpose::STANDARD.encode(login);
    json!({ "auths": { &place.registry: { "auth": auth } } })
}

/// The program as the action runs it, without the launcher.
fn program(place: &Place, preflight: &str) -> Result<Duration, String> {
    let mut command = step(place);
    command
        .env(input("password"), &place.password)
        .env(input("preflight"), preflight);
    time(&mut command)
}

/// The same without the password that the registry asks for.
fn refusal(place: &Place) -> Result<Duration, Box<dyn Error>> {
    let mut command = step(place);
    command.env_remove(input("username"));
    let begun = Instant::now();
    let output = command.output()?;
    let took = begun.elapsed();
    let log = String::from_utf8_lossy(&output.stdout);
    match !output.status.success() && log.contains("::error title=Push refused::") {
        true => Ok(took),
        false => Err(log.into()),
    }
}

fn step(place: &Place) -> Command {
    let mut command = place.publish(&[]);
    for (name, value) in place.inputs() {
        command.env(input(name), value);
    }
    command
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", Place::workspace())
        .env("GITHUB_OUTPUT", place.path("output"))
        .env("GITHUB_STEP_SUMMARY", place.path("summary"));
    command
}

fn input(name: &str) -> String {
    format!("INPUT_{}", name.to_uppercase())
}

/// The action as the runner starts it, with the runner's Node.
struct Action {
    node: PathBuf,
    event: Value,
}

impl Action {
    fn prepare(place: &Place) -> Result<Self, Box<dyn Error>> {
        let found = Command::new(root().join("lab/node.sh")).output()?;
        if !found.status.success() {
            return Err(String::from_utf8_lossy(&found.stderr).into());
        }
        let event = fs::read_to_string(root().join("examples/events/push-tag.json"))?;
        fs::create_dir(place.path("tools"))?;
        Ok(Self {
            node: String::from_utf8(found.stdout)?.trim().into(),
            event: serde_json::from_str(&event)?,
        })
    }

    /// Main and post together, without what the stand-in for the runner does
    /// around them.
    fn time(&self, place: &Place) -> Result<Duration, Box<dyn Error>> {
        let mut step = Step::node(root())
            .event("push", self.event.clone())
            .git_ref(GIT_REF)
            .sha(SHA)
            .repository(REPOSITORY)
            .workspace(Place::workspace())
            .tool_cache(place.path("tools"))
            .node_program(&self.node)
            .env("STEVEDORE_NOW", NOW)
            .env("HOME", place.path("home").to_string_lossy())
            .secret("LAB_PASSWORD", &place.password)
            .with("password", "${{ secrets.LAB_PASSWORD }}");
        for (name, value) in place.inputs() {
            step = step.with(name, value);
        }
        let run = step.run()?;
        match run.post {
            Some(ref post) if run.succeeded() => Ok(run.main.elapsed + post.elapsed),
            _ => Err(run.log.into()),
        }
    }
}
