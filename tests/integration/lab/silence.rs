//! Engines and registries that freeze: their connections stay open, and nothing
//! comes any more.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::engine_socket::EngineSocket;
use crate::support::front::{Front, refuse};
use crate::support::site::clean;
use crate::support::{Lab, Place, event};

const LONG: Duration = Duration::from_secs(60);

/// GitHub's runner kills what is left 10 s after it has cancelled a step.
#[test]
#[ignore = "needs the lab"]
fn a_cancelled_step_ends_in_time_though_the_engine_is_frozen() {
    let lab = Lab::get();
    let place = Place::new();
    let mark = place.mark();
    let dockerfile = format!(
        "ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo started-{mark}; sleep 100; echo {mark}\n"
    );
    place.write("workspace/Dockerfile", &dockerfile);
    let engine = EngineSocket::start(&place);
    let running = lab
        .step(&place)
        .with("images", format!("{}/tests/frozen", lab.open_registry))
        .with("build-args", format!("BASE={}", lab.open_base))
        .with("platforms", "linux/amd64")
        .with("cleanup", "all")
        .env("DOCKER_HOST", engine.host())
        .start()
        .unwrap();
    assert!(running.wait_for(&format!(" started-{mark}\n"), LONG));
    engine.freeze();
    let cancelled = Instant::now();
    running.cancel();
    let told = running.wait_for("cancelled; nothing more", LONG);
    let took = cancelled.elapsed();
    let left = std::fs::read_dir(running.temp()).unwrap().flatten();
    let left: Vec<_> = left
        .filter(|entry| entry.path().join("docker").exists())
        .collect();
    engine.thaw();
    let run = running.wait().unwrap();
    assert_eq!((told, run.exit_code), (true, Some(130)), "{}", run.log);
    assert!(took < Duration::from_secs(9), "{took:?}: {}", run.log);
    assert!(left.is_empty(), "a login is left: {left:?}");
    assert_eq!(run.outputs["version"], "v0.2.0");
    // The engine answers again.
    assert!(run.log.contains("the post step tries"), "{}", run.log);
    assert!(run.log.contains("removed "), "{}", run.log);
    clean(&run);
}

/// A busy registry and a frozen one look the same in BuildKit's progress.
#[test]
#[ignore = "needs the lab"]
fn a_push_to_a_registry_that_freezes_is_ended_and_the_others_are_kept() {
    let lab = Lab::get();
    let place = Place::new();
    let mark = place.mark();
    place.write("workspace/Dockerfile", "FROM scratch\nCOPY mark /\n");
    place.write("workspace/mark", &mark);
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let front = Front::start(
        &lab,
        &format!(
            "location ~ ^/v2/frozen/app/manifests/ {{
               if ($request_method != PUT) {{ return 404; }}
               proxy_pass http://{};
             }}\n",
            busy.local_addr().unwrap()
        ),
    );
    let good = format!("{}/tests/not-frozen", lab.open_registry);
    let bad = format!("{}/frozen/app", front.address());
    let running = lab
        .step(&place)
        .event("push", event("push-branch"))
        .git_ref("refs/heads/main")
        .with("images", format!("{good}\n{bad}"))
        .with("tags", "type=raw,value=one\ntype=raw,value=two")
        .with("platforms", "linux/amd64")
        .with("stall-timeout", "3s")
        .start()
        .unwrap();
    assert!(running.wait_for(&format!("pushing {bad}:one out of"), LONG));
    thread::sleep(Duration::from_secs(5));
    assert!(
        !running.wait_for("does not answer", Duration::ZERO),
        "it is busy"
    );
    front.freeze();
    let begun = Instant::now();
    let run = running.wait().unwrap();
    let took = begun.elapsed();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert!(took < LONG, "{took:?}: {}", run.log);
    assert_eq!(run.outputs["published"], format!("{good}:one\n{good}:two"));
    assert!(run.outputs["digest"].starts_with("sha256:"), "{}", run.log);
    let mut errors = run.annotations.iter();
    let error = errors.find(|a| a.title.as_deref() == Some("Push")).unwrap();
    let expected = format!("See why {} does not answer", front.address());
    assert!(error.message.contains(&expected), "{}", error.message);
    assert!(error.message.contains(&format!("{bad}:one, {bad}:two")));
    assert!(run.summary.contains("Published in part"), "{}", run.summary);
    clean(&run);
}

/// The first try fails, and the second goes out of the engine's store.
#[test]
#[ignore = "needs the lab"]
fn a_push_of_the_engine_to_a_registry_that_freezes_is_ended_too() {
    let lab = Lab::get();
    let place = Place::new();
    place.write("workspace/Dockerfile", "FROM scratch\nCOPY mark /\n");
    place.write("workspace/mark", &place.mark());
    let front = Front::start(&lab, &refuse("freezes/app/manifests", 503, ""));
    let running = lab
        .step(&place)
        .with("images", format!("{}/freezes/app", front.address()))
        .with("platforms", "linux/amd64")
        .with("stall-timeout", "3s")
        .start()
        .unwrap();
    assert!(running.wait_for("again in", LONG));
    front.freeze();
    let begun = Instant::now();
    let run = running.wait().unwrap();
    let took = begun.elapsed();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert!(took < LONG, "{took:?}: {}", run.log);
    assert!(run.log.contains("out of the engine's store"), "{}", run.log);
    assert!(run.log.contains("does not answer"), "{}", run.log);
    assert!(run.outputs["digest"].starts_with("sha256:"), "{}", run.log);
    clean(&run);
}
