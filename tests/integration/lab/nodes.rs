//! Builders of several nodes for real: two engines, each a node of its own
//! through the driver `remote`, one of which is killed or never answers.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use lab_runner::{Step, StepRun};

use crate::support::bridge::{Bridge, NOWHERE};
use crate::support::site::{clean, publish, succeeded};
use crate::support::{Lab, Place, run};

/// Each platform asks the meeting to go on, from the network of its engine. A port may
/// come again, and a step with it out of the cache: so each test has a word of its own.
const DOCKERFILE: &str = r#"ARG BASE=scratch
FROM ${BASE}
ARG TARGETARCH
ARG MEETING
RUN wget -q -O /met "http://$(ip route | awk '/^default/ { print $3 }'):$MEETING/$TARGETARCH/MARK"
"#;
/// How long a build may take to get to its commands.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the commands of a build wait until the test lets them go on.
struct Meeting {
    port: u16,
    /// The platforms that wait, and where from.
    waiting: Arc<Mutex<Vec<(String, IpAddr, TcpStream)>>>,
}

impl Meeting {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let waiting = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&waiting);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut request = [0; 256];
                let count = stream.read(&mut request).unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..count]).into_owned();
                let Some(platform) = request.split('/').nth(1) else {
                    continue;
                };
                let from = stream.peer_addr().unwrap().ip();
                let one = (platform.to_owned(), from, stream);
                all.lock().unwrap().push(one);
            }
        });
        Self { port, waiting }
    }

    /// Waits until both platforms wait at the same time; the networks that they
    /// are in, amd64's first.
    fn both(&self) -> [[u8; 3]; 2] {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let waiting = self.waiting.lock().unwrap();
            let network = |platform: &str| {
                let found = waiting.iter().find(|(name, ..)| name == platform);
                found.map(|(_, from, _)| match from {
                    IpAddr::V4(four) => four.octets()[..3].try_into().unwrap(),
                    IpAddr::V6(six) => panic!("{six}"),
                })
            };
            if let (Some(first), Some(second)) = (network("amd64"), network("arm64")) {
                return [first, second];
            }
            drop(waiting);
            thread::sleep(Duration::from_millis(20));
        }
        panic!("they do not build at the same time: {:?}", self.waiting);
    }

    /// Those that wait go on.
    fn go_on(&self) {
        for (_, _, mut stream) in self.waiting.lock().unwrap().drain(..) {
            let answer = b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nmet";
            let _ = stream.write_all(answer);
        }
    }
}

fn place() -> Place {
    let place = Place::new();
    let dockerfile = DOCKERFILE.replace("MARK", &place.mark());
    place.write("workspace/Dockerfile", &dockerfile);
    place
}

fn first(place: &Place) -> Bridge {
    Bridge::to(place, "first", &std::env::var("DOCKER_HOST").unwrap())
}

fn second(place: &Place) -> Bridge {
    let engine = std::env::var("STEVEDORE_LAB_SECOND_HOST").expect("lab/up second");
    Bridge::to(place, "second", &engine)
}

/// Both nodes, and where they are.
fn two(place: &Place) -> ([Bridge; 2], [String; 2]) {
    let nodes = [first(place), second(place)];
    let endpoints = [nodes[0].endpoint(), nodes[1].endpoint()];
    (nodes, endpoints)
}

/// A build on two nodes, the second one for the other platform.
fn on_two(lab: &Lab, place: &Place, image: &str, endpoints: &[String; 2], other: &str) -> Step {
    publish(lab, place, image)
        .env("DOCKER_HOST", NOWHERE)
        .with("platforms", format!("linux/amd64,{other}"))
        .with("driver", "remote")
        .with("endpoint", &endpoints[0])
        .with("builder-platforms", "linux/amd64")
        .with(
            "append",
            format!("- endpoint: {}\n  platforms: {other}\n", endpoints[1]),
        )
}

