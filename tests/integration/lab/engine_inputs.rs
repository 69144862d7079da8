//! Inputs of docker/build-push-action with a real engine: what they do to a
//! build, not only to the arguments.

use std::fs;
use std::path::Path;

use lab_runner::{Step, StepRun};

use crate::support::git_server::{GitServer, repository};
use crate::support::{Lab, Place};

/// A place whose Dockerfile starts from the lab's base image.
fn place(lab: &Lab, dockerfile: &str) -> Place {
    let place = Place::new();
    let text = dockerfile.replace("BASE", &lab.base);
    place.write("workspace/Dockerfile", &text);
    place
}

/// A build for one platform that pushes nothing.
fn build(lab: &Lab, place: &Place) -> Step {
    lab.step_with_login(place)
        .with("images", format!("{}/tests/inputs", lab.registry))
        .with("platforms", "linux/amd64")
        .with("push", "false")
}

fn succeeded(run: &StepRun) {
    assert!(run.succeeded(), "{}", run.log);
    assert_eq!(
        run.leftovers,
        Vec::<std::path::PathBuf>::new(),
        "{}",
        run.log
    );
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
#[ignore = "needs the lab"]
fn secrets_and_contexts_reach_a_run_and_the_result_a_folder() {
    let lab = Lab::get();
    let dockerfile = "\
FROM BASE AS work
ARG WORD
RUN --mount=type=secret,id=VALUE --mount=type=secret,id=LINES --mount=type=secret,id=FILE \\
    --mount=type=secret,id=VARIABLE --mount=type=bind,from=other,target=/other \\
    cat /run/secrets/VALUE /run/secrets/LINES /run/secrets/FILE /run/secrets/VARIABLE \\
    /other/note > /all && echo \"$WORD\" >> /all && grep far /etc/hosts >> /all
FROM scratch
COPY --from=work /all /all
";
    let place = place(&lab, dockerfile);
    place.write("workspace/other/note", "a note\n");
    place.write("workspace/token.txt", "from a file\n");
    let run = build(&lab, &place)
        .env("HIDDEN", "from a variable\n")
        .secret("VALUE", "a b=c,d")
        .with(
            "secrets",
            "VALUE=a b=c,d\n\"LINES=first\nsecond = \"\"2\"\"\n\"",
        )
        .with("secret-files", "FILE=token.txt")
        .with("secret-envs", "VARIABLE=HIDDEN")
        .with("build-contexts", "other=other")
        .with("build-args", "WORD=\"quoted, word\"")
        .with("add-hosts", "far:10.1.2.3")
        .with("outputs", "type=local,dest=out")
        .run()
        .unwrap();
    succeeded(&run);
    let all = text(&place.path("workspace/out/all"));
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(
        lines[..6],
        [
            "a b=c,dfirst",
            "second = \"2\"",
            "from a file",
            "from a variable",
            "a note",
            "\"quoted, word\"",
        ]
    );
    assert!(lines[6].contains("10.1.2.3"), "{all}");
    assert!(!run.shown.contains("a b=c,d"), "{}", run.shown);
    assert!(run.log.contains("no push: `push: false`"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn outputs_become_archives_and_nothing_is_pushed_beside_them() {
    let lab = Lab::get();
    let place = place(&lab, "FROM BASE\nRUN echo made > /made\n");
    let run = build(&lab, &place)
        .with("push", "auto")
        .with(
            "outputs",
            "type=oci,dest=image.tar\ntype=tar,dest=files.tar",
        )
        .run()
        .unwrap();
    succeeded(&run);
    assert!(run.log.contains("no push: `outputs` says"), "{}", run.log);
    for (archive, file) in [("image.tar", "index.json"), ("files.tar", "made")] {
        let mut tar = std::process::Command::new("tar");
        tar.arg("-tf").arg(place.path("workspace").join(archive));
        let listed = crate::support::run(&mut tar);
        assert!(
            listed.out.lines().any(|line| line == file),
            "{archive}: {}",
            listed.out
        );
    }
}

#[test]
#[ignore = "needs the lab"]
fn attestations_are_as_they_were_asked_for() {
    let lab = Lab::get();
    let place = place(&lab, "FROM BASE\nRUN echo attested > /made\n");
    for (provenance, index) in [("", true), ("mode=min", true), ("false", false)] {
        let run = build(&lab, &place)
            .with("provenance", provenance)
            .with("outputs", "type=oci,dest=image.tar,tar=false")
            .run()
            .unwrap();
        succeeded(&run);
        let (digest, id) = (&run.outputs["digest"], &run.outputs["imageid"]);
        assert!(digest.starts_with("sha256:"), "{}", run.log);
        let manifest = text(
            &place
                .path("workspace/image.tar/blobs")
                .join(digest.replace(':', "/")),
        );
        assert_eq!(
            manifest.contains("attestation-manifest"),
            index,
            "{provenance} {id}"
        );
        fs::remove_dir_all(place.path("workspace/image.tar")).unwrap();
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_call_looks_at_the_build_and_makes_nothing() {
    let lab = Lab::get();
    let place = place(
        &lab,
        "FROM BASE AS first\nFROM first AS second\nRUN false\n",
    );
    for (call, shown) in [
        ("targets", "second"),
        ("check", "Check complete, no warnings"),
    ] {
        let run = build(&lab, &place)
            .with("push", "auto")
            .with("platforms", "")
            .with("call", call)
            .run()
            .unwrap();
        succeeded(&run);
        assert!(run.shown.contains(shown), "{}", run.shown);
        assert_eq!(run.outputs["digest"], "", "{}", run.log);
    }
    let warned = "from BASE as first\nFROM first AS second\n".replace("BASE", &lab.base);
    place.write("workspace/Dockerfile", &warned);
    let run = build(&lab, &place).with("call", "check").run().unwrap();
    assert!(!run.succeeded(), "{}", run.log);
    assert!(
        run.shown.contains("ConsistentInstructionCasing"),
        "{}",
        run.shown
    );
}

/// BuildKit fetches the repository by itself, with the token of the job.
#[test]
#[ignore = "needs the lab"]
fn a_context_from_git_is_fetched_with_the_token() {
    let lab = Lab::get();
    let place = Place::new();
    fs::remove_dir_all(place.path("workspace")).unwrap();
    fs::create_dir_all(place.path("workspace")).unwrap();
    let dockerfile = format!("FROM {}\nCOPY proof /proof\n", lab.open_base);
    let files = [("Dockerfile", dockerfile.as_str()), ("proof", "from git\n")];
    let root = place.path("git");
    let sha = repository(&root, "acme/hit-counter.git", &files);
    let token = "ghs_of-this-test";
    let server = GitServer::start(root, token);
    let run = lab
        .step(&place)
        .sha(&sha)
        .env("GITHUB_SERVER_URL", &server.url)
        .secret("TOKEN", token)
        .with("github-token", "${{ secrets.TOKEN }}")
        .with("images", format!("{}/tests/git", lab.open_registry))
        .with("platforms", "linux/amd64")
        .with("outputs", "type=local,dest=out")
        .run()
        .unwrap();
    succeeded(&run);
    assert_eq!(text(&place.path("workspace/out/proof")), "from git\n");
    assert!(server.requests().1 > 0, "{}", run.log);
    assert!(
        !run.log
            .replace("::add-mask::ghs_of-this-test", "")
            .contains(token)
    );
}

/// What no Dockerfile names, and a repository that asks for a login.
#[test]
#[ignore = "needs the lab"]
fn what_a_build_cannot_get_is_told_with_the_input_that_it_is_for() {
    let lab = Lab::get();
    let place = place(&lab, "FROM scratch\nCOPY . /\n");
    let root = place.path("git");
    repository(&root, "o/private.git", &[("Dockerfile", "FROM scratch\n")]);
    let server = GitServer::start(root, "another token");
    let private = format!("{}/o/private.git", server.url);
    for (name, value, expected) in [
        (
            "context",
            private.as_str(),
            "as `GIT_AUTH_TOKEN=TOKEN` in `secrets`",
        ),
        (
            "sbom",
            "generator=127.0.0.1:1/scan:1",
            "Set `sbom: generator=IMAGE`",
        ),
    ] {
        let run = build(&lab, &place).with(name, value).run().unwrap();
        let mut errors = run.annotations.iter();
        let is_it = errors.any(|error| error.message.contains(expected));
        assert!(!run.succeeded() && is_it, "{name}: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_login_of_an_earlier_step_is_used() {
    let lab = Lab::get();
    let place = place(&lab, "FROM scratch\nCOPY . /\n");
    let auth = format!("{}:{}", lab.user, lab.password);
    let auth = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, auth);
    let config = serde_json::json!({"auths": {&lab.registry: {"auth": auth}}});
    place.write("home/.docker/config.json", &config.to_string());
    let run = lab
        .step(&place)
        .with("images", format!("{}/tests/earlier-login", lab.registry))
        .run()
        .unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
}
