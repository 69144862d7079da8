//! Without a binary: the program is built once, from the action's own sources.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests that start real programs"
)]

use crate::action::{Action, NODES, Node};
use crate::{SOON, only_error};
use lab_runner::Conclusion;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// Shows how it was started; what it builds says what it was given.
const CARGO: &str = r#"#!/bin/sh
echo "cargo in:$PWD"
tr '\0' '\n' </proc/$$/environ
while [ "$1" != --target-dir ]; do shift; done
mkdir -p "$2/release"
printf '#!/bin/sh\necho "program do:$INPUT_DO"\n' >"$2/release/stevedore"
chmod 755 "$2/release/stevedore"
"#;

#[test]
fn the_workspace_and_the_inputs_do_not_reach_the_build() {
    let action = Action::with_crate("");
    action.executable("bin/cargo", CARGO);
    action.write("rust-toolchain.toml", "[toolchain]\nchannel = \"1.99\"\n");
    action.write("workspace/.cargo/config.toml", "theirs");
    let path = format!(
        "{}:{}",
        action.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let step = || {
        let step = action.step(Node::V24).workspace(action.path("workspace"));
        let step = step
            .with("do", "given")
            .with("github-token", "t0ken-of-the-job")
            .env("PATH", &path)
            .env("CARGO_HOME", "/kept")
            .env("https_proxy", "http://proxy:3128")
            .env("SSL_CERT_FILE", "/kept.pem");
        let step = FOREIGN
            .iter()
            .fold(step, |step, name| step.env(*name, "f0reign"));
        step.run().unwrap()
    };
    let run = step();
    assert!(run.succeeded(), "{}", run.log);
    // In the root, no folder above has a configuration of somebody's.
    assert!(run.log.contains("cargo in:/\n"), "{}", run.log);
    for kept in [
        "CARGO_HOME=/kept",
        "https_proxy=http://proxy:3128",
        "SSL_CERT_FILE=/kept.pem",
        "RUSTUP_TOOLCHAIN=1.99",
    ] {
        assert!(
            run.log.contains(&format!("{kept}\n")),
            "{kept}: {}",
            run.log
        );
    }
    for kept_away in ["INPUT_", "t0ken", "f0reign"] {
        assert!(!run.log.contains(kept_away), "{kept_away}: {}", run.log);
    }
    assert!(run.log.contains("program do:given"), "{}", run.log);
    assert!(!step().log.contains(ANNOUNCED));
    action.write(
        "rust-toolchain.toml",
        "# another toolchain is another program",
    );
    assert!(step().log.contains(ANNOUNCED));
}

/// What of a job's environment would change the program that other jobs get.
const FOREIGN: [&str; 12] = [
    "RUSTC",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_TARGET_DIR",
    "CARGO_PROFILE_RELEASE_DEBUG",
    "CC",
    "LD_LIBRARY_PATH",
    "ACTIONS_RUNTIME_TOKEN",
];

/// Another job of the same user, in the tool cache or in a container that has it.
#[test]
fn a_program_that_somebody_put_in_the_place_of_ours_is_not_run() {
    let action = Action::with_crate(MAIN);
    assert!(action.step(Node::V24).run().unwrap().succeeded());
    let program = action.kept();
    fs::write(&program, "#!/bin/sh\necho planted\n").unwrap();
    let run = action.step(Node::V24).run().unwrap();
    assert!(
        run.succeeded() && !run.log.contains("planted"),
        "{}",
        run.log
    );
    assert!(run.log.contains(ANNOUNCED), "{}", run.log);
    assert!(
        run.log
            .ends_with("built, args []\nbuilt, args [\"post\"]\n"),
        "{}",
        run.log
    );

    // Before anything was built, by somebody who knows the key.
    let before = Action::with_crate(MAIN);
    let place = before
        .path("tools")
        .join(program.strip_prefix(action.path("tools")).unwrap());
    let key = place.parent().unwrap();
    fs::create_dir_all(key).unwrap();
    for folder in [key, key.parent().unwrap()] {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(&place, "#!/bin/sh\necho planted\n").unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    let run = before.step(Node::V24).run().unwrap();
    assert!(
        run.succeeded() && !run.log.contains("planted"),
        "{}",
        run.log
    );
}

#[test]
fn a_folder_that_others_can_write_to_keeps_no_program() {
    let action = Action::with_crate("");
    action.executable("bin/cargo", CARGO);
    let path = format!(
        "{}:{}",
        action.path("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let step = || action.step(Node::V24).env("PATH", &path).run().unwrap();
    assert!(step().succeeded());
    let key = action.kept().parent().unwrap().to_owned();
    let ours = key.parent().unwrap().to_owned();
    let notes = action.path("home/.cache/stevedore");
    for folder in [&key, &ours, &notes] {
        let set = |mode| fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
        set(0o770);
        let refused = step();
        assert_eq!(refused.exit_code, Some(1));
        let message = only_error(&refused);
        assert!(
            message.contains("can be written to by other users"),
            "{message}"
        );
        set(0o700);
        let aside = action.path("aside");
        fs::rename(folder, &aside).unwrap();
        std::os::unix::fs::symlink(&aside, folder).unwrap();
        let refused = step();
        assert!(
            only_error(&refused).contains("is a link"),
            "{}",
            refused.log
        );
        fs::remove_file(folder).unwrap();
        fs::rename(&aside, folder).unwrap();
        if std::os::unix::fs::chown(folder, Some(12345), None).is_ok() {
            let refused = step();
            assert!(
                only_error(&refused).contains("belongs to user 12345"),
                "{}",
                refused.log
            );
            std::os::unix::fs::chown(folder, Some(0), None).unwrap();
        }
    }
    let again = step();
    assert!(
        again.succeeded() && !again.log.contains(ANNOUNCED),
        "{}",
        again.log
    );
}

const MAIN: &str =
    r#"fn main() { println!("built, args {:?}", std::env::args().skip(1).collect::<Vec<_>>()); }"#;
const ANNOUNCED: &str = "no binary in dist/ for this ref; building once";

#[test]
fn without_a_binary_it_is_built_once_and_kept() {
    let action = Action::with_crate(MAIN);
    for (node, builds) in [
        (Node::WithoutExecve, true),
        (Node::V24, false),
        (Node::Own, false),
    ] {
        let run = action.step(node).run().unwrap();
        assert!(run.succeeded(), "{node:?}: {}", run.log);
        assert_eq!(run.log.contains(ANNOUNCED), builds, "{node:?}: {}", run.log);
        assert!(
            run.log
                .ends_with("built, args []\nbuilt, args [\"post\"]\n"),
            "{}",
            run.log
        );
        assert_eq!(run.leftovers, Vec::<PathBuf>::new());
    }
    action.write("src/deep/other.rs", "// another source is another program");
    assert!(
        action
            .step(Node::V24)
            .run()
            .unwrap()
            .log
            .contains(ANNOUNCED)
    );
    assert_eq!(action.built().len(), 2);
}

#[test]
fn two_jobs_that_build_at_once_do_not_disturb_each_other() {
    let action = Action::with_crate(MAIN);
    let both = [Node::V24, Node::WithoutExecve].map(|node| action.step(node).start().unwrap());
    for running in both {
        let run = running.wait().unwrap();
        assert!(
            run.succeeded() && run.log.contains("built, args []"),
            "{}",
            run.log
        );
    }
    assert_eq!(action.built().len(), 1, "{:?}", action.built());
}

#[test]
fn a_build_that_fails_says_so_and_post_builds_nothing() {
    let action = Action::with_crate("fn main() { nonsense }");
    let run = action.step(Node::V24).run().unwrap();
    assert_eq!(run.exit_code, Some(1));
    assert!(
        only_error(&run).contains("the output of cargo (exit code 101)"),
        "{}",
        run.log
    );
    assert_eq!(run.log.matches(ANNOUNCED).count(), 1);
    assert_eq!(run.post.unwrap().exit_code, Some(0));
    assert_eq!(action.built(), Vec::<PathBuf>::new());
}

#[test]
fn a_build_can_be_cancelled() {
    let action = Action::with_crate(MAIN);
    action.write("build.rs", r#"fn main() { println!("cargo::warning=building"); std::thread::sleep(std::time::Duration::from_secs(60)); }"#);
    for node in [Node::V24, Node::WithoutExecve] {
        let running = action.step(node).start().unwrap();
        assert!(running.wait_for("Compiling", SOON));
        running.cancel();
        let run = running.wait().unwrap();
        assert_eq!(
            (run.conclusion, run.signal),
            (Conclusion::Cancelled, Some(2)),
            "{}",
            run.log
        );
        assert_eq!(run.post.unwrap().exit_code, Some(0));
        assert_eq!(action.built(), Vec::<PathBuf>::new());
    }
}

#[test]
fn without_a_binary_and_cargo_one_sentence_says_what_to_do() {
    let action = Action::with_crate(MAIN);
    for node in NODES {
        let run = action.step(node).env("PATH", "/nowhere").run().unwrap();
        assert_eq!(run.exit_code, Some(1), "{node:?}");
        let message = only_error(&run);
        assert!(
            message.contains("cargo") && message.contains("released tag"),
            "{message}"
        );
        assert_eq!(run.post.unwrap().exit_code, Some(0));
    }
}
