//! Steps of small JavaScript actions, and of an image, as the runner runs them.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lab_runner::{Conclusion, Context, Control, Level, Spec, Step, StepRun, Uses, run_job};
use serde_json::json;
use tempfile::TempDir;

/// Runs the JavaScript of the input `main`, and of `post` as the post stage.
const SCRIPT: &str =
    "const fs = require('fs'), { env } = process, out = (text) => fs.writeSync(1, text + '\\n');
const add = (name, text) => fs.appendFileSync(env['GITHUB_' + name], text);
eval(env.STATE_main ? env.INPUT_POST : (add('STATE', 'main=done\\n'), env.INPUT_MAIN));\n";

fn action() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let manifest = "inputs: {main: {}, post: {}, who: {default: '${{ github.actor }}'}}\nruns: {using: node24, main: a.cjs, post: a.cjs}\n";
    fs::write(folder.path().join("action.yml"), manifest).unwrap();
    fs::write(folder.path().join("a.cjs"), SCRIPT).unwrap();
    folder
}

fn run(main: &str) -> StepRun {
    Step::node(action().path())
        .with("main", main)
        .run()
        .unwrap()
}

fn errors(run: &StepRun) -> Vec<&str> {
    let errors = run
        .annotations
        .iter()
        .filter(|one| one.level == Level::Error);
    errors.map(|one| one.message.as_str()).collect()
}

#[test]
fn inputs_event_and_context_arrive() {
    let main = "out([env.INPUT_WHO, env['INPUT_NOT-DECLARED'], env.GITHUB_REF_NAME, env.GITHUB_REF_TYPE, env.CI].join());
        out(JSON.parse(fs.readFileSync(env.GITHUB_EVENT_PATH)).number); out(process.cwd() === env.GITHUB_WORKSPACE)";
    let action = action();
    let step = Step::node(action.path())
        .event("push", json!({"number": 2}))
        .git_ref("refs/tags/v1");
    let run = step
        .with("main", main)
        .with("not-declared", "x")
        .actor("hubot")
        .run()
        .unwrap();
    assert_eq!(run.log, "hubot,x,v1,tag,true\n2\ntrue\n");
    assert!(run.annotations[0].by_runner && run.annotations[0].message.contains("'not-declared'"));
}

#[test]
fn nothing_of_another_run_is_seen() {
    // Cargo's own variables stand for the host's; those of a run are scrubbed by prefix.
    let main = "out(Object.keys(env).filter((name) => /^(STEVEDORE|ACTIONS|STATE)_/.test(name)).sort().join() + (env.CARGO ? ' host' : ''))";
    let action = action();
    let step = Step::node(action.path())
        .env("ACTIONS_RUNTIME_TOKEN", "x")
        .env("STEVEDORE_NOW", "y");
    assert_eq!(
        step.with("main", main).run().unwrap().log,
        "ACTIONS_RUNTIME_TOKEN,STEVEDORE_NOW host\n"
    );
}

