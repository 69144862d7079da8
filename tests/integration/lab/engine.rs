//! The action as the runner runs it, with a real engine, registry, login and
//! emulation.

use std::process::Command;
use std::time::Duration;

use lab_runner::{Signal, Step};
use serde_json::Value;

use crate::support::site::{clean, place, publish, succeeded};
use crate::support::{Lab, NOW, PROGRAM, Place, SHA, event, root, run};

/// What another client sees in the registry: the manifest or the image of a
/// reference, JSON.
fn inspect(lab: &Lab, place: &Place, reference: &str, what: &str) -> Value {
    let config = place.path("client");
    std::fs::create_dir_all(&config).unwrap();
    let mut login = Command::new("docker");
    login
        .args([
            "login",
            &lab.registry,
            "--username",
            &lab.user,
            "--password",
            &lab.password,
        ])
        .env("DOCKER_CONFIG", &config);
    assert!(run(&mut login).success);
    let printed = place.imagetools(reference, what);
    assert!(printed.success, "{}", printed.err);
    serde_json::from_str(&printed.out).unwrap()
}

#[test]
#[ignore = "needs the lab"]
fn a_tag_is_published_for_two_platforms() {
    let lab = Lab::get();
    let place = place();
    let run = publish(&lab, &place, "tests/tag").run().unwrap();
    succeeded(&run);
    let image = format!("{}/tests/tag", lab.registry);
    assert_eq!(
        run.outputs["tags"],
        format!("{image}:v0.2.0\n{image}:latest")
    );
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    let digest = &run.outputs["digest"];
    for tag in ["v0.2.0", "latest"] {
        let found = inspect(&lab, &place, &format!("{image}:{tag}"), "Manifest");
        assert_eq!(found["digest"], digest.as_str());
    }
    let images = inspect(&lab, &place, &format!("{image}:latest"), "Image");
    let labels: serde_json::Map<String, Value> = [
        ("created", "2026-11-02T09:00:00.000Z"),
        ("description", "Counts page views."),
        ("licenses", "MIT"),
        ("revision", "6071f564087d49be48dc318b89fc22ff96cf6a17"),
        ("source", "https://github.com/acme/hit-counter"),
        ("title", "hit-counter"),
        ("url", "https://github.com/acme/hit-counter"),
        ("version", "v0.2.0"),
    ]
    .into_iter()
    .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.into()))
    .collect();
    for platform in ["linux/amd64", "linux/arm64"] {
        assert_eq!(
            images[platform]["config"]["Labels"],
            Value::Object(labels.clone()),
            "{platform}"
        );
    }
    assert!(run.summary.contains(digest.as_str()), "{}", run.summary);
    assert!(
        run.summary.contains(&format!("docker pull {image}:v0.2.0")),
        "{}",
        run.summary
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_branch_is_published_and_a_pull_request_only_built() {
    let lab = Lab::get();
    let place = place();
    let branch = publish(&lab, &place, "tests/branch")
        .event("push", event("push-branch"))
        .git_ref("refs/heads/main")
        .run()
        .unwrap();
    succeeded(&branch);
    let image = format!("{}/tests/branch", lab.registry);
    assert_eq!(branch.outputs["tags"], format!("{image}:main"));

    let pull_request = publish(&lab, &place, "tests/branch")
        .event("pull_request", event("pull-request"))
        .git_ref("refs/pull/2/merge")
        .run()
        .unwrap();
    succeeded(&pull_request);
    assert_eq!(pull_request.outputs["version"], "pr-2");
    assert_eq!(pull_request.outputs["image"], "");
    assert!(
        pull_request
            .log
            .contains("no push: a pull request is built"),
        "{}",
        pull_request.log
    );
    let tags = Command::new("curl")
        .args(["-s", "-u", &format!("{}:{}", lab.user, lab.password)])
        .arg(format!("http://{}/v2/tests/branch/tags/list", lab.registry))
        .output()
        .unwrap();
    let tags: Value = serde_json::from_slice(&tags.stdout).unwrap();
    assert_eq!(tags["tags"], serde_json::json!(["main"]));
}

#[test]
#[ignore = "needs the lab"]
fn two_images_in_two_registries_are_one_index() {
    let lab = Lab::get();
    let place = place();
    let login = format!(
        "- registry: {}\n  username: {}\n  password: ${{{{ secrets.LAB_PASSWORD }}}}\n",
        lab.registry, lab.user
    );
    let images = format!(
        "{}/tests/two\n{}/tests/two",
        lab.registry, lab.open_registry
    );
    let run = lab
        .step(&place)
        .with("images", images)
        .with("registry-auth", login)
        .with("build-args", format!("BASE={}", lab.open_base))
        .run()
        .unwrap();
    succeeded(&run);
    for registry in [&lab.registry, &lab.open_registry] {
        let reference = format!("{registry}/tests/two:v0.2.0");
        let found = inspect(&lab, &place, &reference, "Manifest");
        assert_eq!(found["digest"], run.outputs["digest"].as_str());
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_wrong_password_is_red_and_leaves_nothing() {
    let lab = Lab::get();
    let place = place();
    let run = lab
        .step(&place)
        .with("images", format!("{}/tests/wrong", lab.registry))
        .with("build-args", format!("BASE={}", lab.open_base))
        .with("username", &lab.user)
        .with("password", "${{ secrets.WRONG }}")
        .secret("WRONG", "wr0ng-hunter")
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let refused = run
        .annotations
        .iter()
        .find(|a| a.title.as_deref() == Some("Push refused"));
    assert!(
        refused.unwrap().message.starts_with("Check the login"),
        "{}",
        run.log
    );
    assert!(!run.log.contains("#1 "), "nothing is built: {}", run.log);
    assert_eq!(run.outputs["image"], "");
    clean(&run);
}

#[test]
#[ignore = "needs the lab"]
fn a_build_that_fails_is_red_and_pushes_nothing() {
    let lab = Lab::get();
    let place = place();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nRUN exit 3\n",
    );
    let run = publish(&lab, &place, "tests/fails").run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    let error = run
        .annotations
        .iter()
        .find(|a| a.title.as_deref() == Some("Build"))
        .unwrap();
    assert!(error.message.contains("exit code: 3"), "{}", error.message);
    assert_eq!(run.outputs["digest"], "");
    clean(&run);
}

#[test]
#[ignore = "needs the lab"]
fn signals_end_the_build_in_the_engine_too() {
    let lab = Lab::get();
    for signal in [Signal::INT, Signal::TERM] {
        let place = place();
        let marker = format!("{:?}", std::time::SystemTime::now());
        let marker: String = marker.chars().filter(char::is_ascii_digit).collect();
        let dockerfile = format!(
            "ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo started-{marker}; sleep 987{marker}\n"
        );
        place.write("workspace/Dockerfile", &dockerfile);
        let step = publish(&lab, &place, "tests/signal").with("platforms", "linux/amd64");
        let running = step.start().unwrap();
        let started = format!("started-{marker}");
        // The echo's own output, not the line that shows the command.
        let output = running.wait_for(&format!(" {started}\n"), Duration::from_secs(60));
        assert!(output, "the step did not start");
        assert!(running.signal(signal));
        let run = running.wait().unwrap();
        assert_ne!(run.exit_code, Some(0), "{}", run.log);
        clean(&run);
        let is_asleep = || {
            let list = Command::new("ps").args(["-eo", "args"]).output().unwrap();
            String::from_utf8_lossy(&list.stdout).contains(&format!("sleep 987{marker}"))
        };
        let gone = (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            !is_asleep()
        });
        assert!(gone, "the engine still runs the step after {signal:?}");
    }
}

#[test]
#[ignore = "needs the lab"]
fn an_image_is_loaded_for_the_machines_own_platform() {
    let lab = Lab::get();
    let place = place();
    let run = publish(&lab, &place, "tests/load")
        .with("load", "true")
        .run()
        .unwrap();
    succeeded(&run);
    let tag = run.outputs["tags"].lines().next().unwrap().to_owned();
    let docker = |arguments: &[&str]| Command::new("docker").args(arguments).output().unwrap();
    let ran = docker(&["run", "--rm", &tag]);
    let machine = String::from_utf8(ran.stdout).unwrap();
    assert_eq!(machine.trim(), std::env::consts::ARCH);
    for tag in run.outputs["tags"].lines() {
        assert!(docker(&["rmi", tag]).status.success());
    }
}

/// A terminal of its own, as `script` gives one, with the user's own login.
#[test]
#[ignore = "needs the lab"]
fn a_local_publish_shows_buildxs_own_display() {
    let lab = Lab::get();
    let place = place();
    let auth = format!("{}:{}", lab.user, lab.password);
    let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, auth);
    let config = serde_json::json!({"auths": {&lab.registry: {"auth": auth}}});
    place.write("home/.docker/config.json", &config.to_string());
    let command = format!(
        "{PROGRAM} publish --repository acme/local --ref refs/heads/main --sha {SHA} \
         --with images={}/tests/local --with build-args=BASE={}",
        lab.registry, lab.base
    );
    let mut script = Command::new("script");
    let shell = script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    let printed = run(shell
        .current_dir(place.path("workspace"))
        .env("HOME", place.path("home"))
        .env("TMPDIR", place.path("temp"))
        .env("TERM", "xterm")
        .env_remove("GITHUB_ACTIONS"));
    assert!(printed.success, "{}{}", printed.out, printed.err);
    assert!(printed.out.contains("[+] Building"), "{}", printed.out);
    assert!(
        !printed.out.contains("::"),
        "no workflow command: {}",
        printed.out
    );
    assert_eq!(place.list("temp"), Vec::<String>::new());
    let reference = format!("{}/tests/local:main", lab.registry);
    let digest = inspect(&lab, &place, &reference, "Manifest")["digest"].clone();
    assert!(
        printed.out.contains(digest.as_str().unwrap()),
        "{}",
        printed.out
    );
}

