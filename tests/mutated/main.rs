//! Sets of inputs that nobody would write, over `publish --dry-run` and `metadata`:
//! each ends with 0 or 1, soon, and in little memory.
//!
//! What they are follows from their number alone. STEVEDORE_MUTATED says how many
//! are tried, STEVEDORE_MUTATED_FROM with which it begins. A program of its own,
//! so that the memory of its children is that of these runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test stands outside of the program"
)]
#![allow(dead_code, reason = "the support is that of the other tests")]

mod pieces;

#[path = "../integration/support/place.rs"]
mod support;

use std::fmt::Write as _;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use stevedore::testing::ActionKind;

use pieces::{GOOD, PIECES};
use support::{Place, event};

/// How many are tried where nothing is said.
const COUNT: u64 = 400;
/// How long one may take, on a machine that does much else. The report says how
/// long the slowest took.
const LONGEST: Duration = Duration::from_secs(30);
/// How much memory one may take, in MiB.
const MOST: i64 = 150;
/// How long a value of the environment may be: 128 KiB with its name, and all of
/// them together have to fit.
const VALUE: usize = 100_000;

struct Case {
    number: u64,
    part: ActionKind,
    inputs: Vec<(&'static str, String)>,
    environment: Vec<(&'static str, String)>,
}

fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

/// A place between two characters.
fn place_in(rng: &mut Rng, text: &str) -> usize {
    let mut at = rng.usize(..=text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn mutate(rng: &mut Rng, text: &mut String) {
    let (a, b) = (place_in(rng, text), place_in(rng, text));
    let (from, to) = (a.min(b), a.max(b));
    match rng.u8(..9) {
        0..=3 => text.insert_str(a, pick(rng, PIECES)),
        4 => text.replace_range(from..to, ""),
        5 => {
            let (_, values) = GOOD[rng.usize(..GOOD.len())];
            text.insert_str(a, pick(rng, values));
        }
        6 => {
            let piece = pick(rng, PIECES).repeat(1 << rng.u8(..14));
            text.insert_str(a, &piece);
        }
        7 => {
            let times = 1 << rng.u8(..12);
            let piece = text[from..to].to_owned();
            let fits = VALUE / piece.len().max(1);
            text.insert_str(to, &piece.repeat(times.min(fits)));
        }
        _ => *text = text.chars().rev().collect(),
    }
    cut(text);
}

/// Makes a text short enough for the environment.
fn cut(text: &mut String) {
    let end = (0..=text.len().min(VALUE))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    text.truncate(end.unwrap_or_default());
}

fn value(rng: &mut Rng, name: &str, hostile: &[String]) -> String {
    let mut own = GOOD.iter().filter(|(names, _)| names.contains(&name));
    let (_, any) = GOOD[rng.usize(..GOOD.len())];
    let mut value = match rng.u8(..20) {
        0 | 1 => hostile[rng.usize(..hostile.len())].clone(),
        2 => pick(rng, PIECES).repeat(1 << rng.u8(..15)),
        3 => pick(rng, any).to_owned(),
        _ => pick(rng, own.next().map_or(any, |(_, own)| own)).to_owned(),
    };
    // Most are changed a little, so that the rest of them is read.
    for _ in 0..rng.u8(..8).saturating_sub(4) {
        mutate(rng, &mut value);
    }
    // The environment holds no such byte.
    value.retain(|c| c != '\0');
    cut(&mut value);
    value
}

/// Values that are made to hurt, and paths of files that are.
fn hostile(place: &Place) -> Vec<String> {
    mkfifo(&place.path("workspace/pipe"), Mode::S_IRWXU).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place.path("workspace/endless")).unwrap();
    let level = |at: u8| {
        let (own, before) = (char::from(b'b' + at), char::from(b'a' + at));
        format!(
            "{own}: &{own} [{}]\n",
            vec![format!("*{before}"); 9].join(",")
        )
    };
    let laughs: String = (0..9).map(level).collect();
    [
        "pipe".to_owned(),
        "endless".to_owned(),
        ".".to_owned(),
        "/dev/zero".to_owned(),
        "nested".to_owned(),
        format!("a: &a [{}]\n{laughs}", "x,".repeat(1000)),
        format!(
            "- &a {{endpoint: x, driver-opts: [{}]}}\n{}",
            "a=b,".repeat(5000),
            "- *a\n".repeat(10_000)
        ),
        "- endpoint: a\n".repeat(7000),
        "[".repeat(VALUE),
        "{a: ".repeat(VALUE / 4),
        "type=raw,value=a\n".repeat(5000),
        (0..4000).fold(String::new(), |mut text, at| {
            let _ = writeln!(text, "type=raw,value=t{at}");
            text
        }),
        (0..8000).fold(String::new(), |mut text, at| {
            let _ = write!(text, "linux/a{at},");
            text
        }),
        "ghcr.io/acme/app\n".repeat(5000),
        (0..4000).fold(String::new(), |mut text, at| {
            let _ = writeln!(text, "r{at}.io/a/b");
            text
        }),
        format!("type=match,pattern=(a+)+$,value={}!", "a".repeat(5000)),
        format!(
            "type=raw,value={}x{}",
            "{{#if a}}".repeat(5000),
            "{{/if}}".repeat(5000)
        ),
        format!("type=raw,value={{{{{}x}}}}", "(".repeat(40_000)),
        "x".repeat(VALUE),
    ]
    .to_vec()
}

fn events() -> Vec<String> {
    let names = ["push-tag", "push-branch", "pull-request", "schedule"];
    names.map(|name| event(name).to_string()).to_vec()
}

impl Case {
    fn of(number: u64, hostile: &[String], events: &[String]) -> Self {
        let mut rng = Rng::with_seed(number);
        let part = match number % 8 {
            3 => ActionKind::Metadata,
            5 => ActionKind::Plan,
            7 => ActionKind::Merge,
            _ => ActionKind::Publish,
        };
        let mut inputs = Vec::new();
        // All values together have to fit beside what the system allows.
        for _ in 0..rng.u8(1..6) {
            let specs = part.specs();
            let name = specs[rng.usize(..specs.len())].name;
            inputs.push((name, value(&mut rng, name, hostile)));
        }
        let mut environment = Vec::new();
        if rng.bool() {
            let mut text = events[rng.usize(..events.len())].clone();
            for _ in 0..rng.u8(..6).saturating_sub(4) {
                mutate(&mut rng, &mut text);
            }
            environment.push(("event", text));
        }
        for name in [
            "GITHUB_REF",
            "GITHUB_SHA",
            "GITHUB_REPOSITORY",
            "TZ",
            "STEVEDORE_NOW",
        ] {
            if rng.u8(..20) == 0 {
                environment.push((name, value(&mut rng, name, hostile)));
            }
        }
        Self {
            number,
            part,
            inputs,
            environment,
        }
    }

    fn command(&self, place: &Place) -> Command {
        let arguments: &[&str] = match self.part {
            ActionKind::Publish => &["publish", "--dry-run"],
            ActionKind::Metadata => &["metadata"],
            ActionKind::Plan => &["plan"],
            ActionKind::Merge => &["merge"],
        };
        let mut command = place.stevedore(arguments);
        command
            .env(
                "PATH",
                format!("{}:/usr/bin:/bin", place.path("bin").display()),
            )
            .env("GITHUB_API_URL", "http://127.0.0.1:1");
        for (name, value) in &self.inputs {
            command.env(format!("INPUT_{}", name.to_uppercase()), value);
        }
        for (name, value) in &self.environment {
            if *name == "event" {
                place.write("event.json", value);
                command.env("GITHUB_EVENT_PATH", place.path("event.json"));
            } else {
                command.env(name, value);
            }
        }
        command
    }

    /// What it is, with long values cut.
    fn shown(&self) -> String {
        let all = self.inputs.iter().chain(&self.environment);
        let mut text = format!("number {}:", self.number);
        for (name, value) in all {
            let begin: String = value.chars().take(300).collect();
            let _ = write!(text, "\n  {name} ({} bytes): {begin:?}", value.len());
        }
        text
    }
}

/// The exit code, how long it took, and its last words; no code where it was
/// ended as it took too long, or by a signal.
fn end_of(mut command: Command) -> (Option<i32>, Duration, String) {
    let begun = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = child.stderr.take().unwrap();
    let words = std::thread::spawn(move || {
        let (mut tail, mut buffer) = (Vec::new(), [0; 65536]);
        while let Ok(count @ 1..) = err.read(&mut buffer) {
            tail = buffer[count.saturating_sub(2000)..count].to_vec();
        }
        String::from_utf8_lossy(&tail).into_owned()
    });
    let mut pause = Duration::from_millis(1);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if begun.elapsed() > LONGEST => child.kill().unwrap(),
            None => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    (status.code(), begun.elapsed(), words.join().unwrap())
}

/// The most memory that any run has taken, in MiB.
fn most() -> i64 {
    getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() / 1024
}

#[test]
fn no_set_of_inputs_ends_the_program_or_keeps_it() {
    let number = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.map_or(default, |text| text.parse().expect("a number"))
    };
    let count = number("STEVEDORE_MUTATED", COUNT);
    let from = number("STEVEDORE_MUTATED_FROM", 0);
    let place = Place::new();
    let bake = r#"{"group":{"default":{"targets":["api"]}},"target":{"api":{"args":{"A":"b"}}}}"#;
    place.buildx(&format!("echo '{bake}'"));
    let (hostile, events) = (hostile(&place), events());
    let mut slowest = (Duration::ZERO, 0);
    let (mut failed, mut refused) = (Vec::new(), 0);
    for at in from..from + count {
        let case = Case::of(at, &hostile, &events);
        let before = most();
        let (code, took, words) = end_of(case.command(&place));
        slowest = slowest.max((took, at));
        refused += u64::from(code == Some(1));
        let grew = most() > before.max(MOST);
        if !matches!(code, Some(0 | 1)) || took > LONGEST || grew {
            let memory = most();
            failed.push(format!(
                "{code:?} after {took:?}, {memory} MiB, {}\n{words}",
                case.shown()
            ));
        }
    }
    eprintln!(
        "{count} sets, {refused} of them refused: the slowest, number {}, took {:.2} s; \
         the largest took {} MiB",
        slowest.1,
        slowest.0.as_secs_f64(),
        most(),
    );
    assert!(
        failed.is_empty(),
        "{} of {count}:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