#[test]
fn secrets_are_masked_and_outputs_that_hold_them_do_not_leave_the_job() {
    let main = "out('pw ' + env.INPUT_WHO); out('::add-mask::second'); add('OUTPUT', 'a=1\\nb=x-second\\nc<<E\\nhunter2\\nE\\n'); add('STEP_SUMMARY', 'hunter2 is in\\n')";
    let action = action();
    let step = Step::node(action.path())
        .secret("PW", "hunter2")
        .with("who", "${{ secrets.PW }}");
    let run = step.with("main", main).run().unwrap();
    assert!(
        run.log.contains("pw hunter2") && run.shown.contains("\npw ***\n"),
        "{}",
        run.shown
    );
    assert!(!run.shown.contains("hunter2"), "{}", run.shown);
    assert_eq!(run.outputs.keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(run.dropped_outputs["c"], "hunter2");
    assert_eq!(run.dropped_outputs.keys().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(run.summary, "*** is in\n");
}

#[test]
fn malformed_outputs_fail_the_step() {
    let run = run("add('OUTPUT', 'good=1\\nbad\\nlost=2\\n')");
    assert_eq!(
        (run.exit_code, run.conclusion),
        (Some(0), Conclusion::Failure)
    );
    assert_eq!(
        errors(&run),
        [
            "Unable to process file command 'output' successfully.",
            "Invalid format 'bad'"
        ]
    );
    assert_eq!(run.outputs.keys().collect::<Vec<_>>(), ["good"]);
}

#[test]
fn a_summary_over_the_limit_is_refused_whole() {
    let fits = run("add('STEP_SUMMARY', 'x'.repeat(1024 * 1024 - 1) + '\\n')");
    assert_eq!(fits.summary.len(), 1024 * 1024);
    let over = run("add('STEP_SUMMARY', 'x'.repeat(1024 * 1024) + '\\n')");
    assert_eq!(
        (over.summary.as_str(), over.conclusion),
        ("", Conclusion::Success)
    );
    assert!(
        errors(&over)[0].contains("upload aborted"),
        "{:?}",
        errors(&over)
    );
}

#[test]
fn commands_on_both_streams() {
    let run = run(
        "fs.writeSync(2, '::error file=a.rs,line=7,title=Bad%3A::one%0Atwo\\n'); out('text ##[warning]old'); out('::group::G')",
    );
    // Which stream comes first is nobody's promise.
    let of = |level: Level| {
        run.annotations
            .iter()
            .find(|one| one.level == level)
            .unwrap()
    };
    let error = of(Level::Error);
    assert_eq!((error.file.as_deref(), error.line), (Some("a.rs"), Some(7)));
    assert_eq!(
        (error.title.as_deref(), error.message.as_str()),
        (Some("Bad:"), "one\ntwo")
    );
    assert_eq!(of(Level::Warning).message, "old");
    assert!(run.shown.contains("##[group]G\n"), "{}", run.shown);
}

#[test]
fn a_failing_post_is_no_success() {
    let action = action();
    let run = Step::node(action.path())
        .with("post", "process.exit(3)")
        .run()
        .unwrap();
    assert_eq!(
        (run.conclusion, run.post.as_ref().unwrap().exit_code),
        (Conclusion::Success, Some(3))
    );
    assert!(!run.succeeded());
}

#[test]
fn what_is_left_is_found_and_goes() {
    let main = "fs.mkdirSync(env.RUNNER_TEMP + '/d'); fs.writeFileSync(env.RUNNER_TEMP + '/d/config.json', '');
        require('child_process').spawn('sleep', ['61'], { detached: true, stdio: 'ignore' }).unref(); out(env.RUNNER_TEMP)";
    let run = run(main);
    assert_eq!(run.leftovers, [PathBuf::from("d/config.json")]);
    assert_eq!(run.orphans, ["sleep 61"]);
    assert!(!Path::new(run.log.trim()).exists());
}

fn spec(folder: &Path, id: &str, main: &str, post: &str) -> Spec {
    let mut spec = Spec::new(Uses::Node(folder.to_path_buf()));
    spec.id = Some(id.to_owned());
    spec.with = vec![("main".into(), main.into()), ("post".into(), post.into())];
    spec
}

#[test]
fn a_job_hands_on_and_cleans_up_in_reverse() {
    let folder = action();
    let first = spec(
        folder.path(),
        "first",
        "add('OUTPUT', 'v=1\\n'); add('ENV', 'SET=2\\n'); add('PATH', '/three\\n')",
        "out('post 1')",
    );
    let main = "out(['${{ steps.first.outputs.v }}', env.SET, env.PATH.split(':')[0]].join()); process.exit(1)";
    let second = spec(folder.path(), "second", main, "out('post 2')");
    let third = spec(folder.path(), "third", "out('never')", "out('never')");
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let steps = vec![first, second, third];
    let runs = run_job(
        Context::default(),
        steps,
        &Control::default(),
        move |line| {
            sink.lock().unwrap().push(line.to_owned());
        },
    );
    let runs = runs.unwrap();
    assert_eq!((runs.len(), runs[1].conclusion), (2, Conclusion::Failure));
    assert!(runs[1].log.starts_with("1,2,/three\n"), "{}", runs[1].log);
    let lines = lines.lock().unwrap();
    let posts: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("post "))
        .collect();
    assert_eq!(posts, ["post 2", "post 1"]);
}

#[test]
fn a_cancelled_job_starts_nothing_more() {
    let folder = action();
    let control = Control::default();
    control.cancel();
    let steps = vec![spec(folder.path(), "one", "out('never')", "")];
    assert!(
        run_job(Context::default(), steps, &control, |_| {})
            .unwrap()
            .is_empty()
    );
}

/// The container of a `docker://` step: mounts, rewritten paths, inputs without defaults.
#[test]
#[ignore = "needs a Docker engine and an image: lab/up, and its environment"]
fn an_image_gets_the_runners_mounts() {
    let image = std::env::var("STEVEDORE_LAB_OPEN_BASE").expect("the lab's environment");
    let workspace = tempfile::tempdir().unwrap();
    fs::write(workspace.path().join("file"), "hello\n").unwrap();
    let script = "pwd; cat file; echo \\\"$HOME $GITHUB_EVENT_PATH $INPUT_DIR $INPUT_MID $RUNNER_TEMP\\\"; ls -d /var/run/docker.sock $GITHUB_EVENT_PATH; echo x=1 >> $GITHUB_OUTPUT; echo left > $HOME/left; exit 9";
    let root = workspace.path().canonicalize().unwrap();
    let step = Step::docker(image).workspace(workspace.path());
    let step = step
        .with("entrypoint", "/bin/sh")
        .with("args", format!("-c \"{script}\""));
    let step = step.with("dir", format!("{}/app", root.display()));
    let run = step
        .with("mid", format!("src={}", root.display()))
        .run()
        .unwrap();
    let mid = format!("src={}", root.display());
    let wanted = format!(
        "/github/workspace\nhello\n/github/home /github/workflow/event.json /github/workspace/app {mid} /github/runner_temp\n/github/workflow/event.json\n/var/run/docker.sock\n"
    );
    assert!(run.log.ends_with(&wanted), "{}\n{wanted}", run.log);
    assert_eq!((run.exit_code, run.post.is_none()), (Some(9), true));
    assert_eq!(run.outputs["x"], "1");
    assert_eq!(run.leftovers, [PathBuf::from("_github_home/left")]);
}
