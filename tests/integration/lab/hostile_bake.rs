//! Bake files that want what they are not to have: the files themselves are
//! tests/fixtures/hostile/bake.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use lab_runner::Step;

use crate::support::site::{clean, succeeded};
use crate::support::{Lab, Place, Printed, event, root, run};

const TOKENS: [(&str, &str); 4] = [
    ("ACTIONS_RUNTIME_TOKEN", "hunter-runtime"),
    ("ACTIONS_RESULTS_URL", "https://results.example/"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter-identity"),
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://identity.example/"),
];

fn fixtures() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/fixtures/hostile/bake")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The plan of a pull request with this bake file.
fn planned(place: &Place, file: &str, more: &[&str]) -> Printed {
    place.write("event.json", &event("pull-request").to_string());
    let mut command: Command = place.stevedore([
        "publish",
        "--dry-run",
        "--event-name",
        "pull_request",
        "--ref",
        "refs/pull/1/merge",
        "--repository",
        "acme/hit-counter",
        "--with",
        &format!("bake-files={file}"),
    ]);
    run(command.args(more).envs(TOKENS))
}

/// A place with a file outside of the workspace, and ways to it.
fn place(file: &str) -> Place {
    let place = Place::new();
    place.write("outside/secret", "hunter-outside\n");
    fs::create_dir_all(place.path("workspace/docker-image:")).unwrap();
    symlink("../outside/secret", place.path("workspace/link")).unwrap();
    let name = file.rsplit('/').next().unwrap();
    place.write(
        &format!("workspace/{name}"),
        &fs::read_to_string(file).unwrap(),
    );
    place
}

#[test]
#[ignore = "needs the lab"]
fn what_a_file_is_not_to_have_stops_the_run_before_anything_is_built() {
    Lab::get();
    let mut refused = 0;
    for path in fixtures() {
        let file = path.display().to_string();
        let text = fs::read_to_string(&path).unwrap();
        let Some(expected) = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# refused: "))
        else {
            continue;
        };
        let place = place(&file);
        let name = path.file_name().unwrap().to_str().unwrap();
        let printed = planned(&place, name, &[]);
        assert!(!printed.success, "{name}: {}", printed.out);
        assert!(printed.err.contains(expected), "{name}: {}", printed.err);
        assert!(
            printed.err.contains("Accepted: "),
            "{name}: {}",
            printed.err
        );
        let all = printed.out + &printed.err;
        assert!(!all.contains("hunter"), "{name}: {all}");
        refused += 1;
    }
    assert!(refused > 10, "{refused}");
}

#[test]
#[ignore = "needs the lab"]
fn the_workflow_may_give_what_a_file_may_not_take() {
    Lab::get();
    let fixture = |name: &str| format!("{}/tests/fixtures/hostile/bake/{name}", root().display());
    for (name, with) in [
        (
            "runner-token.hcl",
            "set=default.secrets=type=env,id=x,env=ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        ),
        ("file-by-link.hcl", "allow=fs.read=../outside/secret"),
        ("output-elsewhere.hcl", "allow=fs.write=../outside"),
        ("host-network.hcl", "allow=network.host"),
        (
            "cache-elsewhere.hcl",
            "set=default.cache-from=type=gha,url=http://127.0.0.1:1/,scope=x",
        ),
    ] {
        let place = place(&fixture(name));
        let printed = planned(&place, name, &["--with", with]);
        assert!(printed.success, "{name}: {}", printed.err);
    }
}

/// A build tool such as sccache gets the runner's tokens from the workflow.
#[test]
#[ignore = "needs the lab"]
fn a_run_reads_the_tokens_that_the_workflow_gives_it_and_no_others() {
    let lab = Lab::get();
    let place = Place::new();
    let file = format!(
        "target \"default\" {{\n dockerfile-inline = <<EOT\nFROM {}\n\
         RUN --mount=type=secret,id=given --mount=type=secret,id=other \\\n\
         cat /run/secrets/given | wc -c > /given; cat /run/secrets/* | wc -c > /all\n\
         FROM scratch\nCOPY --from=0 /given /all /\nEOT\n\
         output = [\"type=local,dest=out\"]\n}}\n",
        lab.open_base
    );
    place.write("workspace/docker-bake.hcl", &file);
    let mut step: Step = lab
        .step(&place)
        .with("bake-files", "docker-bake.hcl")
        .with("images", format!("{}/tests/tokens", lab.open_registry))
        .with("platforms", "linux/amd64")
        .with(
            "set",
            "default.secrets=type=env,id=given,env=ACTIONS_RUNTIME_TOKEN",
        );
    for (name, value) in TOKENS {
        step = step.env(name, value);
    }
    let run = step.run().unwrap();
    succeeded(&run);
    let length = "hunter-runtime".len().to_string();
    assert_eq!(
        place.text("workspace/out/given").trim(),
        length,
        "{}",
        run.log
    );
    assert_eq!(
        place.text("workspace/out/all").trim(),
        length,
        "{}",
        run.log
    );
}

/// What a reference is in the registry.
fn digest(place: &Place, reference: &str) -> String {
    place.digest(reference).unwrap_or_default()
}

#[test]
#[ignore = "needs the lab"]
fn a_pull_request_makes_no_cache_of_an_image() {
    let lab = Lab::get();
    let fixture = root().join("tests/fixtures/hostile/bake/overwrite.hcl");
    let place = Place::new();
    place.write(
        "workspace/docker-bake.hcl",
        &fs::read_to_string(fixture).unwrap(),
    );
    let image = format!(
        "{}/tests/overwrite-{}",
        lab.open_registry,
        place.mark().to_lowercase()
    );
    let publish = |place: &Place| {
        lab.step(place)
            .env("IMAGE", image.clone())
            .with("bake-files", "docker-bake.hcl")
            .with("platforms", "linux/amd64")
            .with("provenance", "false")
    };
    let without_cache = ("set", "default.cache-to=type=inline");
    let run = publish(&place)
        .with(without_cache.0, without_cache.1)
        .run()
        .unwrap();
    succeeded(&run);
    let latest = format!("{image}:latest");
    let before = digest(&place, &latest);
    assert!(run.outputs["targets"].contains(&before), "{}", run.log);
    for (name, git_ref) in [
        ("pull_request", "refs/pull/1/merge"),
        ("pull_request_target", "refs/heads/main"),
    ] {
        let run = publish(&place)
            .event(name, event("pull-request"))
            .git_ref(git_ref)
            .repository("acme/hit-counter")
            .run()
            .unwrap();
        succeeded(&run);
        let told = "read only, as the bake file of a pull request names it";
        assert!(run.log.contains(told), "{name}: {}", run.log);
        assert_eq!(digest(&place, &latest), before, "{name}");
    }
    // Elsewhere it is an error of the plan, for inputs too.
    let run = publish(&place).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    let why = format!("{latest} is an image of this run, and the cache would replace it");
    assert!(run.log.contains(&why), "{}", run.log);
    assert_eq!(digest(&place, &latest), before);
    let given = lab
        .step(&place)
        .with("images", &image)
        .with("cache-to", format!("type=registry,ref={image}"))
        .run()
        .unwrap();
    assert_eq!(given.exit_code, Some(1), "{}", given.log);
    assert!(given.log.contains(&why), "{}", given.log);
}
