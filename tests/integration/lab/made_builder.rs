//! Builders that the run makes for real, on the engine with the classic image
//! store: what they build, what they reach, and that nothing of them stays.

use std::process::Command;

use lab_runner::{Step, StepRun};
use serde_json::Value;

use crate::support::classic_engine::{classic, docker, gone, left};
use crate::support::front::Front;
use crate::support::site::{clean, place, publish, succeeded};
use crate::support::{Lab, Place, event, run};

/// A step whose engine has the classic image store.
fn on_classic(lab: &Lab, place: &Place, image: &str) -> Step {
    publish(lab, place, image)
        .env("DOCKER_HOST", classic())
        .secret("TOKEN", "hunter2")
}

/// The name of the builder in the line that says what builds.
fn builder(run: &StepRun) -> String {
    let mut lines = run.log.lines();
    let named = lines.find_map(|line| line.strip_prefix("builder stevedore-"));
    let rest = named.unwrap_or_else(|| panic!("{}", run.log));
    let name = rest.split([',', ':']).next().unwrap();
    format!("stevedore-{name}")
}

/// A builder that outlives its steps, and not its test.
struct Kept(String);

impl Drop for Kept {
    fn drop(&mut self) {
        let container = format!("buildx_buildkit_{}0", self.0);
        let volume = format!("{container}_state");
        for arguments in [["rm", "--force", &container], ["volume", "rm", &volume]] {
            let mut docker = Command::new("docker");
            let _ = docker
                .args(arguments)
                .env("DOCKER_HOST", classic())
                .output();
        }
    }
}

/// buildx as the user has it after the steps.
fn buildx(place: &Place, arguments: &[&str]) {
    let mut buildx = Command::new("docker-buildx");
    buildx
        .args(arguments)
        .env("DOCKER_HOST", classic())
        .env("DOCKER_CONFIG", place.path("home/.docker"));
    let printed = run(&mut buildx);
    assert!(printed.success, "{arguments:?}: {}", printed.err);
}

/// A workspace whose steps no other build has.
fn marked() -> Place {
    let place = Place::new();
    let mark = place.mark();
    let dockerfile = format!(
        "ARG BASE=scratch\nFROM ${{BASE}}\nRUN echo {mark} > /one\nRUN --mount=type=secret,id=TOKEN \
         sed s/h/H/ /run/secrets/TOKEN > /two && test -s /two\n"
    );
    place.write("workspace/Dockerfile", &dockerfile);
    place
}

/// The message of the one error on the run's page.
fn error(run: &StepRun) -> &str {
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    assert_eq!(run.annotations.len(), 1, "{}", run.log);
    clean(run);
    &run.annotations[0].message
}

#[test]
#[ignore = "needs the lab"]
fn a_builder_is_made_for_two_platforms_and_gone_afterwards() {
    let lab = Lab::get();
    let place = place();
    let image = format!("{}/tests/made", lab.open_registry);
    let run = lab
        .step(&place)
        .env("DOCKER_HOST", classic())
        .with("images", &image)
        .with("build-args", format!("BASE={}", lab.open_base))
        .with("provenance", "mode=max")
        .run()
        .unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    for expected in [
        "with the classic image store cannot do several platforms",
        "builder network: the host's",
        "runs BuildKit v",
    ] {
        assert!(run.log.contains(expected), "{expected}: {}", run.log);
    }
    // What buildx tells of the builder is many lines.
    assert!(!run.log.contains("GC Policy"), "{}", run.log);
    let printed = place.imagetools(&format!("{image}:v0.2.0"), "Manifest");
    let index: Value = serde_json::from_str(&printed.out).unwrap();
    let manifests = index["manifests"].as_array().unwrap();
    assert_eq!(manifests.len(), 4, "each platform has an attestation");
    assert_eq!(place.list("home"), Vec::<String>::new());
    gone(&builder(&run));
}

