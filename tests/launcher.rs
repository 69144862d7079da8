//! launcher.cjs under the stand-in for the runner, with real Node programs and
//! a shell script, or a tiny crate, in the place of the program.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests that start real programs"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use lab_runner::{Conclusion, Level, Running, Signal, Step, StepRun};
use tempfile::TempDir;

const SOON: Duration = Duration::from_secs(30);

/// Which program the launcher ran, with what: the stand-in for the binary.
const PROGRAM: &str = r#"#!/bin/sh
echo "program:[$*] pid:$$ left:$STATE_left"
[ "$1" = post ] && exit 0
eval "$INPUT_DO"
"#;

/// A Node to test with, and how it starts the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    /// GitHub's runner has it; the launcher becomes the program.
    V24,
    /// The same, `process.execve` hidden: the program is a child.
    WithoutExecve,
    /// Whatever this machine has.
    Own,
}

const NODES: [Node; 3] = [Node::V24, Node::WithoutExecve, Node::Own];

/// An action's folder, a tool cache, and scripts to load into Node.
struct Action {
    folder: TempDir,
}

impl Action {
    /// launcher.cjs, action.yml, nothing to run yet.
    fn empty() -> Self {
        let action = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("launcher.cjs");
        fs::copy(launcher, action.path("launcher.cjs")).unwrap();
        action.write(
            "action.yml",
            "name: stand-in\ninputs: {do: {default: 'true'}}\nruns: {using: node24, main: launcher.cjs, post: launcher.cjs}\n",
        );
        action.write("preload/no-execve.cjs", "delete process.execve;");
        action
    }

    fn with_program(script: &str) -> Self {
        let action = Self::empty();
        let arch = if cfg!(target_arch = "aarch64") {
            "arm64"
        } else {
            "amd64"
        };
        action.program(arch, script);
        action
    }

    /// The crate that the launcher builds where there is no program.
    fn with_crate(main: &str) -> Self {
        let action = Self::empty();
        action.write("Cargo.toml", "[package]\nname = \"stevedore\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n");
        action.write(
            "Cargo.lock",
            "version = 3\n[[package]]\nname = \"stevedore\"\nversion = \"0.1.0\"\n",
        );
        action.write("src/main.rs", main);
        action
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn program(&self, arch: &str, script: &str) {
        let name = format!("dist/stevedore-linux-{arch}");
        self.write(&name, script);
        fs::set_permissions(self.path(&name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn step(&self, node: Node) -> Step {
        let real = std::env::var("HOME").unwrap();
        let kept = |name: &str, folder: &str| {
            std::env::var(name).unwrap_or_else(|_| format!("{real}/{folder}"))
        };
        let step = Step::node(self.folder.path())
            .tool_cache(self.path("tools"))
            .env("HOME", self.path("home").display().to_string())
            .env("CARGO_HOME", kept("CARGO_HOME", ".cargo"))
            .env("RUSTUP_HOME", kept("RUSTUP_HOME", ".rustup"));
        match node {
            Node::V24 => step.node_program(node_24()),
            Node::Own => step.node_program(own_node()),
            Node::WithoutExecve => self.preload(step, "no-execve.cjs").node_program(node_24()),
        }
    }

    fn preload(&self, step: Step, script: &str) -> Step {
        let script = self.path("preload").join(script);
        step.env("NODE_OPTIONS", format!("--require {}", script.display()))
    }

    /// What the launcher keeps in the tool cache.
    fn built(&self) -> Vec<PathBuf> {
        let inside = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path())
        };
        let users = inside(self.path("tools"));
        users.flat_map(inside).flat_map(inside).collect()
    }

    /// The only program that it keeps there.
    fn kept(&self) -> PathBuf {
        let built = self.built();
        assert_eq!(built.len(), 1, "{built:?}");
        built[0].clone()
    }
}

fn node_script(argument: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab/node.sh");
    let output = Command::new(script)
        .args(argument.split_whitespace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

fn node_24() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| node_script(""))
}

fn own_node() -> &'static Path {
    static NODE: OnceLock<PathBuf> = OnceLock::new();
    NODE.get_or_init(|| {
        let output = Command::new("node")
            .args(["-p", "process.execPath"])
            .output()
            .unwrap();
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

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
    action.write("bin/cargo", CARGO);
    fs::set_permissions(action.path("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
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
    action.write("bin/cargo", CARGO);
    fs::set_permissions(action.path("bin/cargo"), fs::Permissions::from_mode(0o755)).unwrap();
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
