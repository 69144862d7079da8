//! launcher.cjs under the stand-in for the runner, with real Node programs and
//! a shell script, or a tiny crate, in the place of the program.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests that start real programs"
)]

mod action;
mod own_build;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use action::{Action, NODES, Node, PROGRAM, node_24, node_script};
use lab_runner::{Conclusion, Level, Running, Signal, Step, StepRun};

const SOON: Duration = Duration::from_secs(30);

fn run(action: &Action, node: Node, script: &str) -> StepRun {
    action.step(node).with("do", script).run().unwrap()
}

fn started(action: &Action, node: Node, script: &str) -> Running {
    let running = action.step(node).with("do", script).start().unwrap();
    assert!(running.wait_for("ready", SOON), "{node:?}");
    running
}

/// What the launcher says in place of running anything; post may say it again.
fn only_error(run: &StepRun) -> &str {
    let errors = run
        .annotations
        .iter()
        .filter(|one| one.level == Level::Error);
    let titled = errors.filter(|one| one.title.as_deref() == Some("Stevedore could not start"));
    let mut messages: Vec<_> = titled.map(|one| one.message.as_str()).collect();
    messages.dedup();
    assert_eq!(messages.len(), 1, "{}", run.log);
    assert!(!run.log.contains("    at "), "a stack trace: {}", run.log);
    messages[0]
}

#[test]
fn main_and_post_run_the_program_with_what_the_runner_gives() {
    let action = Action::with_program(PROGRAM);
    let script = r#"printf 'plain=a=b\nlines<<END\none\ntwo\nEND\n' >> "$GITHUB_OUTPUT"; echo left=behind >> "$GITHUB_STATE""#;
    for node in NODES {
        let run = run(&action, node, script);
        assert!(run.succeeded(), "{node:?}: {}", run.log);
        let (main, post) = run.log.trim().split_once('\n').unwrap();
        assert!(main.starts_with("program:[] "), "{node:?}: {main}");
        assert!(main.ends_with("left:"), "{node:?}: {main}");
        // One line: neither stage says anything of its own, no warning of Node's.
        assert!(post.starts_with("program:[post] "), "{node:?}: {post}");
        assert!(
            post.ends_with("left:behind") && !post.contains('\n'),
            "{node:?}: {post}"
        );
        assert_eq!(run.state["stevedore_post"], "true");
        let outputs: Vec<_> = run
            .outputs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(outputs, [("lines", "one\ntwo"), ("plain", "a=b")]);
        assert_eq!((run.leftovers.len(), run.orphans.len()), (0, 0), "{run:?}");
    }
}

#[test]
fn node_24_becomes_the_program() {
    let action = Action::with_program(PROGRAM);
    for (node, same) in [(Node::V24, true), (Node::WithoutExecve, false)] {
        let running = started(&action, node, "echo ready; sleep 0.2");
        let pid = format!("pid:{} ", running.pid().unwrap());
        assert_eq!(running.wait().unwrap().log.contains(&pid), same, "{node:?}");
    }
}

#[test]
fn exit_codes_and_signals_are_the_programs() {
    let action = Action::with_program(PROGRAM);
    for node in NODES {
        for code in [0, 1, 7, 255] {
            let run = run(&action, node, &format!("exit {code}"));
            assert_eq!(run.exit_code, Some(code), "{node:?}");
            assert_eq!(run.post.unwrap().exit_code, Some(0), "{node:?}");
        }
        for (name, number) in [("TERM", 15), ("KILL", 9)] {
            let run = run(&action, node, &format!("kill -{name} $$"));
            assert_eq!(
                (run.exit_code, run.signal),
                (None, Some(number)),
                "{node:?}"
            );
            assert!(run.log.contains("program:[post]"), "{node:?}");
        }
    }
}

#[test]
fn signals_in_the_middle_reach_the_program() {
    let action = Action::with_program(PROGRAM);
    for node in NODES {
        for (name, signal) in [
            ("INT", Signal::INT),
            ("TERM", Signal::TERM),
            ("HUP", Signal::HUP),
            ("QUIT", Signal::QUIT),
        ] {
            let script = format!(
                "trap 'echo got {name}; exit 42' {name}; sleep 60 >/dev/null 2>&1 & echo ready; wait"
            );
            let running = started(&action, node, &script);
            assert!(running.signal(signal));
            let run = running.wait().unwrap();
            assert!(
                run.log.contains(&format!("got {name}\n")),
                "{node:?}: {}",
                run.log
            );
            assert_eq!(run.exit_code, Some(42), "{node:?} {name}");
            assert!(run.log.contains("program:[post]"), "{node:?}");
        }
    }
}

#[test]
fn a_cancel_that_is_obeyed() {
    let action = Action::with_program(PROGRAM);
    for node in NODES {
        let running = started(
            &action,
            node,
            "trap 'echo cleaning up; exit 130' INT; sleep 60 >/dev/null 2>&1 & echo ready; wait",
        );
        running.cancel();
        let run = running.wait().unwrap();
        assert_eq!(
            (run.conclusion, run.exit_code),
            (Conclusion::Cancelled, Some(130)),
            "{node:?}"
        );
        assert!(
            run.log.contains("cleaning up\nprogram:[post]"),
            "{node:?}: {}",
            run.log
        );
        // What the program left running is the job's to end.
        assert_eq!(run.orphans, ["sleep 60"], "{node:?}");
    }
}

