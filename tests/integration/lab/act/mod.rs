//! act, which runs whole workflows: jobs, expressions, outputs, post steps. It is
//! not GitHub's runner; lab/README.md says what it does otherwise.
//!
//! The action is the one of this source, as a release has it. Everything that a
//! run could touch is in a folder of the test's.

mod before;
mod caches;
mod examples;
mod native;
mod tls;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::OnceLock;

use base64::Engine as _;
use serde_json::{Map, Value, json};

use crate::support::{Lab, Place, Printed, action, event, read, root, run};

/// The repository of the example events.
const REPOSITORY: &str = "acme/hit-counter";

/// A repository, and a machine to run its workflows on.
pub(crate) struct Act<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) place: Place,
    /// Variables of the job, over those of act.
    env: Vec<(String, String)>,
    secrets: Vec<(String, String)>,
}

/// What came of a workflow.
pub(crate) struct Run {
    pub(crate) success: bool,
    /// What act printed, one JSON object a line.
    lines: Vec<Value>,
}

/// Programs of the lab: a Node as GitHub's runner has it, and act.
fn program(script: &str) -> &'static str {
    static NODE: OnceLock<String> = OnceLock::new();
    static ACT: OnceLock<String> = OnceLock::new();
    let known = match script {
        "node" => &NODE,
        _ => &ACT,
    };
    known.get_or_init(|| {
        let printed = run(&mut Command::new(root().join(format!("lab/{script}.sh"))));
        assert!(printed.success, "lab/{script}.sh: {}", printed.err);
        printed.out.trim().to_owned()
    })
}

