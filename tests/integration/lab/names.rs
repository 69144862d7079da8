//! Content first, names last: in which order names are written, and which of them
//! stay where they are.

use std::process::Command;

use lab_runner::{Signal, Step, StepRun};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::classic_engine::classic;
use crate::support::front::{Front, refuse};
use crate::support::site::clean;
use crate::support::{Lab, Place, event, run};

const SEMVER: &str = "type=semver,pattern={{version}}\ntype=semver,pattern={{major}}.{{minor}}\n\
                      type=semver,pattern={{major}}\ntype=sha";
/// Commits of a repository that nobody has checked out.
const OLDER: &str = "1111111111111111111111111111111111111111";
const NEWER: &str = "2222222222222222222222222222222222222222";

pub(super) fn place() -> Place {
    let place = Place::new();
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo $MARK > /mark\n",
    );
    place
}

/// A name that no other test has.
pub(super) fn image(lab: &Lab, place: &Place) -> String {
    format!(
        "{}/tests/{}",
        lab.open_registry,
        place.mark().to_lowercase()
    )
}

/// The push of a Git tag.
pub(super) fn release(lab: &Lab, place: &Place, images: &str, version: &str) -> Step {
    lab.step(place)
        .git_ref(format!("refs/tags/{version}"))
        .with("images", images)
        .with("tags", SEMVER)
        .with("cache", "none")
        .with(
            "build-args",
            format!("BASE={}\nMARK={version}", lab.open_base),
        )
}

/// The push of a commit to main.
fn push(lab: &Lab, place: &Place, image: &str, sha: &str, payload: Value) -> Step {
    lab.step(place)
        .event("push", payload)
        .git_ref("refs/heads/main")
        .sha(sha)
        .with("images", image)
        .with("cache", "none")
        .with("platforms", "linux/amd64")
        .with("build-args", format!("BASE={}\nMARK={sha}", lab.open_base))
}

fn digest(place: &Place, reference: &str) -> String {
    let digest = place.digest(reference);
    digest.unwrap_or_else(|| panic!("{reference} is not there"))
}

/// The tags whose names are told as written, in that order.
fn written(run: &StepRun) -> Vec<&str> {
    let lines = run.log.lines();
    let names = lines.filter_map(|line| line.strip_suffix(" is written"));
    names
        .filter_map(|name| Some(name.rsplit_once(':')?.1))
        .collect()
}

fn green(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    clean(run);
}