#[test]
fn a_cancel_that_is_ignored_ends_in_a_kill_of_everything() {
    let action = Action::with_program(PROGRAM);
    let script = "trap 'echo ignored INT' INT; trap 'echo ignored TERM' TERM; echo ready; while :; do sleep 0.1; done";
    let running = [Node::V24, Node::WithoutExecve].map(|node| started(&action, node, script));
    running.iter().for_each(Running::cancel);
    for running in running {
        let run = running.wait().unwrap();
        assert_eq!(
            (run.conclusion, run.signal),
            (Conclusion::Cancelled, Some(9))
        );
        for line in ["ignored INT", "ignored TERM", "program:[post]"] {
            assert!(run.log.contains(line), "{line}: {}", run.log);
        }
        assert_eq!(run.orphans, Vec::<String>::new());
    }
}

#[test]
fn the_programs_streams_block() {
    let action = Action::with_program(PROGRAM);
    for node in NODES {
        let run = run(
            &action,
            node,
            "grep flags /proc/$$/fdinfo/1 /proc/$$/fdinfo/2",
        );
        let flags = run
            .log
            .lines()
            .filter_map(|line| line.split_once("flags:\t"));
        let flags: Vec<_> = flags
            .map(|(_, octal)| u32::from_str_radix(octal, 8).unwrap())
            .collect();
        assert_eq!(flags.len(), 2, "{}", run.log);
        const O_NONBLOCK: u32 = 0o4000;
        assert!(
            flags.iter().all(|flags| flags & O_NONBLOCK == 0),
            "{node:?}: {flags:?}"
        );
    }
}

#[test]
fn a_part_of_the_action_names_itself_and_has_no_post() {
    let action = Action::with_program(PROGRAM);
    action.write(
        "metadata/action.yml",
        "name: part\nruns: {using: node24, main: main.cjs}\n",
    );
    action.write(
        "metadata/main.cjs",
        "require('../launcher.cjs')('metadata');\n",
    );
    let step = Step::node(action.path("metadata")).node_program(node_24());
    let run = step.env("STATE_stevedore_post", "true").run().unwrap();
    assert!(
        run.succeeded() && run.log.starts_with("program:[metadata] "),
        "{}",
        run.log
    );
    assert!(run.state.is_empty() && run.post.is_none());
}

#[test]
fn another_platform_gets_one_clear_sentence() {
    let action = Action::with_program(PROGRAM);
    for (platform, arch) in [("win32", "x64"), ("darwin", "arm64"), ("linux", "riscv64")] {
        let fake = format!(
            "for (const [name, value] of [['platform', '{platform}'], ['arch', '{arch}']]) Object.defineProperty(process, name, {{ value }});"
        );
        action.write("preload/platform.cjs", &fake);
        let run = action
            .preload(action.step(Node::V24), "platform.cjs")
            .run()
            .unwrap();
        assert_eq!(run.exit_code, Some(1));
        let message = format!("this runner is {platform} {arch}");
        assert!(only_error(&run).contains(&message), "{}", run.log);
        assert_eq!(run.post.unwrap().exit_code, Some(0));
    }
}

#[test]
fn a_program_that_may_not_be_executed_is_an_error_not_a_crash() {
    let action = Action::with_program(PROGRAM);
    for program in fs::read_dir(action.path("dist")).unwrap().flatten() {
        fs::set_permissions(program.path(), fs::Permissions::from_mode(0o644)).unwrap();
    }
    for node in NODES {
        let run = run(&action, node, "true");
        assert_eq!(run.exit_code, Some(1), "{node:?}");
        assert!(
            only_error(&run).contains("permission denied"),
            "{node:?}: {}",
            run.log
        );
    }
}

/// The arm64 Node under emulation starts the arm64 program; a script in its place.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn arm64_picks_its_own_program() {
    if !Path::new("/usr/bin/apt-get").exists() {
        return; // Libraries and emulator come from the distribution's packages.
    }
    let action = Action::with_program("#!/bin/sh\necho the wrong one\n");
    action.program("arm64", PROGRAM);
    let emulated = node_script("arm64");
    for script in ["exit 5", "kill -TERM $$"] {
        let step = Step::node(action.folder.path())
            .node_program(&emulated)
            .with("do", script);
        let running = step.start().unwrap();
        let pid = running.pid().unwrap();
        let run = running.wait().unwrap();
        assert!(
            run.log.starts_with(&format!("program:[] pid:{pid} ")),
            "{}",
            run.log
        );
        assert_eq!(
            (run.exit_code == Some(5), run.signal == Some(15)),
            (script == "exit 5", script != "exit 5")
        );
        assert!(run.log.contains("program:[post]"), "{}", run.log);
    }
}

/// As above with a program of that architecture, which the kernel has to know how to start.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[ignore = "needs an arm64 emulator in the kernel: lab/up"]
fn arm64_becomes_an_arm64_program() {
    let action = Action::empty();
    let busybox = node_script("busybox");
    action.program(
        "arm64",
        &PROGRAM.replace("/bin/sh", &format!("{} sh", busybox.display())),
    );
    let emulated = node_script("arm64");
    let step = Step::node(action.folder.path()).node_program(&emulated);
    let run = step
        .with("do", format!("{} uname -m; exit 5", busybox.display()))
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(5), "{}", run.log);
    assert!(run.log.contains("aarch64\nprogram:[post]"), "{}", run.log);
}
