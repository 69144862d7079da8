//! What a run leaves behind when it ends as nobody meant: by a panic, by a kill,
//! or with somebody else's folder in the place of its own.
#![cfg(target_os = "linux")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::offline::left_overs::{is_running, soon};
use crate::support::recorder::step;
use crate::support::{Lab, Place, run};

/// A way to a registry that is slow for what is sent there; how much was sent.
fn slow_way(registry: &str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (registry, sent) = (registry.to_owned(), Arc::new(AtomicU64::new(0)));
    let counter = Arc::clone(&sent);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = TcpStream::connect(&registry).unwrap();
            let pairs = [
                (
                    client.try_clone().unwrap(),
                    server.try_clone().unwrap(),
                    true,
                ),
                (server, client, false),
            ];
            for (mut from, mut to, is_slow) in pairs {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    let mut buffer = [0; 32 * 1024];
                    while let Ok(count @ 1..) = from.read(&mut buffer) {
                        if to.write_all(&buffer[..count]).is_err() {
                            break;
                        }
                        if is_slow {
                            counter.fetch_add(count as u64, Ordering::SeqCst);
                            thread::sleep(Duration::from_millis(20));
                        }
                    }
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    (address, sent)
}

#[test]
#[ignore = "needs the lab"]
fn nothing_more_is_pushed_after_the_program_was_killed() {
    let lab = Lab::get();
    let place = Place::new();
    let dockerfile = format!(
        "FROM {}\nRUN echo {} && head -c 16000000 /dev/urandom > /blob\n",
        lab.open_base,
        place.mark()
    );
    place.write("workspace/Dockerfile", &dockerfile);
    let buildx = std::env::var("STEVEDORE_LAB_BUILDX").unwrap();
    let pid = place.path("pid");
    // Its words go to a file: those that nobody reads any more would end it too,
    // though only when it says something.
    place.buildx(&format!(
        "echo $$ > '{}'\nexec '{buildx}' \"$@\" > '{}' 2>&1\n",
        pid.display(),
        place.path("words").display()
    ));
    let (address, sent) = slow_way(&lab.open_registry);
    let image = format!("tests/{}", place.mark().to_lowercase());
    let images = format!("{address}/{image}");
    let inputs = [
        ("images", images.as_str()),
        ("platforms", "linux/amd64"),
        ("push", "true"),
    ];
    let mut command = step(&place, &inputs);
    let engine = std::env::var("DOCKER_HOST").unwrap();
    command
        .env_remove("INPUT_BUILDER")
        .env("DOCKER_HOST", engine);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let is_pushing = (0..4).any(|_| soon(|| sent.load(Ordering::SeqCst) > 1_000_000));
    assert!(is_pushing, "{}", place.text("words"));
    child.kill().unwrap();
    child.wait().unwrap();
    let pid = place.text("pid").trim().parse().unwrap();
    assert!(soon(|| !is_running(pid)), "buildx goes on");
    // What was on its way arrives, and then no more.
    let mut last = 0;
    let is_quiet = (0..60).any(|_| {
        thread::sleep(Duration::from_millis(500));
        let now = sent.load(Ordering::SeqCst);
        std::mem::replace(&mut last, now) == now
    });
    assert!(is_quiet, "{last} bytes were sent");
    let url = format!("http://{}/v2/{image}/tags/list", lab.open_registry);
    let listed = run(Command::new("curl").args(["-s", &url])).out;
    assert!(!listed.contains("v0.2.0"), "{listed}");
}