impl<'a> Act<'a> {
    /// The example hit-counter, in a checkout of its own.
    pub(crate) fn new(lab: &'a Lab) -> Self {
        let place = Place::new();
        action(&place);
        for file in ["Dockerfile", "site/index.html", "site/cgi-bin/index.cgi"] {
            place.write(
                &format!("workspace/{file}"),
                &read(&format!("examples/hit-counter/{file}")),
            );
        }
        let auth = base64::engine::general_purpose::STANDARD
            .encode(format!("{}:{}", lab.user, lab.password));
        let client = json!({"auths": {&lab.registry: {"auth": auth}}});
        place.write("client/config.json", &client.to_string());
        let plugins = place.path("home/.docker/cli-plugins");
        fs::create_dir_all(&plugins).unwrap();
        let buildx = std::env::var("STEVEDORE_LAB_BUILDX").unwrap();
        symlink(buildx, plugins.join("docker-buildx")).unwrap();
        let engine = std::env::var("DOCKER_HOST").unwrap();
        let home = place.path("home").display().to_string();
        let env = [
            ("DOCKER_HOST", engine.as_str()),
            ("HOME", &home),
            // Nobody is asked there.
            ("GITHUB_API_URL", "http://127.0.0.1:1"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            lab,
            place,
            env: env.to_vec(),
            secrets: vec![("LAB_PASSWORD".to_owned(), lab.password.clone())],
        }
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Each job says which engine is its own.
    pub(crate) fn without_engine(mut self) -> Self {
        self.env.retain(|(name, _)| name != "DOCKER_HOST");
        self
    }

    pub(crate) fn secret(mut self, name: &str, value: impl Into<String>) -> Self {
        self.secrets.push((name.to_owned(), value.into()));
        self
    }

    /// An image in the lab's registry, of this test's alone.
    pub(crate) fn image(&self) -> String {
        let mark = self.place.mark().to_lowercase();
        format!("{}/act/{mark}", self.lab.registry)
    }

    /// One of examples/workflows, with names that are there: the action of this
    /// source, and the lab's registry and base image in its inputs.
    pub(crate) fn example(&self, name: &str) -> Value {
        let text = read(&format!("examples/workflows/{name}.yml"));
        let mut workflow: Value = serde_yaml::from_str(&text).unwrap();
        // A key that act does not know yet.
        let concurrency = workflow["concurrency"].as_object_mut().unwrap();
        concurrency.remove("queue");
        for step in steps(&mut workflow) {
            self.localise(step);
        }
        workflow
    }

    fn localise(&self, step: &mut Value) {
        let Some(uses) = step["uses"].as_str().map(str::to_owned) else {
            return;
        };
        let image = self.image();
        let own: &[(&str, &str)] = match uses.strip_prefix("OWNER/") {
            Some("stevedore@v1" | "stevedore/plan@v1") => &[
                ("images", &image),
                ("username", &self.lab.user),
                ("password", "${{ secrets.LAB_PASSWORD }}"),
            ],
            Some("stevedore/merge@v1") => &[
                ("username", &self.lab.user),
                ("password", "${{ secrets.LAB_PASSWORD }}"),
            ],
            Some(_) => &[("images", &image)],
            None if uses.starts_with("docker/login-action@") => &[
                ("registry", &self.lab.registry),
                ("username", &self.lab.user),
                ("password", "${{ secrets.LAB_PASSWORD }}"),
            ],
            None => &[],
        };
        step["uses"] = json!(uses.replace("OWNER/", "acme/"));
        give(step, own);
        // A bake file has its own.
        let takes_arguments = step["with"]["bake-files"].is_null();
        if uses == "OWNER/stevedore@v1" && takes_arguments {
            give(step, &[("build-args", &format!("BASE={}", self.lab.base))]);
        }
    }

    /// Runs a workflow for an event of examples/events.
    pub(crate) fn run(&self, payload: &str, workflow: &Value) -> Run {
        let name = match payload {
            "pull-request" => "pull_request",
            other => other.split('-').next().unwrap(),
        };
        self.run_for(name, &event(payload), workflow)
    }

    /// Runs a workflow for an event.
    pub(crate) fn run_for(&self, name: &str, payload: &Value, workflow: &Value) -> Run {
        let file = "workspace/.github/workflows/workflow.yml";
        self.place.write(file, &workflow.to_string());
        self.place.write("event.json", &payload.to_string());
        self.commit();
        let mut command = Command::new(program("act"));
        let node = std::path::Path::new(program("node")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        command
            .current_dir(self.place.path("workspace"))
            .env_clear()
            .env("PATH", format!("{}:{path}", node.display()))
            .env("HOME", self.place.path("home"))
            .env("XDG_CACHE_HOME", self.place.path("act"))
            .env("TMPDIR", self.place.path("temp"))
            .args([name, "--json", "--pull=false", "--actor", "octocat"])
            .args(["--platform", "ubuntu-latest=-self-hosted"])
            .args(["--cache-server-addr", "127.0.0.1"])
            .args(["--artifact-server-addr", "127.0.0.1"])
            .args(["--artifact-server-port", "0"]);
        for (option, folder) in [
            ("--eventpath", "event.json"),
            ("--cache-server-path", "act/caches"),
            ("--artifact-server-path", "act/artifacts"),
        ] {
            command.arg(option).arg(self.place.path(folder));
        }
        for (repository, folder) in self.repositories() {
            let folder = self.place.path(&folder);
            let folder = folder.display();
            command.args(["--local-repository", &format!("{repository}={folder}")]);
        }
        for (name, value) in &self.env {
            command.args(["--env", &format!("{name}={value}")]);
        }
        for (name, value) in &self.secrets {
            command.env(name, value).args(["--secret", name]);
        }
        Run::of(run(&mut command))
    }

    /// The actions that are there: ours, and those that a test has written to a
    /// folder `OWNER/NAME@VERSION`.
    fn repositories(&self) -> Vec<(String, String)> {
        let mut all = vec![("acme/stevedore@v1".to_owned(), "action".to_owned())];
        if self.place.path("docker").is_dir() {
            let others = self.place.list("docker").into_iter();
            all.extend(others.map(|name| (format!("docker/{name}"), format!("docker/{name}"))));
        }
        all
    }

    fn commit(&self) {
        let remote = format!("https://github.com/{REPOSITORY}");
        for arguments in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["config", "remote.origin.url", &remote],
            &["add", "--all"],
            &["commit", "--quiet", "--allow-empty", "--message", "x"],
        ] {
            let mut git = Command::new("git");
            git.current_dir(self.place.path("workspace"))
                .env("HOME", self.place.path("home"))
                .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
                .args(arguments);
            let done = run(&mut git);
            assert!(done.success, "{arguments:?}: {}", done.err);
        }
    }
}

/// The steps of all jobs.
pub(crate) fn steps(workflow: &mut Value) -> impl Iterator<Item = &mut Value> {
    let jobs = workflow["jobs"].as_object_mut().unwrap();
    jobs.values_mut()
        .flat_map(|job| job["steps"].as_array_mut().unwrap())
}

/// Gives inputs to a step, over those that it has.
pub(crate) fn give(step: &mut Value, inputs: &[(&str, &str)]) {
    if inputs.is_empty() {
        return;
    }
    let step = step.as_object_mut().unwrap();
    let with = step.entry("with").or_insert_with(|| Map::new().into());
    for (name, value) in inputs {
        with[*name] = json!(value);
    }
}

/// A workflow of one job with these steps, for every event.
pub(crate) fn workflow(steps: &[Value]) -> Value {
    let on = ["push", "pull_request", "pull_request_target"];
    json!({"on": on, "jobs": {"publish": {"runs-on": "ubuntu-latest", "steps": steps}}})
}

impl Run {
    fn of(printed: Printed) -> Self {
        let parsed = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| json!(line));
        let all = printed.out.lines().chain(printed.err.lines());
        Self {
            success: printed.success,
            lines: all.map(parsed).collect(),
        }
    }

    /// What the steps printed, and act between them.
    pub(crate) fn log(&self) -> String {
        let mut log = String::new();
        for line in &self.lines {
            let text = line["msg"].as_str().or(line.as_str()).unwrap_or_default();
            log.push_str(text.trim_end_matches('\n'));
            log.push('\n');
        }
        log
    }

    /// The outputs of a step, by its `id`.
    pub(crate) fn outputs(&self, id: &str) -> BTreeMap<&str, &str> {
        let of_step =
            |line: &&Value| line["command"] == "set-output" && line["stepID"] == json!([id]);
        let outputs = self.lines.iter().filter(of_step);
        outputs
            .filter_map(|line| Some((line["name"].as_str()?, line["arg"].as_str()?)))
            .collect()
    }

    /// The messages of a workflow command, such as `warning`.
    pub(crate) fn messages(&self, command: &str) -> Vec<&str> {
        let all = self.lines.iter();
        let all = all.filter(|line| line["command"] == command);
        all.filter_map(|line| line["arg"].as_str()).collect()
    }

    /// Panics with the log unless every job has succeeded without a warning.
    pub(crate) fn succeeded(&self) {
        assert!(self.success, "{}", self.log());
        assert_eq!(
            self.messages("warning"),
            Vec::<&str>::new(),
            "{}",
            self.log()
        );
        let results = self
            .lines
            .iter()
            .filter_map(|line| line["jobResult"].as_str());
        let results: Vec<&str> = results.collect();
        assert!(!results.is_empty() && results.iter().all(|result| *result == "success"));
    }
}