fn meeting_on_two(
    lab: &Lab,
    place: &Place,
    image: &str,
    nodes: &[String; 2],
    at: &Meeting,
) -> Step {
    let step = on_two(lab, place, image, nodes, "linux/arm64");
    step.with(
        "build-args",
        format!("BASE={}\nMEETING={}", lab.base, at.port),
    )
}

fn annotation(run: &StepRun, words: &str) -> String {
    let mut all = run.annotations.iter();
    let found = all.find(|one| one.message.contains(words));
    let found = found.unwrap_or_else(|| panic!("{words}: {}", run.log));
    found.message.clone()
}

#[test]
#[ignore = "needs the lab"]
fn each_node_builds_its_own_platform_at_the_same_time() {
    let lab = Lab::get();
    let (place, meeting) = (place(), Meeting::new());
    let (_nodes, endpoints) = two(&place);
    let step = meeting_on_two(&lab, &place, "tests/spread", &endpoints, &meeting);
    let running = step.start().unwrap();
    let [amd64, arm64] = meeting.both();
    assert_ne!(amd64, arm64, "each engine has a network of its own");
    meeting.go_on();
    let run = running.wait().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    let shares = [
        ("linux/amd64 on ", &endpoints[0]),
        ("linux/arm64 on ", &endpoints[1]),
    ];
    let line = run
        .log
        .lines()
        .find(|line| line.contains("nodes: "))
        .unwrap();
    for (share, endpoint) in shares {
        assert!(line.contains(share) && line.contains(endpoint), "{line}");
    }
    assert_eq!(run.annotations, Vec::new());
}