#[test]
#[ignore = "needs the lab"]
fn one_builder_makes_every_kind_of_result() {
    let lab = Lab::get();
    let place = marked();
    let name = place.mark().to_lowercase();
    let _kept = Kept(name.clone());
    let step = |image: &str| {
        on_classic(&lab, &place, image)
            .with("builder", &name)
            .with("driver", "docker-container")
            .with("cleanup", "none")
            .with("secrets", "TOKEN=${{ secrets.TOKEN }}")
    };
    let first = step("tests/results").run().unwrap();
    succeeded(&first);

    let files = "type=local,dest=local\ntype=tar,dest=files.tar\n\
                 type=oci,dest=oci.tar\ntype=docker,dest=docker.tar";
    let run = step("tests/results")
        .with("platforms", "linux/amd64")
        .with("outputs", files)
        .run()
        .unwrap();
    succeeded(&run);
    assert!(run.log.contains(&format!("builder {name}: `builder`")));
    assert_eq!(place.text("workspace/local/two"), "Hunter2");
    for file in ["files.tar", "oci.tar", "docker.tar"] {
        assert!(place.path("workspace").join(file).is_file(), "{file}");
    }
    docker(&[
        "load",
        "--input",
        place.path("workspace/docker.tar").to_str().unwrap(),
    ]);

    let loaded = step(&format!("tests/loaded-{}", name))
        .with("load", "true")
        .run()
        .unwrap();
    succeeded(&loaded);
    for tag in loaded.outputs["tags"].lines() {
        docker(&["image", "rm", tag]);
    }

    let by_digest = step("tests/results")
        .with(
            "outputs",
            "type=image,push-by-digest=true,name-canonical=true,push=true",
        )
        .run()
        .unwrap();
    succeeded(&by_digest);
    assert!(by_digest.outputs["digest"].starts_with("sha256:"));

    let target = |name: &str| {
        format!(
            "target \"{name}\" {{\n  tags = [\"{}/tests/baked-{name}\"]\n  args = {{ BASE = \"{}\" }}\n  \
             secret = [\"id=TOKEN,env=TOKEN\"]\n}}\n",
            lab.registry, lab.base
        )
    };
    let group = "group \"default\" { targets = [\"one\", \"two\"] }\n";
    place.write(
        "workspace/docker-bake.hcl",
        &format!("{group}{}{}", target("one"), target("two")),
    );
    let baked = lab
        .step_with_login(&place)
        .env("DOCKER_HOST", classic())
        .env("TOKEN", "hunter2")
        .with("builder", &name)
        .with("bake-files", "docker-bake.hcl")
        .run()
        .unwrap();
    succeeded(&baked);
    assert_eq!(
        baked.outputs["published"].lines().count(),
        4,
        "{}",
        baked.log
    );

    buildx(&place, &["rm", &name]);
    gone(&name);
}