#[test]
#[ignore = "needs the lab"]
fn names_are_written_when_the_content_is_there_and_those_that_move_last() {
    let (lab, place) = (Lab::get(), place());
    let one = image(&lab, &place);
    let images = format!("{one}\n{one}-two");
    let run = release(&lab, &place, &images, "v1.2.3").run().unwrap();
    green(&run);
    // The first name of each repository takes the content along.
    assert_eq!(run.log.matches("out of the engine's store").count(), 2);
    let order = ["1.2.3", "1.2.3", "sha-6071f56", "sha-6071f56"];
    let moving = ["1.2", "1", "1.2", "1", "latest", "latest"];
    assert_eq!(written(&run), [&order[..], &moving[..]].concat());
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
    for name in run.outputs["tags"].lines() {
        assert_eq!(digest(&place, name), run.outputs["digest"], "{name}");
    }
    assert!(!run.log.contains("annotations of the index"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_builder_pushes_the_content_by_its_digest() {
    let (lab, place) = (Lab::get(), place());
    let one = image(&lab, &place);
    let images = format!("{one}\n{one}-two");
    let run = release(&lab, &place, &images, "v1.2.3")
        .env("DOCKER_HOST", classic())
        .with("driver", "docker-container")
        .run()
        .unwrap();
    green(&run);
    assert_eq!(written(&run).len(), 10, "{}", run.log);
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
    for name in run.outputs["tags"].lines() {
        assert_eq!(digest(&place, name), run.outputs["digest"], "{name}");
    }
    let metadata: Value = serde_json::from_str(&run.outputs["metadata"]).unwrap();
    let names = run.outputs["tags"].replace('\n', ",");
    assert_eq!(metadata["image.name"], names);
    // The registry gives the second repository what the first one has.
    let copied = format!("copying {one}@{} to {one}-two", run.outputs["digest"]);
    assert!(run.log.contains(&copied), "{}", run.log);
    assert!(
        !run.log.contains(&format!("naming to {one}-two")),
        "{}",
        run.log
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_second_repository_that_does_not_take_the_content_is_tried_again_and_named() {
    let (lab, place) = (Lab::get(), place());
    let front = Front::start(&lab, "");
    let name = image(&lab, &place).replace(&lab.open_registry, &front.address());
    let second = format!("{name}-two");
    let path = second.split_once('/').unwrap().1;
    for (status, tries) in [(403, 1), (503, 2)] {
        front.refuse_puts(&format!("{path}/manifests/"), status, "");
        let run = release(&lab, &place, &format!("{name}\n{second}"), "v1.2.3")
            .env("DOCKER_HOST", classic())
            .with("driver", "docker-container")
            .with("push-attempts", "2")
            .run()
            .unwrap();
        assert_eq!(run.exit_code, Some(1), "{}", run.log);
        clean(&run);
        let told = run.log.matches(&format!("copying {name}@")).count();
        assert_eq!(told, tries, "{}", run.log);
        let published: Vec<&str> = run.outputs["published"].lines().collect();
        assert_eq!(published.len(), 5, "{published:?}");
        assert!(published.iter().all(|tag| !tag.starts_with(&second)));
        let errors: Vec<_> = run
            .annotations
            .iter()
            .filter(|one| one.message.contains("Not pushed: "))
            .collect();
        assert!(
            errors
                .iter()
                .any(|one| one.message.contains(&format!("{second}:latest"))),
            "{errors:?}"
        );
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_name_that_is_refused_takes_no_other_along() {
    let (lab, place) = (Lab::get(), place());
    let path = format!("tests/{}", place.mark().to_lowercase());
    let denied = r#"{"errors":[{"code":"DENIED","message":"tag is immutable"}]}"#;
    let front = Front::start(
        &lab,
        &refuse(&format!("{path}/manifests/1.2$"), 403, denied),
    );
    let images = format!("{}/{path}\n{}/{path}", front.address(), lab.open_registry);
    for host in [None, Some(classic())] {
        let mut step = release(&lab, &place, &images, "v1.2.3").with("platforms", "linux/amd64");
        if let Some(host) = host {
            step = step
                .env("DOCKER_HOST", host)
                .with("driver", "docker-container");
        }
        let run = step.run().unwrap();
        assert_eq!(run.exit_code, Some(1), "{}", run.log);
        let refused = format!("{}/{path}:1.2", front.address());
        let published: Vec<&str> = run.outputs["published"].lines().collect();
        let expected: Vec<&str> = run.outputs["tags"]
            .lines()
            .filter(|name| *name != refused)
            .collect();
        assert_eq!(published, expected, "{}", run.log);
        assert!(run.log.contains("tag is immutable"), "{}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_name_is_not_given_to_an_older_version() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let latest = format!("{image}:latest");
    green(&release(&lab, &place, &image, "v2.0.0").run().unwrap());
    let newest = digest(&place, &latest);
    // A patch of an older line.
    let patch = release(&lab, &place, &image, "v1.9.5").run().unwrap();
    green(&patch);
    assert_eq!(digest(&place, &latest), newest);
    assert_eq!(patch.outputs["kept-back"], latest);
    assert_eq!(
        digest(&place, &format!("{image}:1")),
        patch.outputs["digest"]
    );
    let notice = format!("{latest} was not moved: it stands for version 2.0.0, and this is 1.9.5");
    let mut notices = patch.annotations.iter();
    assert!(
        notices.any(|a| a.message.contains(&notice)),
        "{}",
        patch.log
    );
    assert!(patch.summary.contains("Not moved"), "{}", patch.summary);
    // A version that comes after, of the same commit.
    let after = release(&lab, &place, &image, "v2.0.10").run().unwrap();
    green(&after);
    assert_eq!(digest(&place, &latest), after.outputs["digest"]);
    let before = release(&lab, &place, &image, "v2.0.9").run().unwrap();
    let kept = [":2.0", ":2", ":latest"].map(|tag| format!("{image}{tag}"));
    assert_eq!(before.outputs["kept-back"], kept.join("\n"));
    let always = release(&lab, &place, &image, "v2.0.9").with("moving-tags", "always");
    let always = always.run().unwrap();
    green(&always);
    assert_eq!(digest(&place, &latest), always.outputs["digest"]);
    assert_eq!(always.outputs["kept-back"], "");
}

/// A checkout of two commits, the first of which is checked out; both of them.
fn history(place: &Place) -> (String, String) {
    let work = place.path("workspace");
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.com"]);
        let printed = run(git.args(arguments).current_dir(&work));
        assert!(printed.success, "{arguments:?}: {}", printed.err);
        printed.out.trim().to_owned()
    };
    std::fs::remove_dir(work.join(".git")).unwrap();
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "first"]);
    let first = git(&["rev-parse", "HEAD"]);
    git(&["commit", "--quiet", "--allow-empty", "--message", "second"]);
    let second = git(&["rev-parse", "HEAD"]);
    git(&["checkout", "--quiet", &first]);
    (first, second)
}

#[test]
#[ignore = "needs the lab"]
fn python_versions_decide_too() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let release = |version: &str| {
        release(&lab, &place, &image, version)
            .with(
                "tags",
                "type=pep440,pattern={{version}}\ntype=pep440,pattern={{major}}",
            )
            .with("platforms", "linux/amd64")
    };
    // Each is of the same commit.
    let run = release("2026.10").run().unwrap();
    green(&run);
    for (version, kept) in [("2026.9", true), ("2026.11", false)] {
        let run = release(version).run().unwrap();
        green(&run);
        let expected = if kept {
            format!("{image}:2026")
        } else {
            String::new()
        };
        assert!(
            run.outputs["kept-back"].starts_with(&expected),
            "{version}: {}",
            run.log
        );
        let moved = digest(&place, &format!("{image}:2026")) == run.outputs["digest"];
        assert_eq!(moved, !kept, "{version}: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_branch_stays_at_the_newer_commit_of_the_checkout() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let main = format!("{image}:main");
    let (older, newer) = history(&place);
    let payload = event("push-branch");
    let first = push(&lab, &place, &image, &newer, payload.clone())
        .run()
        .unwrap();
    green(&first);
    let late = push(&lab, &place, &image, &older, payload.clone())
        .run()
        .unwrap();
    green(&late);
    assert_eq!(late.outputs["kept-back"], main, "{}", late.log);
    assert_eq!(digest(&place, &main), first.outputs["digest"]);
    assert_eq!(late.outputs["published"], "");
    // Somebody has pushed the older one by force.
    let mut forced = payload;
    forced["forced"] = json!(true);
    forced["before"] = json!(newer);
    let forced = push(&lab, &place, &image, &older, forced).run().unwrap();
    green(&forced);
    assert_eq!(digest(&place, &main), forced.outputs["digest"]);
}

/// GitHub's API, which compares the two commits in this way.
async fn github(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    let compare = format!("/repos/acme/hit-counter/compare/{NEWER}...{OLDER}");
    Mock::given(method("GET"))
        .and(path(compare))
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    server
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the lab"]
async fn without_the_history_github_is_asked_which_commit_is_newer() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let main = format!("{image}:main");
    let payload = event("push-branch");
    let push = |sha: &str, api: &str| {
        push(&lab, &place, &image, sha, payload.clone())
            .server("https://github.com", api)
            .run()
            .unwrap()
    };
    let first = push(NEWER, "http://127.0.0.1:9");
    green(&first);
    let behind =
        github(ResponseTemplate::new(200).set_body_json(json!({"status": "behind"}))).await;
    let late = push(OLDER, &behind.uri());
    green(&late);
    assert_eq!(late.outputs["kept-back"], main, "{}", late.log);
    assert_eq!(digest(&place, &main), first.outputs["digest"]);
    // Nobody knows: it is written, and the log says so.
    let broken = github(ResponseTemplate::new(404).set_body_json(json!({"message": "No"}))).await;
    let unknown = push(OLDER, &broken.uri());
    green(&unknown);
    assert_eq!(digest(&place, &main), unknown.outputs["digest"]);
    assert!(unknown.log.contains("is not known"), "{}", unknown.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_version_is_written_once_and_what_was_begun_is_finished_without_a_build() {
    let (lab, place) = (Lab::get(), place());
    let one = image(&lab, &place);
    let once = |images: &str| {
        release(&lab, &place, images, "v1.2.3")
            .with("version-tags", "once")
            .with("platforms", "linux/amd64,linux/arm64")
    };
    // An earlier run, which died when its version was written.
    let begun = once(&one).with("tags", "type=semver,pattern={{version}}");
    let begun = begun.with("flavor", "latest=false").run().unwrap();
    green(&begun);
    assert_eq!(begun.outputs["tags"], format!("{one}:1.2.3"));
    // The next one names the rest, also in another repository.
    let run = once(&format!("{one}\n{one}-two")).run().unwrap();
    green(&run);
    assert!(!run.log.contains("load build definition"), "{}", run.log);
    assert_eq!(run.outputs["digest"], begun.outputs["digest"]);
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    for name in run.outputs["tags"].lines() {
        assert_eq!(digest(&place, name), begun.outputs["digest"], "{name}");
    }
    // The same version of another commit.
    let other = once(&one).sha(NEWER).run().unwrap();
    assert_eq!(other.exit_code, Some(1), "{}", other.log);
    let mut errors = other.annotations.iter();
    let error = errors.find(|a| a.title.as_deref() == Some("Version exists"));
    let message = &error.unwrap_or_else(|| panic!("{}", other.log)).message;
    assert!(
        message.contains(&format!("{one}:1.2.3 is of commit 6071f56")),
        "{message}"
    );
    assert!(message.contains(NEWER), "{message}");
    assert!(
        !other.log.contains("load build definition"),
        "{}",
        other.log
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_run_that_is_killed_between_two_names_is_finished_by_the_next() {
    let (lab, place) = (Lab::get(), place());
    let path = format!("tests/{}", place.mark().to_lowercase());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hang = format!(
        "location ~ ^/v2/{path}/manifests/latest {{ proxy_pass http://{}; }}\n",
        silent.local_addr().unwrap()
    );
    let front = Front::start(&lab, &hang);
    let image = format!("{}/{path}", front.address());
    let once = || release(&lab, &place, &image, "v1.2.3").with("version-tags", "once");
    let running = once().start().unwrap();
    let last = format!("{image}:1 is written");
    assert!(running.wait_for(&last, std::time::Duration::from_secs(60)));
    // `latest` is being written.
    assert!(running.signal(Signal::KILL));
    let killed = running.wait().unwrap();
    assert!(!killed.succeeded());
    let digests = ["1.2.3", "1.2", "1"].map(|tag| digest(&place, &format!("{image}:{tag}")));
    assert!(digests.iter().all(|one| *one == digests[0]), "{digests:?}");
    front.answer("");
    let again = once().run().unwrap();
    green(&again);
    assert!(
        !again.log.contains("load build definition"),
        "{}",
        again.log
    );
    assert_eq!(again.outputs["digest"], digests[0]);
    assert_eq!(digest(&place, &format!("{image}:latest")), digests[0]);
    assert_eq!(again.outputs["published"], again.outputs["tags"]);
}

/// The older commit begins first, and its build ends last.
#[test]
#[ignore = "needs the lab"]
fn of_two_runs_at_once_the_newer_commit_has_the_branch() {
    let (lab, place) = (Lab::get(), place());
    let slow = "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN sleep 4; echo $MARK > /mark\n";
    place.write("workspace/Slow", slow);
    let image = image(&lab, &place);
    let main = format!("{image}:main");
    let (older, newer) = history(&place);
    let push = |sha: &str| push(&lab, &place, &image, sha, event("push-branch"));
    let first = push(&older).with("file", "Slow").start().unwrap();
    let second = push(&newer).start().unwrap();
    let [second, first] = [second, first].map(|running| running.wait().unwrap());
    green(&second);
    green(&first);
    assert_eq!(second.outputs["published"], main, "{}", second.log);
    assert_eq!(first.outputs["kept-back"], main, "{}", first.log);
    assert_eq!(digest(&place, &main), second.outputs["digest"]);
}

#[test]
#[ignore = "needs the lab"]
fn a_run_that_is_killed_after_the_content_has_named_nothing_and_is_run_again() {
    let (lab, place) = (Lab::get(), place());
    let image = image(&lab, &place);
    let step = || {
        release(&lab, &place, &image, "v1.2.3")
            .env("DOCKER_HOST", classic())
            .with("driver", "docker-container")
            .with("platforms", "linux/amd64")
    };
    let tested = step().with("test", "echo \"tested: $IMAGE\"; sleep 60");
    let running = tested.start().unwrap();
    let begun = format!("tested: {image}@sha256:");
    assert!(running.wait_for(&begun, std::time::Duration::from_secs(60)));
    assert!(running.signal(Signal::KILL));
    assert!(!running.wait().unwrap().succeeded());
    let found = place.imagetools(&format!("{image}:1.2.3"), "Manifest");
    assert!(!found.success, "{}", found.out);
    let again = step().run().unwrap();
    green(&again);
    assert_eq!(again.outputs["published"], again.outputs["tags"]);
    assert_eq!(
        digest(&place, &format!("{image}:latest")),
        again.outputs["digest"]
    );
}
