//! Builders and emulators for real: the engine's own with either image store, a
//! BuildKit elsewhere, and a handler that a privileged container installs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use lab_runner::{Step, StepRun};

use crate::support::bridge::{Bridge, NOWHERE};
use crate::support::classic_engine::classic;
use crate::support::site::{clean, place, publish, succeeded};
use crate::support::{Lab, Place, run};

/// Puts a buildx before the real one on the PATH that writes the first argument
/// of each call down; the script goes on with `then`.
fn watched(place: &Place, step: Step, then: &str) -> Step {
    let calls = place.path("calls");
    let script = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{}'\n{then}\n",
        calls.display()
    );
    place.program("docker-buildx", &script);
    let path = std::env::var("PATH").unwrap();
    step.env("PATH", format!("{}:{path}", place.path("bin").display()))
}

fn calls(place: &Place) -> Vec<String> {
    let text = fs::read_to_string(place.path("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The real buildx, as a line of a script.
fn real() -> String {
    format!(
        "exec '{}' \"$@\"",
        std::env::var("STEVEDORE_LAB_BUILDX").unwrap()
    )
}

#[test]
#[ignore = "needs the lab"]
fn the_engines_own_builder_takes_a_question_and_a_build_for_two_platforms() {
    let lab = Lab::get();
    let place = place();
    let step = watched(&place, publish(&lab, &place, "tests/own"), &real());
    let run = step.run().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    let calls = calls(&place);
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert_eq!(calls[0], "version");
    assert!(calls[1].starts_with("build ") && !calls[1].contains("--builder"));
    assert!(
        run.log.contains("builder the engine's own: Docker Engine"),
        "{}",
        run.log
    );
    assert!(run.log.contains("the kernel has handlers"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn the_classic_store_builds_one_platform() {
    let lab = Lab::get();
    let place = place();
    let one = publish(&lab, &place, "tests/classic-one")
        .env("DOCKER_HOST", classic())
        .with("platforms", "linux/amd64");
    let run = watched(&place, one, &real()).run().unwrap();
    succeeded(&run);
    assert_eq!(calls(&place).len(), 2);
}

#[test]
#[ignore = "needs the lab"]
fn a_remote_buildkit_builds_without_an_engine() {
    let lab = Lab::get();
    let place = place();
    let bridge = Bridge::new(&place);
    let run = publish(&lab, &place, "tests/remote")
        .env("DOCKER_HOST", NOWHERE)
        .with("driver", "remote")
        .with("endpoint", bridge.endpoint())
        .run()
        .unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    assert!(
        run.log
            .contains("the builder says that it runs linux/arm64"),
        "{}",
        run.log
    );
    assert!(!place.path("home/.docker").exists(), "no note is left");
}

#[test]
#[ignore = "needs the lab"]
fn a_builder_of_an_earlier_step_is_used_and_stays() {
    let lab = Lab::get();
    let place = place();
    let bridge = Bridge::new(&place);
    let mut earlier = Command::new("docker-buildx");
    earlier
        .args(["create", "--name", "earlier", "--driver", "remote", "--use"])
        .arg(bridge.endpoint())
        .env("DOCKER_HOST", NOWHERE)
        .env("DOCKER_CONFIG", place.path("home/.docker"));
    let made = run(&mut earlier);
    assert!(made.success, "{}", made.err);
    for (given, because) in [
        ("", "an earlier step made it the current builder"),
        ("earlier", "`builder`"),
    ] {
        let run = publish(&lab, &place, "tests/earlier")
            .env("DOCKER_HOST", NOWHERE)
            .with("builder", given)
            .run()
            .unwrap();
        succeeded(&run);
        let line = format!("builder earlier: {because}");
        assert!(run.log.contains(&line), "{}", run.log);
        assert!(place.path("home/.docker/buildx/instances/earlier").exists());
    }
}

#[test]
#[ignore = "needs the lab"]
fn what_a_remote_buildkit_does_not_answer_is_explained() {
    let lab = Lab::get();
    let place = place();
    let run = publish(&lab, &place, "tests/nobody")
        .env("DOCKER_HOST", NOWHERE)
        .with("driver", "remote")
        .with(
            "endpoint",
            format!("unix://{}", place.path("nobody.sock").display()),
        )
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = run
        .annotations
        .iter()
        .find(|a| a.title.as_deref() == Some("Builder"));
    let message = &error.unwrap_or_else(|| panic!("{}", run.log)).message;
    assert!(
        message.contains("could not be made with the driver remote"),
        "{message}"
    );
    assert!(
        message.contains("Look whether BuildKit listens at `endpoint`"),
        "{message}"
    );
    clean(&run);
}

/// The processor whose handler the tests install: neither the machine's nor the
/// one that the lab emulates.
const FOREIGN: &str = "linux/riscv64";
const HANDLER: &str = "/proc/sys/fs/binfmt_misc/qemu-riscv64";

/// Registers as tonistiigi/binfmt does and says so in its words. The program
/// that it registers repeats its arguments, which is enough to see that the
/// kernel hands programs over.
const INSTALLER: &str = r#"
binfmt=/proc/sys/fs/binfmt_misc
[ -e $binfmt/register ] || mount -t binfmt_misc binfmt_misc $binfmt
zeros='\x00\x00\x00\x00\x00\x00\x00\x00\x00'
magic='\x7fELF\x02\x01\x01'$zeros'\x02\x00\xf3\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
[ "$2" = riscv64 ] || { echo "installing: $2 unsupported architecture: $2"; exit 0; }
case $1 in
  --install) printf %s ":qemu-riscv64:M:0:$magic:$mask:/bin/echo:CF" > $binfmt/register && echo 'installing: riscv64 OK' ;;
  --uninstall) echo -1 > $binfmt/qemu-riscv64 && echo 'uninstalling: qemu-riscv64 OK' ;;
esac
"#;

/// An image in the engine, and its handler in the kernel, gone with the value.
struct Installer(String);

impl Installer {
    fn new(lab: &Lab, place: &Place) -> Self {
        assert!(
            !Path::new(HANDLER).exists(),
            "{HANDLER} is there already, and the test installs one: remove it for the test"
        );
        place.write("installer/install", INSTALLER);
        let dockerfile = format!(
            "FROM {}\nCOPY install /install\nENTRYPOINT [\"/bin/sh\", \"/install\"]\n",
            lab.open_base
        );
        place.write("installer/Dockerfile", &dockerfile);
        let tag = format!("stevedore-test/binfmt:{}", std::process::id());
        let mut build = Command::new("docker-buildx");
        build
            .args(["build", "--load", "--tag", &tag])
            .arg(place.path("installer"))
            .env("DOCKER_CONFIG", place.path("client"));
        let built = run(&mut build);
        assert!(built.success, "{}", built.err);
        Self(tag)
    }

    /// Its digest, which the containerd image store knows it by.
    fn digest(&self) -> String {
        let mut docker = Command::new("docker");
        let inspect = ["image", "inspect", "--format", "{{.Id}}", &self.0];
        run(docker.args(inspect)).out.trim().to_owned()
    }

    fn uninstall(&self) {
        let mut docker = Command::new("docker");
        let removed = run(docker
            .args(["run", "--rm", "--privileged", "--network", "none", &self.0])
            .args(["--uninstall", "riscv64"]));
        assert!(removed.success, "{}", removed.err);
    }
}

impl Drop for Installer {
    fn drop(&mut self) {
        if Path::new(HANDLER).exists() {
            self.uninstall();
        }
        let _ = Command::new("docker")
            .args(["rmi", "--force", &self.0])
            .output();
    }
}

/// The head of a program for that processor, as far as the kernel looks.
fn program() -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([2, 0, 0xf3, 0]);
    bytes.resize(256, 0);
    bytes
}

/// A workspace whose image has that program, and runs it or not.
fn foreign(runs: bool) -> Place {
    let place = Place::new();
    let file = place.path("workspace/hello");
    fs::write(&file, program()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    // The number keeps the engine from remembering the step of another run.
    let command = if runs {
        format!(
            "RUN [\"/hello\", \"run-{}\"]\n",
            place.path("").file_name().unwrap().to_string_lossy()
        )
    } else {
        String::new()
    };
    let dockerfile = format!("FROM scratch\nCOPY hello /hello\n{command}");
    place.write("workspace/Dockerfile", &dockerfile);
    place
}

fn run_foreign(lab: &Lab, place: &Place, image: &str, inputs: &[(&str, &str)]) -> StepRun {
    let mut step = lab
        .step_with_login(place)
        .with("images", format!("{}/tests/foreign", lab.registry))
        .with("platforms", FOREIGN)
        .with("binfmt-image", image);
    for (name, value) in inputs {
        step = step.with(*name, *value);
    }
    step.run().unwrap()
}

/// One test, since there is one kernel.
#[test]
#[ignore = "needs the lab"]
fn emulators_are_installed_where_a_run_needs_them_and_only_there() {
    let lab = Lab::get();
    let build = Place::new();
    let installer = Installer::new(&lab, &build);
    let is_there = || Path::new(HANDLER).exists();

    let without_run = foreign(false);
    let run = run_foreign(&lab, &without_run, &installer.0, &[]);
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], FOREIGN);
    assert!(run.log.contains("no RUN is for a platform"), "{}", run.log);
    assert!(!is_there());

    let refused = foreign(true);
    let run = run_foreign(&lab, &refused, &installer.0, &[("emulation", "none")]);
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let warned = run
        .annotations
        .iter()
        .any(|a| a.message.contains("will fail with `exec format error`"));
    assert!(
        warned && run.log.contains("exec format error"),
        "{}",
        run.log
    );
    assert!(!is_there());

    let missing = foreign(true);
    let nowhere = "127.0.0.1:1/no/binfmt:1";
    let run = run_foreign(&lab, &missing, nowhere, &[]);
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = run
        .annotations
        .iter()
        .find(|a| a.title.as_deref() == Some("Emulation"));
    let message = &error.unwrap_or_else(|| panic!("{}", run.log)).message;
    assert!(
        message.contains("riscv64") && message.contains("could not be pulled"),
        "{message}"
    );
    assert!(
        message.contains("`driver: docker-container`") && message.contains("`emulation: none`"),
        "{message}"
    );
    clean(&run);

    let tidy = foreign(true);
    let run = run_foreign(&lab, &tidy, &installer.0, &[("cleanup", "all")]);
    succeeded(&run);
    assert!(run.log.contains("installs riscv64"), "{}", run.log);
    let id = installer.digest();
    let ran = run.log.lines().find(|line| line.starts_with("running "));
    assert!(ran.is_some_and(|line| line.contains(&id)), "{}", run.log);
    assert!(run.log.contains("/hello run-"), "{}", run.log);
    assert!(!is_there(), "`cleanup: all` takes it away");
    let tag = run.outputs["tags"].lines().next().unwrap();
    let inspected = Command::new("docker")
        .args(["image", "inspect", tag])
        .output()
        .unwrap();
    assert!(
        !inspected.status.success(),
        "the image is gone from the engine"
    );

    let first = foreign(true);
    succeeded(&run_foreign(&lab, &first, &installer.0, &[]));
    assert!(is_there(), "by default it stays");
    let second = foreign(true);
    let run = run_foreign(&lab, &second, nowhere, &[]);
    succeeded(&run);
    assert!(run.log.contains("the kernel has handlers"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn an_image_that_is_loaded_lasts_until_the_end_of_the_job() {
    let lab = Lab::get();
    let place = place();
    let run = publish(&lab, &place, "tests/load-and-go")
        .with("load", "true")
        .with("cleanup", "all")
        .run()
        .unwrap();
    succeeded(&run);
    let left: serde_json::Value = serde_json::from_str(&run.state["stevedore_take_down"]).unwrap();
    let tags: Vec<&str> = run.outputs["tags"].lines().collect();
    assert_eq!(left["images_of_job"], serde_json::json!(tags));
    assert!(left["folder"].is_null(), "the run took it away itself");
    // The post step has run by now.
    for tag in run.outputs["tags"].lines() {
        let inspected = Command::new("docker")
            .args(["image", "inspect", tag])
            .output()
            .unwrap();
        assert!(!inspected.status.success(), "{tag}");
    }
}