#[test]
#[ignore = "needs the lab"]
fn an_empty_builder_takes_every_kind_of_cache() {
    let lab = Lab::get();
    let place = marked();
    let name = place.mark().to_lowercase();
    let _kept = Kept(name.clone());
    let image = format!("tests/cached-{}", name);
    let kept = format!("type=registry,ref={}/{image}:cache,mode=max", lab.registry);
    let folder = place.path("cache").display().to_string();
    let step = || {
        on_classic(&lab, &place, &image)
            .event("push", event("push-branch"))
            .git_ref("refs/heads/main")
            .with("builder", &name)
            .with("driver", "docker-container")
            .with("cleanup", "none")
            .with("secrets", "TOKEN=${{ secrets.TOKEN }}")
    };
    let caches = format!("{kept}\ntype=local,dest={folder},mode=max\ntype=inline");
    succeeded(&step().with("cache-to", caches).run().unwrap());
    let reference = format!("{}/{image}", lab.registry);
    for from in [
        // First, since every run pushes this tag.
        format!("{reference}:main"),
        format!("type=registry,ref={reference}:cache"),
        format!("type=local,src={folder}"),
    ] {
        buildx(&place, &["prune", "--force", "--all", "--builder", &name]);
        let run = step().with("cache-from", &from).run().unwrap();
        succeeded(&run);
        let all = "cached: linux/amd64 2 of 2 steps, linux/arm64 2 of 2 steps";
        assert!(run.log.contains(all), "{from}: {}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_state_that_is_kept_is_found_by_the_next_builder() {
    let lab = Lab::get();
    let place = marked();
    let step = || {
        on_classic(&lab, &place, "tests/kept")
            .env("RUNNER_NAME", place.mark())
            .with("keep-state", "true")
            .with("secrets", "TOKEN=${{ secrets.TOKEN }}")
    };
    let first = step().run().unwrap();
    succeeded(&first);
    let name = builder(&first);
    let _kept = Kept(name.clone());
    let (containers, volumes) = left(&name);
    assert_eq!(containers, "");
    assert_eq!(volumes.trim(), format!("buildx_buildkit_{name}0_state"));
    let second = step().run().unwrap();
    succeeded(&second);
    assert_eq!(builder(&second), name);
    let all = "cached: linux/amd64 2 of 2 steps, linux/arm64 2 of 2 steps";
    assert!(second.log.contains(all), "{}", second.log);
    // As docs/builders.md says.
    docker(&["volume", "rm", volumes.trim()]);
    gone(&name);
}

#[test]
#[ignore = "needs the lab"]
fn a_builder_that_stays_is_used_by_the_next_run() {
    let lab = Lab::get();
    let place = place();
    let step = || {
        on_classic(&lab, &place, "tests/stays")
            .env("RUNNER_NAME", place.mark())
            .with("cleanup", "none")
    };
    let first = step().run().unwrap();
    succeeded(&first);
    let name = builder(&first);
    let _kept = Kept(name.clone());
    let (container, _) = left(&name);
    let second = step().run().unwrap();
    succeeded(&second);
    assert_eq!(builder(&second), name);
    assert_eq!(left(&name).0, container, "it is the same one");
    // As docs/builders.md says.
    docker(&["rm", "--force", container.trim()]);
    docker(&["volume", "rm", &format!("buildx_buildkit_{name}0_state")]);
    gone(&name);
}

#[test]
#[ignore = "needs the lab"]
fn two_platforms_are_not_loaded_into_the_classic_store() {
    let lab = Lab::get();
    let place = place();
    let run = on_classic(&lab, &place, "tests/load-two")
        .with("load", "true")
        .with("platforms", "linux/amd64,linux/arm64")
        .run()
        .unwrap();
    let message = error(&run);
    assert!(
        message.contains("load: \"true\": Docker Engine"),
        "{message}"
    );
    assert!(
        message.contains("with the classic image store holds one platform"),
        "{message}"
    );
    assert!(!run.log.contains("booting buildkit"), "{}", run.log);
}

/// An address of this machine that is not loopback, which containers reach too.
fn bridge() -> String {
    let format = "{{(index .IPAM.Config 0).Gateway}}";
    let gateway = docker(&["network", "inspect", "bridge", "--format", format]);
    gateway.trim().to_owned()
}

/// Registries on loopback need no certificate. The token of this one is fetched by
/// buildx, everything else by BuildKit.
#[test]
#[ignore = "needs the lab"]
fn a_builder_trusts_the_certificates_that_are_given() {
    let lab = Lab::get();
    let place = place();
    let front = Front::with_tokens(&lab, &bridge());
    let step = || {
        lab.step(&place)
            .with("images", format!("{}/tests/trusted", front.address()))
            .with(
                "build-args",
                format!("BASE={}/library/busybox:{}", front.address(), tag(&lab)),
            )
            .env("DOCKER_HOST", classic())
            .with("driver-opts", "network=bridge")
            .with("buildkitd-config-inline", "debug = true")
            .with("ca-certificates", front.certificate().display().to_string())
    };
    let run = step().run().unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["platforms"], "linux/amd64,linux/arm64");
    let trusted = format!("`ca-certificates` are trusted for {}", front.address());
    assert!(run.log.contains(&trusted), "{}", run.log);
    gone(&builder(&run));
}

fn tag(lab: &Lab) -> &str {
    lab.open_base.rsplit(':').next().unwrap()
}

#[test]
#[ignore = "needs the lab"]
fn a_network_that_does_not_reach_loopback_is_named() {
    let lab = Lab::get();
    let place = Place::new();
    let image = format!("{}/tests/unreached", lab.open_registry);
    let run = lab
        .step(&place)
        .with("images", image)
        .env("DOCKER_HOST", classic())
        .with("driver-opts", "network=bridge")
        .with("push-attempts", "1")
        .run()
        .unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    let advice = "`driver-opts: network=host`";
    let told = run
        .annotations
        .iter()
        .filter(|a| a.message.contains(advice));
    assert_eq!(told.count(), 2, "a warning, then the error: {}", run.log);
    gone(&builder(&run));
}

#[test]
#[ignore = "needs the lab"]
fn what_is_wrong_with_a_builder_is_told_by_what_buildx_says() {
    let lab = Lab::get();
    for (input, value, expected) in [
        ("driver-opts", "nonsense=1", "Correct `driver-opts`"),
        (
            "driver-opts",
            "network=nowhere",
            "Correct `network` in `driver-opts`",
        ),
        (
            "driver-opts",
            "image=127.0.0.1:1/no/buildkit:1",
            "could not pull the builder's image",
        ),
        (
            "buildkitd-config-inline",
            "debug =",
            "Correct `buildkitd-config`",
        ),
        ("buildkitd-flags", "--nonsense", "Correct `buildkitd-flags`"),
    ] {
        let place = Place::new();
        let run = lab
            .step(&place)
            .env("DOCKER_HOST", classic())
            .with("push", "false")
            .with(input, value)
            .run()
            .unwrap();
        let message = error(&run);
        let failed = "could not be made with the driver docker-container";
        assert!(
            message.contains(failed) && message.contains(expected),
            "{message}"
        );
        gone(&builder(&run));
    }
}

/// The manifest of a reference as its registry has it.
fn manifest(place: &Place, reference: &str) -> Value {
    let mut buildx = Command::new("docker-buildx");
    buildx
        .args(["imagetools", "inspect", "--raw", reference])
        .env("DOCKER_CONFIG", place.path("client"));
    let printed = run(&mut buildx);
    serde_json::from_str(&printed.out).unwrap_or_else(|_| panic!("{}", printed.err))
}

#[test]
#[ignore = "needs the lab"]
fn what_the_classic_store_would_drop_is_asked_of_a_builder() {
    let lab = Lab::get();
    let place = Place::new();
    let image = format!(
        "{}/tests/{}",
        lab.open_registry,
        place.mark().to_lowercase()
    );
    let bake = format!(
        "target \"default\" {{\n  tags = [\"{image}\"]\n  platforms = [\"linux/amd64\"]\n  \
         annotations = [\"manifest:a=b\"]\n  output = [\"type=registry,compression=zstd,\
         force-compression=true\"]\n}}\n"
    );
    place.write("workspace/docker-bake.hcl", &bake);
    let step = || {
        lab.step(&place)
            .env("DOCKER_HOST", classic())
            .with("provenance", "false")
    };
    let single = step()
        .with("images", &image)
        .with("platforms", "linux/amd64")
        .with("annotations", "manifest:a=b")
        .with(
            "outputs",
            "type=registry,compression=zstd,force-compression=true",
        );
    for step in [single, step().with("bake-files", "docker-bake.hcl")] {
        let run = step.run().unwrap();
        succeeded(&run);
        let why = "cannot do annotations, outputs with compression";
        assert!(run.log.contains(why), "{}", run.log);
        let manifest = manifest(&place, &format!("{image}@{}", digest(&run)));
        assert_eq!(manifest["annotations"]["a"], "b", "{manifest}");
        let layer = manifest["layers"][0]["mediaType"].as_str().unwrap();
        assert!(layer.ends_with("zstd"), "{manifest}");
        gone(&builder(&run));
    }
    // What nobody has asked for makes none.
    let step = step().with("images", &image);
    let run = step.with("platforms", "linux/amd64").run().unwrap();
    succeeded(&run);
    let left_out = "annotations left out: the engine's classic image store holds none";
    assert!(run.log.contains(left_out), "{}", run.log);
    assert!(run.log.contains("builder the engine's own"), "{}", run.log);
}

/// The digest of the one image of a run, a target's included.
fn digest(run: &StepRun) -> String {
    let targets: Value = serde_json::from_str(&run.outputs["targets"]).unwrap_or_default();
    let of_target = targets["default"]["digest"].as_str();
    of_target.map_or_else(|| run.outputs["digest"].clone(), str::to_owned)
}