/// The static programs of a release, the other platform's under emulation.
#[test]
#[ignore = "needs the lab"]
fn the_programs_of_both_platforms_make_the_same_plan() {
    Lab::get();
    let place = Place::new();
    let plan = |machine: &str| {
        let program = root().join(format!("dist/stevedore-linux-{machine}"));
        assert!(program.exists(), "`make dist` builds {}", program.display());
        let mut command = Command::new(program);
        command
            .args(["publish", "--dry-run", "--repository", "acme/app"])
            .current_dir(place.path("workspace"))
            .env_clear()
            .env("STEVEDORE_NOW", NOW);
        let printed = run(&mut command);
        assert!(printed.success, "{}", printed.err);
        printed.out
    };
    assert_eq!(plan("amd64"), plan("arm64"));
}

#[test]
#[ignore = "needs the lab"]
fn the_image_of_the_dockerfile_publishes_as_a_docker_step() {
    let lab = Lab::get();
    let place = place();
    let image = image_of_the_dockerfile(&place);
    let step = || {
        Step::docker(&image.0)
            .event("push", event("push-tag"))
            .git_ref("refs/tags/v0.2.0")
            .repository("acme/hit-counter")
            .workspace(place.path("workspace"))
            .network("host")
            .secret("LAB_PASSWORD", &lab.password)
            .with("images", format!("{}/tests/docker-step", lab.registry))
            .with("build-args", format!("BASE={}", lab.base))
            .with("username", &lab.user)
            .with("password", "${{ secrets.LAB_PASSWORD }}")
    };
    let run = step().run().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    // What no mount reaches would be lost with the container.
    let lost = step()
        .with("outputs", "type=local,dest=/tmp/out")
        .run()
        .unwrap();
    assert!(!lost.succeeded(), "{}", lost.log);
    assert!(
        lost.log
            .contains("/tmp/out would be written in the container"),
        "{}",
        lost.log
    );
    let kept = step()
        .with("platforms", "linux/amd64")
        .with("outputs", "type=local,dest=out")
        .run()
        .unwrap();
    succeeded(&kept);
    assert!(place.path("workspace/out/machine").exists(), "{}", kept.log);
}

