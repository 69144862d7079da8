//! Runs that end before their time, with a builder of their own on the engine with
//! the classic image store: cancelled, refused by a registry, killed. Whenever it
//! happens, nothing of the builder stays.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use lab_runner::{Level, Signal, Step, StepRun};

use crate::support::classic_engine::{classic, docker, gone};
use crate::support::site::{clean, place, publish};
use crate::support::watched_engine::WatchedEngine;
use crate::support::{Lab, Place, root, run};

/// The requests of buildx in the middle of which a run is stopped: it pulls the
/// image, looks for GPUs with a container, makes its own, and builds.
const MOMENTS: [(&str, usize); 8] = [
    ("/images/create?", 1),
    ("/containers/create", 1),
    ("/start ", 1),
    ("/containers/create", 2),
    ("/archive?", 1),
    ("/start ", 2),
    ("/exec ", 1),
    ("dial-stdio", 2),
];
/// From this age on, in seconds, a container is nobody's that no test has named.
const OLD: i64 = 5;

/// A run that is stopped in the middle of a request.
struct Stopped {
    place: Place,
    engine: Arc<WatchedEngine>,
    builder: String,
}

impl Stopped {
    fn new((part, number): (&str, usize)) -> Self {
        let place = place();
        let engine = WatchedEngine::new(&place, &classic(), part, number);
        Self {
            builder: place.mark().to_lowercase(),
            engine: Arc::new(engine),
            place,
        }
    }

    /// With a builder whose name is known.
    fn with_builder(&self, step: Step) -> Step {
        step.env("DOCKER_HOST", self.engine.address())
            .with("builder", &self.builder)
            .with("driver", "docker-container")
    }

    fn step(&self, lab: &Lab) -> Step {
        self.with_builder(publish(lab, &self.place, "tests/stopped"))
    }
}

/// Stops a run at each moment, two at a time.
fn at_each_moment(moments: &[(&str, usize)], stop: impl Fn(&Stopped) + Sync) {
    let left = Mutex::new(moments.iter());
    let next = || left.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(moment) = next() {
                    let stopped = Stopped::new(*moment);
                    stop(&stopped);
                    gone(&stopped.builder);
                    assert_eq!(
                        stopped.place.list("home"),
                        Vec::<String>::new(),
                        "{moment:?}"
                    );
                }
            });
        }
    });
    no_orphans();
}

/// The container by which buildx looks for GPUs has no name, nor has its volume.
/// Other tests start builders too: what is theirs is gone in a moment.
fn no_orphans() {
    thread::sleep(Duration::from_secs(OLD as u64 + 1));
    let ids = docker(&["ps", "--all", "--quiet", "--no-trunc"]);
    let format = "{{.Created}} {{.Path}} {{.Name}}";
    let containers = ids
        .lines()
        .filter_map(|id| old(&["inspect", "--format", format, id]));
    let probes: Vec<String> = containers
        .filter(|line| line.contains("/bin/true"))
        .collect();
    let names = docker(&["volume", "ls", "--quiet", "--filter", "dangling=true"]);
    let format = "{{.CreatedAt}} {{.Name}}";
    let volumes = names.lines().filter(|name| is_anonymous(name));
    let volumes = volumes.filter_map(|name| old(&["volume", "inspect", "--format", format, name]));
    assert_eq!(
        (probes, volumes.collect::<Vec<_>>()),
        (Vec::new(), Vec::new())
    );
    let networks = docker(&["network", "ls", "--format", "{{.Name}}"]);
    let mut networks: Vec<&str> = networks.lines().collect();
    networks.sort_unstable();
    assert_eq!(networks, ["bridge", "host", "none"]);
}

fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What the engine tells of something that it made some time ago; the line begins
/// with when that was. One that is gone by now is nobody's.
fn old(inspect: &[&str]) -> Option<String> {
    let mut docker = Command::new("docker");
    let printed = docker.args(inspect).env("DOCKER_HOST", classic()).output();
    let line = String::from_utf8(printed.unwrap().stdout).unwrap();
    let made: jiff::Timestamp = line.split(' ').next()?.trim().parse().ok()?;
    let age = jiff::Timestamp::now().as_second() - made.as_second();
    (age > OLD).then_some(line)
}

/// Nothing was to be warned about.
fn without_warnings(run: &StepRun) {
    clean(run);
    let warnings = run.annotations.iter().filter(|a| a.level == Level::Warning);
    assert_eq!(warnings.count(), 0, "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_run_that_is_cancelled_leaves_no_builder() {
    let lab = Lab::get();
    at_each_moment(&MOMENTS, |stopped| {
        let running = stopped.step(&lab).start().unwrap();
        assert!(stopped.engine.wait());
        running.cancel();
        let run = running.wait().unwrap();
        assert_eq!(run.exit_code, Some(130), "{}", run.log);
        without_warnings(&run);
    });
}

/// A terminal's Ctrl-C, which buildx hears as well.
#[test]
#[ignore = "needs the lab"]
fn a_group_that_is_interrupted_leaves_no_builder() {
    let lab = Lab::get();
    at_each_moment(&MOMENTS[1..4], |stopped| {
        let running = stopped.step(&lab).start().unwrap();
        assert!(stopped.engine.wait());
        let group = format!("-{}", running.pid().unwrap());
        let sent = run(Command::new("kill").args(["-INT", "--", &group]));
        assert!(sent.success, "{}", sent.err);
        let run = running.wait().unwrap();
        assert!(!run.succeeded(), "{}", run.log);
        assert_eq!(run.leftovers, Vec::<PathBuf>::new(), "{}", run.log);
    });
}

/// The runner's own, which the program takes the place of: a kill hits it alone,
/// and what it has started goes on.
fn node_24() -> PathBuf {
    let printed = run(&mut Command::new(root().join("lab/node.sh")));
    assert!(printed.success, "{}", printed.err);
    printed.out.trim().into()
}

#[test]
#[ignore = "needs the lab"]
fn a_run_that_is_killed_leaves_no_builder() {
    let lab = Lab::get();
    let node = node_24();
    at_each_moment(&MOMENTS, |stopped| {
        let step = stopped.step(&lab).node_program(&node);
        let running = step.start().unwrap();
        assert!(stopped.engine.wait());
        assert!(running.signal(Signal::KILL));
        let run = running.wait().unwrap();
        assert_eq!(run.leftovers, Vec::<PathBuf>::new(), "{}", run.log);
        assert_eq!(run.orphans, Vec::<String>::new(), "{}", run.log);
    });
}

#[test]
#[ignore = "needs the lab"]
fn a_run_that_a_registry_refuses_leaves_no_builder() {
    let lab = Lab::get();
    // A build begins once the registry has allowed the push.
    at_each_moment(&MOMENTS[..7], |stopped| {
        let image = format!("{}/refused/app", refusing(&stopped.engine));
        let step = lab.step(&stopped.place).with("images", image);
        let run = stopped.with_builder(step).run().unwrap();
        assert_eq!(run.exit_code, Some(1), "{}", run.log);
        assert!(run.log.contains("title=Push refused"), "{}", run.log);
        without_warnings(&run);
    });
}

/// A registry that refuses everything, once the engine has got the request.
fn refusing(engine: &Arc<WatchedEngine>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let engine = Arc::clone(engine);
    let body = r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let engine = Arc::clone(&engine);
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                engine.wait();
                let _ = write!(
                    stream,
                    "HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
            });
        }
    });
    address
}
