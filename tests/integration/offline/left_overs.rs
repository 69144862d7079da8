//! What a run leaves behind when it ends as nobody meant: by a panic, by a kill,
//! or with somebody else's folder in the place of its own.
#![cfg(target_os = "linux")]

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::recorder::{post, recorder, step};
use crate::support::{PROGRAM, Place, install, run};

/// Waits until something is so, for far longer than it takes.
pub(crate) fn soon(mut is_so: impl FnMut() -> bool) -> bool {
    (0..600).any(|_| {
        thread::sleep(Duration::from_millis(25));
        is_so()
    })
}

/// The step as a user who is not root, started by the program `by`.
fn as_somebody(place: &Place, by: &[&str], inputs: &[(&str, &str)]) -> Command {
    let program = place.path("stevedore");
    if fs::hard_link(PROGRAM, &program).is_err() {
        install(PROGRAM.as_ref(), &program);
    }
    for folder in ["", "temp"] {
        fs::set_permissions(place.path(folder), Permissions::from_mode(0o777)).unwrap();
    }
    let mut words: Vec<String> = by.iter().map(|word| (*word).to_owned()).collect();
    if is_root() {
        // A user of this test's alone, since what a user may start is counted.
        let id = 60_000 + std::process::id() % 5_000;
        words.extend(["setpriv", "--clear-groups"].map(str::to_owned));
        words.extend([format!("--reuid={id}"), format!("--regid={id}")]);
    }
    words.push(program.display().to_string());
    let as_us = step(place, inputs);
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .current_dir(place.path("workspace"))
        .env_clear()
        .envs(
            as_us
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// No thread can be started, over which the library that runs ours panics.
#[test]
fn a_panic_is_told_as_a_bug_and_cleaned_up_after() {
    let place = Place::new();
    recorder(&place);
    let inputs = [("push", "true"), ("images", "127.0.0.1:1/acme/app")];
    let printed = run(&mut as_somebody(&place, &["prlimit", "--nproc=1"], &inputs));
    let all = printed.out.clone() + &printed.err;
    assert_eq!(printed.code, Some(101), "{all}");
    let mut lines = printed.out.lines();
    let error = lines.find(|line| line.starts_with("::error title=Bug in Stevedore::"));
    let error = error.unwrap_or_else(|| panic!("{all}"));
    assert!(
        error.contains("(at src/registry/") && error.contains("report it"),
        "{error}"
    );
    assert!(all.contains("internal error at src/registry/"), "{all}");
    assert!(
        !place.path("record/arguments").exists(),
        "nothing is built after it"
    );
    assert_eq!(place.list("temp"), Vec::<String>::new());
    let shown = all.lines().filter(|line| !line.starts_with("::add-mask::"));
    assert!(!shown.collect::<String>().contains("hunter"), "{all}");
}

/// The step while its buildx sleeps; its process and that of its buildx.
fn building(command: &mut Command) -> (Child, u32) {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map_while(Result::ok);
    let buildx = lines.find_map(|line| line.strip_prefix("buildx is ")?.parse().ok());
    // Whatever else it prints is read, so that it can print it.
    thread::spawn(move || lines.count());
    (child, buildx.expect("buildx was started"))
}

const SLEEPS: &str = "echo buildx is $$; exec sleep 600";

fn limits(process: u32) -> String {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let mut lines = limits.lines();
    let line = lines.find(|line| line.starts_with("Max core file size"));
    line.unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn memory_is_written_to_no_core_file() {
    let place = Place::new();
    place.buildx(SLEEPS);
    let (mut child, buildx) = building(&mut as_somebody(
        &place,
        &["prlimit", "--core=unlimited"],
        &[],
    ));
    for process in [child.id(), buildx] {
        assert_eq!(limits(process), "Max core file size 0 0 bytes");
    }
    // The kernel gives what it would not dump to root.
    let owner = fs::metadata(format!("/proc/{}/environ", child.id()))
        .unwrap()
        .uid();
    assert_eq!(owner, 0);
    child.kill().unwrap();
    child.wait().unwrap();
}

pub(crate) fn is_running(process: u32) -> bool {
    // One that nobody has waited for yet has no memory any more.
    let map = fs::read_to_string(format!("/proc/{process}/statm"));
    map.is_ok_and(|map| !map.starts_with("0 "))
}

#[test]
fn buildx_ends_with_the_program_that_is_killed() {
    let place = Place::new();
    place.buildx(SLEEPS);
    let (mut child, buildx) = building(&mut step(&place, &[]));
    assert!(is_running(buildx));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(soon(|| !is_running(buildx)), "buildx goes on");
}

/// As `nohup` starts it.
#[test]
fn a_program_that_is_to_outlive_its_terminal_does() {
    let place = Place::new();
    let go = place.path("go");
    place.buildx(&format!(
        "echo buildx is $$; while [ ! -e '{}' ]; do sleep 0.05; done",
        go.display()
    ));
    let as_us = step(&place, &[]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' HUP; exec \"$0\"", PROGRAM])
        .current_dir(place.path("workspace"))
        .env_clear()
        .envs(
            as_us
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let (mut child, _) = building(&mut command);
    let mut kill = Command::new("kill");
    assert!(run(kill.args(["-HUP", &child.id().to_string()])).success);
    fs::write(go, "").unwrap();
    assert!(child.wait().unwrap().success());
}

/// An engine that counts those who come.
fn engine(place: &Place) -> (String, Arc<AtomicU64>) {
    let socket = place.path("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    thread::spawn(move || {
        for _ in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (format!("unix://{}", socket.display()), count)
}

/// What a neighbour would like to have done in another's name.
fn plant(folder: &Path) {
    let orders = json!({
        "keep_state": false,
        "handlers": {"image": "evil/image:1", "architectures": ["arm64"]},
        "images": ["acme/app:1"],
    });
    fs::create_dir_all(folder.join("buildx/instances")).unwrap();
    fs::write(folder.join("take-down.json"), orders.to_string()).unwrap();
    fs::write(folder.join("buildx/instances/theirs"), "{}").unwrap();
}

#[test]
fn the_post_step_takes_no_orders_from_a_folder() {
    let place = Place::new();
    let (address, count) = engine(&place);
    place.buildx(&format!(
        "[ \"$1\" != rm ] || echo \"$@\" >> '{}'\n{SLEEPS}",
        place.path("removed").display()
    ));
    let (mut child, _) = building(&mut step(&place, &[]));
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = place.path("temp").join(&place.list("temp")[0]);
    plant(&folder);
    let printed = run(post(&place).env("DOCKER_HOST", &address));
    assert!(
        printed.success && printed.out.contains("removed "),
        "{}",
        printed.out
    );
    assert!(!place.path("removed").exists());
    assert_eq!(count.load(Ordering::SeqCst), 0, "the engine was asked");
}

/// The run has removed its folder, and somebody else makes one of that name.
#[test]
fn the_post_step_leaves_a_folder_of_somebody_else_alone() {
    let place = Place::new();
    place.buildx(&format!(
        "[ \"$1\" != rm ] || echo \"$@\" >> '{}'\n{SLEEPS}",
        place.path("removed").display()
    ));
    let (mut child, _) = building(&mut step(&place, &[]));
    child.kill().unwrap();
    child.wait().unwrap();
    let folder = place.path("temp").join(&place.list("temp")[0]);
    fs::rename(&folder, place.path("own")).unwrap();
    plant(&folder);
    let why = if std::os::unix::fs::chown(&folder, Some(12345), None).is_ok() {
        "it belongs to user 12345"
    } else {
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        "lets other users write to it"
    };
    let printed = run(&mut post(&place));
    assert!(!printed.success, "{}", printed.out);
    assert!(
        printed.out.contains("::warning title=Clean-up::") && printed.out.contains(why),
        "{}",
        printed.out
    );
    assert!(
        folder.join("take-down.json").exists(),
        "nothing in it is touched"
    );
    assert!(!place.path("removed").exists());
}

#[test]
fn after_a_run_that_ended_by_itself_the_post_step_looks_at_no_folder() {
    let place = Place::new();
    recorder(&place);
    let printed = run(&mut step(&place, &[]));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    let state = place.text("state");
    let folder = state
        .split('"')
        .find(|word| word.contains("/temp/stevedore-"));
    let folder = Path::new(folder.expect("its folder is in the state while it runs"));
    plant(folder);
    let printed = run(&mut post(&place));
    assert!(printed.success && printed.out.is_empty(), "{}", printed.out);
    assert!(folder.join("take-down.json").exists());
}
