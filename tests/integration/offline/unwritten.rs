//! Files and streams that cannot be written: what was published is not lost
//! with them.

use std::process::Command;

use crate::support::recorder::{DIGEST, outputs, recorder, step};
use crate::support::{Place, run};

/// A disk without room.
const FULL: &str = "/dev/full";

#[test]
fn outputs_that_cannot_be_written_stop_the_run_before_the_build() {
    let place = Place::new();
    recorder(&place);
    let printed = run(step(&place, &[]).env("GITHUB_OUTPUT", FULL));
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    assert!(!place.path("record/arguments").exists(), "{}", printed.out);
    let why = "cannot write to /dev/full, which GITHUB_OUTPUT names: No space left on device";
    assert!(printed.out.contains(why), "{}", printed.out);
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

/// The disk fills up while the image is built.
#[test]
fn outputs_that_are_lost_after_the_build_leave_the_digest_in_log_and_summary() {
    let place = Place::new();
    recorder(&place);
    let recorder = place.text("bin/docker-buildx");
    let fill = format!("ln -sf {FULL} {}\n", place.path("output").display());
    place.program("docker-buildx", &recorder.replace("exit 0\n", &fill));
    let printed = run(&mut step(&place, &[]));
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    assert!(
        printed.out.contains(&format!("built {DIGEST}")),
        "{}",
        printed.out
    );
    let error = printed
        .out
        .lines()
        .find(|line| line.starts_with("::error title=Stevedore"));
    let error = error.unwrap();
    assert!(error.contains("the log has what was published"), "{error}");
    assert!(error.contains("digest, "), "{error}");
    assert!(place.text("summary").contains("Built"), "{}", printed.out);
    assert_eq!(place.list("temp"), Vec::<String>::new());
}

/// The same step, in which no file can grow beyond this size.
fn with_small_files(step: &Command, bytes: u32) -> Command {
    let mut limited = Command::new("prlimit");
    limited
        .arg(format!("--fsize={bytes}"))
        .args(["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(step.get_program())
        .current_dir(step.get_current_dir().unwrap())
        .env_clear()
        .envs(
            step.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    limited
}

/// The runner rejects a file that ends in the middle of an output.
#[test]
fn a_file_that_takes_no_more_holds_whole_outputs_and_the_digest() {
    let place = Place::new();
    recorder(&place);
    place.write("output", &format!("before<<E\n{}\nE\n", "a".repeat(3000)));
    let printed = run(&mut with_small_files(&step(&place, &[]), 4096));
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    assert!(printed.out.contains("Without a value: "), "{}", printed.out);
    let outputs = outputs(&place);
    assert_eq!(outputs["digest"], DIGEST);
    assert!(!outputs.contains_key("json"), "{outputs:?}");
    assert!(place.text("output").ends_with("\nSTEVEDORE_END\n"));
}

#[test]
fn a_summary_that_cannot_be_written_is_a_warning() {
    let place = Place::new();
    recorder(&place);
    let printed = run(step(&place, &[]).env("GITHUB_STEP_SUMMARY", FULL));
    assert!(printed.success, "{}", printed.out);
    assert!(
        printed.out.contains("::warning title=Summary::"),
        "{}",
        printed.out
    );
    assert_eq!(outputs(&place)["digest"], DIGEST);
}

#[test]
fn a_temporary_folder_that_is_a_file_is_named() {
    let place = Place::new();
    recorder(&place);
    place.write("file", "");
    let printed = run(step(&place, &[]).env("RUNNER_TEMP", place.path("file")));
    assert_eq!(printed.code, Some(1), "{}", printed.out);
    let why = "which RUNNER_TEMP names: it is not a folder. Set RUNNER_TEMP to";
    assert!(printed.out.contains(why), "{}", printed.out);
}