/// An image in the engine, removed with the value.
struct Loaded(String);

impl Drop for Loaded {
    fn drop(&mut self) {
        let removed = Command::new("docker").args(["rmi", &self.0]).output();
        if !removed.is_ok_and(|output| output.status.success()) {
            eprintln!("{} stays in the engine", self.0);
        }
    }
}

/// Builds the project's Dockerfile with its bases replaced by folders: the
/// static binary and buildx are here already, and images cannot be pulled
/// everywhere that tests run.
fn image_of_the_dockerfile(place: &Place) -> Loaded {
    let binary = root().join("dist/stevedore-linux-amd64");
    assert!(binary.exists(), "`make dist` builds {}", binary.display());
    let authorities = "build/out/etc/ssl/certs/ca-certificates.crt";
    place.write(authorities, "");
    std::fs::copy(
        "/etc/ssl/certs/ca-certificates.crt",
        place.path(authorities),
    )
    .unwrap();
    std::fs::create_dir_all(place.path("build/out/tmp")).unwrap();
    std::fs::copy(&binary, place.path("build/out/stevedore")).unwrap();
    std::fs::create_dir_all(place.path("buildx")).unwrap();
    let buildx = std::env::var("STEVEDORE_LAB_BUILDX").unwrap();
    std::fs::copy(&buildx, place.path("buildx/buildx")).unwrap();
    // A distribution's buildx is linked to the C library; the released one is not.
    let linked = Command::new("ldd").arg(&buildx).output().unwrap();
    for word in String::from_utf8_lossy(&linked.stdout).split_whitespace() {
        if word.starts_with('/') {
            place.write(&format!("build/out{word}"), "");
            std::fs::copy(word, place.path(&format!("build/out{word}"))).unwrap();
        }
    }
    let tag = format!("stevedore-test:{}", std::process::id());
    let mut command = Command::new("docker-buildx");
    command
        .args([
            "build",
            "--load",
            "--platform",
            "linux/amd64",
            "--tag",
            &tag,
        ])
        .arg(format!(
            "--build-context=build={}",
            place.path("build").display()
        ))
        .arg(format!(
            "--build-context=buildx={}",
            place.path("buildx").display()
        ))
        .arg(root())
        .env("DOCKER_CONFIG", place.path("client"));
    let printed = run(&mut command);
    assert!(printed.success, "{}", printed.err);
    Loaded(tag)
}