#[test]
#[ignore = "needs the lab"]
fn a_node_that_is_down_is_named_and_its_platform_built_elsewhere() {
    let lab = Lab::get();
    let (place, meeting) = (place(), Meeting::new());
    let ([_first, second], endpoints) = two(&place);
    second.kill();
    let step = meeting_on_two(&lab, &place, "tests/down", &endpoints, &meeting);
    let running = step.start().unwrap();
    let [amd64, arm64] = meeting.both();
    assert_eq!(amd64, arm64, "both are built by the node that is left");
    meeting.go_on();
    let run = running.wait().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    let warning = annotation(&run, "cannot be reached");
    for words in [
        endpoints[1].as_str(),
        "no such file or directory",
        "linux/arm64 is built on",
        endpoints[0].as_str(),
    ] {
        assert!(warning.contains(words), "{warning}");
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_node_that_dies_in_the_middle_of_a_build_is_built_around() {
    let lab = Lab::get();
    let (place, meeting) = (place(), Meeting::new());
    let ([first, _second], endpoints) = two(&place);
    let step = meeting_on_two(&lab, &place, "tests/dies", &endpoints, &meeting);
    let running = step.start().unwrap();
    let [amd64, arm64] = meeting.both();
    assert_ne!(amd64, arm64);
    // The first one, so that the builder is made again from the second on.
    first.kill();
    meeting.waiting.lock().unwrap().clear();
    let again = meeting.both();
    assert_eq!(again, [arm64, arm64]);
    meeting.go_on();
    let run = running.wait().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    let warning = annotation(&run, "cannot be reached");
    for words in [
        endpoints[0].as_str(),
        "linux/amd64 is built on",
        endpoints[1].as_str(),
    ] {
        assert!(warning.contains(words), "{warning}");
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_node_that_dies_takes_no_target_of_a_bake_file_with_it() {
    let lab = Lab::get();
    let (place, meeting) = (place(), Meeting::new());
    let ([first, _second], endpoints) = two(&place);
    let image = format!("{}/tests/dies-baked", lab.registry);
    let bake = format!(
        "group \"default\" {{ targets = [\"api\", \"web\"] }}\n\
         target \"api\" {{\n args = {{ BASE = \"{base}\", MEETING = \"{port}\" }}\n\
         tags = [\"{image}/api\"]\n}}\n\
         target \"web\" {{\n dockerfile-inline = \"FROM {base}\\nRUN echo {port} && sleep 2\"\n\
         tags = [\"{image}/web\"]\n}}\n",
        base = lab.base,
        port = meeting.port,
    );
    place.write("workspace/docker-bake.hcl", &bake);
    let step = lab
        .step_with_login(&place)
        .env("DOCKER_HOST", NOWHERE)
        .with("bake-files", "docker-bake.hcl")
        .with("driver", "remote")
        .with("endpoint", &endpoints[0])
        .with("builder-platforms", "linux/amd64")
        .with(
            "append",
            format!("- endpoint: {}\n  platforms: linux/arm64\n", endpoints[1]),
        );
    let running = step.start().unwrap();
    let [_, arm64] = meeting.both();
    first.kill();
    meeting.waiting.lock().unwrap().clear();
    assert_eq!(meeting.both(), [arm64, arm64]);
    meeting.go_on();
    let run = running.wait().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["tags"].lines().count(), 4);
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
    let warnings = run.annotations.iter();
    let warnings = warnings.filter(|one| one.message.contains("cannot be reached"));
    assert_eq!(warnings.count(), 1, "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_platform_that_no_other_node_runs_stops_the_run() {
    let lab = Lab::get();
    let place = Place::new();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nRUN true\n",
    );
    let first = first(&place);
    let nobody = format!("unix://{}", place.path("nobody.sock").display());
    let nodes = [first.endpoint(), nobody.clone()];
    let run = on_two(&lab, &place, "tests/none-left", &nodes, "linux/s390x")
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = annotation(&run, "cannot be reached");
    for words in [
        nobody.as_str(),
        "no such file or directory",
        "No other node can build linux/s390x. Look whether BuildKit listens there",
    ] {
        assert!(error.contains(words), "{error}");
    }
    assert!(!run.log.contains("load build definition"), "{}", run.log);
    clean(&run);
}

#[test]
#[ignore = "needs the lab"]
fn a_node_that_never_answers_is_not_waited_for() {
    let lab = Lab::get();
    let place = Place::new();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nRUN true\n",
    );
    let (silent, second) = (Bridge::silent(&place, "silent"), second(&place));
    let nodes = [silent.endpoint(), second.endpoint()];
    let began = Instant::now();
    let run = on_two(&lab, &place, "tests/silent", &nodes, "linux/arm64")
        .run()
        .unwrap();
    succeeded(&run);
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(60),
        "buildx waits for 80 s: {took:?}"
    );
    let warning = annotation(&run, "did not answer within 10 s");
    assert!(warning.contains(&nodes[0]), "{warning}");
}

#[test]
#[ignore = "needs the lab"]
fn a_builder_that_was_there_keeps_its_nodes() {
    let lab = Lab::get();
    let (place, meeting) = (place(), Meeting::new());
    let (first, second) = (first(&place), second(&place));
    for (options, node, platform) in [
        (&["--driver", "remote"][..], &first, "linux/amd64"),
        (&["--append"], &second, "linux/arm64"),
    ] {
        let mut create = std::process::Command::new("docker-buildx");
        create
            .args(["create", "--name", "earlier", "--platform", platform])
            .args(options)
            .arg(node.endpoint())
            .env("DOCKER_HOST", NOWHERE)
            .env("DOCKER_CONFIG", place.path("home/.docker"));
        let made = run(&mut create);
        assert!(made.success, "{}", made.err);
    }
    let note = || place.text("home/.docker/buildx/instances/earlier");
    let before = note();
    let step = publish(&lab, &place, "tests/kept-nodes")
        .env("DOCKER_HOST", NOWHERE)
        .with("builder", "earlier")
        .with(
            "build-args",
            format!("BASE={}\nMEETING={}", lab.base, meeting.port),
        );
    let running = step.start().unwrap();
    meeting.both();
    second.kill();
    let run = running.wait().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = annotation(&run, "cannot be reached");
    for words in [
        format!("earlier1 ({})", second.endpoint()),
        "takes no node out of it".to_owned(),
        "buildx failed".to_owned(),
    ] {
        assert!(error.contains(&words), "{error}");
    }
    assert_eq!(note(), before);
}
