//! Several images in one step, for real: the targets of a bake file.

use std::process::Command;
use std::time::Duration;

use lab_runner::{Signal, Step, StepRun};
use serde_json::Value;

use crate::engine::{clean, succeeded};
use crate::front::{Front, refuse};
use crate::support::{Lab, Place, event, root, run};

/// Three targets, one of them made from a fourth.
const FILE: &str = r#"
variable "BASE" {}
variable "PLACE" {}
group "default" { targets = ["api", "web", "worker"] }
target "base" {
  dockerfile-inline = "ARG BASE\nFROM ${BASE}\nARG MARK\nRUN echo base-$MARK > /base\n"
  args = { BASE = BASE, MARK = MARK }
  tags = ["${PLACE}/base"]
}
target "api" {
  contexts = { base = "target:base" }
  dockerfile-inline = "FROM base\nRUN cat /base > /api\n"
  tags = ["${PLACE}/api:ignored"]
  labels = { "org.opencontainers.image.title" = "The API of $${us}" }
}
target "web" {
  dockerfile-inline = "ARG BASE\nFROM ${BASE}\nARG MARK\nRUN echo web-$MARK > /web\n"
  args = { BASE = BASE, MARK = MARK }
  tags = ["${PLACE}/web"]
}
target "worker" {
  dockerfile-inline = "ARG BASE\nFROM ${BASE}\nARG MARK\nRUN echo worker-$MARK > /worker\n${MORE}\n"
  args = { BASE = BASE, MARK = MARK }
  tags = ["${PLACE}/worker"]
  platforms = ["linux/amd64"]
}
variable "MARK" { default = "" }
variable "MORE" { default = "" }
"#;

const DENIED: &str = r#"{"errors":[{"code":"DENIED","message":"not for you"}]}"#;

/// A workspace with the bake file, and a mark that no other build has.
struct Bake {
    place: Place,
    mark: String,
}

impl Bake {
    fn new() -> Self {
        let place = Place::new();
        place.write("workspace/docker-bake.hcl", FILE);
        let mark = place.mark().to_lowercase();
        Self { place, mark }
    }

    /// A push to main, published below `tests/bake-…` of this registry.
    fn publish(&self, lab: &Lab, registry: &str) -> Step {
        lab.step(&self.place)
            .event("push", event("push-branch"))
            .git_ref("refs/heads/main")
            .env("BASE", lab.open_base.clone())
            .env("PLACE", self.images(registry))
            .env("MARK", self.mark.clone())
            .with("bake-files", "docker-bake.hcl")
    }

    fn images(&self, registry: &str) -> String {
        format!("{registry}/tests/bake-{}", self.mark)
    }
}

fn targets(run: &StepRun) -> Value {
    serde_json::from_str(&run.outputs["targets"]).unwrap_or_else(|_| panic!("{}", run.log))
}

fn outcomes(run: &StepRun) -> Vec<String> {
    let targets = targets(run);
    let targets = targets.as_object().unwrap().iter();
    let outcome = |(name, target): (&String, &Value)| {
        format!("{name} {}", target["outcome"].as_str().unwrap())
    };
    targets.map(outcome).collect()
}

fn errors(run: &StepRun) -> Vec<&str> {
    let errors = run.annotations.iter();
    let errors = errors.filter(|a| a.level == lab_runner::Level::Error && a.title.is_some());
    errors.map(|a| a.message.as_str()).collect()
}

/// What another client sees in the registry without login, JSON.
fn inspect(place: &Place, reference: &str, what: &str) -> Option<Value> {
    serde_json::from_str(&place.imagetools(reference, what).out).ok()
}

#[test]
#[ignore = "needs the lab"]
fn three_images_are_published_as_one_would_be() {
    let lab = Lab::get();
    let bake = Bake::new();
    let run = bake.publish(&lab, &lab.open_registry).run().unwrap();
    succeeded(&run);
    let images = bake.images(&lab.open_registry);
    let tags = ["api", "web", "worker"].map(|name| format!("{images}/{name}:main"));
    assert_eq!(run.outputs["tags"], tags.join("\n"));
    assert_eq!(run.outputs["published"], run.outputs["tags"]);
    assert_eq!(run.outputs["version"], "main");
    assert_eq!(run.outputs["digest"], "");
    assert_eq!(
        outcomes(&run),
        ["api success", "web success", "worker success"]
    );
    let targets = targets(&run);
    let metadata: Value = serde_json::from_str(&run.outputs["metadata"]).unwrap();
    for (name, platforms) in [("api", 2), ("web", 2), ("worker", 1)] {
        let target = &targets[name];
        let found = inspect(&bake.place, &format!("{images}/{name}:main"), "Manifest").unwrap();
        assert_eq!(found["digest"], target["digest"], "{name}");
        assert_eq!(metadata[name]["containerimage.digest"], target["digest"]);
        assert_eq!(target["platforms"].as_array().unwrap().len(), platforms);
        assert!(run.summary.contains(target["digest"].as_str().unwrap()));
    }
    assert!(
        run.summary.starts_with("### 3 of 3 targets done"),
        "{}",
        run.summary
    );
    // Labels are the event's, under those of the file.
    let image = inspect(&bake.place, &tags[0], "Image").unwrap();
    let labels = &image["linux/arm64"]["config"]["Labels"];
    assert_eq!(labels["org.opencontainers.image.title"], "The API of ${us}");
    assert_eq!(labels["org.opencontainers.image.version"], "main");
    // What another target is made from goes nowhere by itself.
    assert_eq!(
        inspect(&bake.place, &format!("{images}/base:main"), "Manifest"),
        None
    );
    assert_eq!(
        inspect(&bake.place, &format!("{images}/api:ignored"), "Manifest"),
        None
    );
}

#[test]
#[ignore = "needs the lab"]
fn of_three_targets_one_fails_and_two_are_published() {
    let lab = Lab::get();
    let bake = Bake::new();
    let step = bake.publish(&lab, &lab.open_registry);
    // Late enough for the others to be done: what buildx told of them is lost.
    let more = "RUN sleep 4; echo target api: no luck; exit 3";
    let run = step.env("MORE", more).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(
        outcomes(&run),
        ["api success", "web success", "worker failure"]
    );
    let images = bake.images(&lab.open_registry);
    let published = format!("{images}/api:main\n{images}/web:main");
    assert_eq!(run.outputs["published"], published);
    for name in ["api", "web"] {
        let target = &targets(&run)[name];
        let found = inspect(&bake.place, &format!("{images}/{name}:main"), "Manifest").unwrap();
        assert_eq!(found["digest"], target["digest"], "{name}");
        let image = format!("{images}/{name}@{}", target["digest"].as_str().unwrap());
        assert_eq!(target["image"], image);
        assert_eq!(target["platforms"].as_array().unwrap().len(), 2);
    }
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{}", run.log);
    assert!(
        errors[0].starts_with("target worker: buildx failed"),
        "{}",
        errors[0]
    );
    assert!(errors[0].contains("exit code: 3"), "{}", errors[0]);
    assert!(
        run.summary.starts_with("### 2 of 3 targets done"),
        "{}",
        run.summary
    );
    assert!(
        run.summary.contains("| `worker` | **failed** |"),
        "{}",
        run.summary
    );
    let ran = run.log.lines().filter(|line| line.ends_with(" no luck"));
    assert!(ran.count() >= 1, "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_registry_that_refuses_one_image_stops_all_before_the_build() {
    let lab = Lab::get();
    let bake = Bake::new();
    let refused = refuse(&format!("tests/bake-{}/web/", bake.mark), 403, DENIED);
    let front = Front::start(&lab, &refused);
    let run = bake.publish(&lab, &front.address()).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(
        outcomes(&run),
        ["api skipped", "web skipped", "worker skipped"]
    );
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{}", run.log);
    assert!(errors[0].contains("/web"), "{}", errors[0]);
    assert!(!run.log.contains("load build definition"), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn a_push_that_is_refused_keeps_no_other_image_back() {
    let lab = Lab::get();
    let bake = Bake::new();
    let blobs = format!("tests/bake-{}/web/manifests/", bake.mark);
    let front = Front::start(&lab, &refuse(&blobs, 403, DENIED));
    let run = bake.publish(&lab, &front.address()).run().unwrap();
    assert_eq!(run.exit_code, Some(1), "{}", run.log);
    clean(&run);
    assert_eq!(
        outcomes(&run),
        ["api success", "web failure", "worker success"]
    );
    assert!(
        targets(&run)["web"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    let errors = errors(&run);
    assert_eq!(errors.len(), 1, "{}", run.log);
    assert!(errors[0].starts_with("target web: "), "{}", errors[0]);
    assert!(errors[0].contains("Not pushed: "), "{}", errors[0]);
}

#[test]
#[ignore = "needs the lab"]
fn names_and_changes_come_from_the_inputs_where_the_file_is_silent() {
    let lab = Lab::get();
    let bake = Bake::new();
    let image = format!("{}/tests/Named-{}", lab.open_registry, bake.mark);
    let file = "target \"default\" {\n dockerfile-inline = \"FROM scratch\\nCOPY x /\\n\"\n}\n\
                target \"Two\" {\n inherits = [\"default\"]\n}\n";
    bake.place.write("workspace/docker-bake.hcl", file);
    bake.place.write("workspace/x", &bake.mark);
    let run = bake
        .publish(&lab, &lab.open_registry)
        .with("images", &image)
        .with("targets", "default, Two")
        .with("set", "*.labels.from=set ${x} a, b")
        .with("platforms", "linux/amd64")
        .with("provenance", "false")
        .run()
        .unwrap();
    succeeded(&run);
    let image = image.to_lowercase();
    assert_eq!(
        run.outputs["published"],
        format!("{image}-two:main\n{image}:main")
    );
    let found = inspect(&bake.place, &format!("{image}-two:main"), "Image").unwrap();
    assert_eq!(found["config"]["Labels"]["from"], "set ${x} a, b");
    assert_eq!(found["architecture"], "amd64");
}

#[test]
#[ignore = "needs the lab"]
fn variants_of_one_image_are_told_apart_by_the_target() {
    let lab = Lab::get();
    let bake = Bake::new();
    let image = format!("{}/tests/variants-{}", lab.open_registry, bake.mark);
    let file = format!(
        "target \"default\" {{\n name = base\n matrix = {{ base = [\"alpine\", \"debian\"] }}\n\
         dockerfile-inline = \"FROM scratch\\nCOPY docker-bake.hcl /${{base}}\"\n\
         tags = [\"{image}:${{base}}\"]\n}}\n"
    );
    bake.place.write("workspace/docker-bake.hcl", &file);
    let step = bake
        .publish(&lab, &lab.open_registry)
        .git_ref("refs/tags/v1.2.3")
        .with("tags", "type=semver,pattern={{version}}")
        .with("flavor", "suffix=-{{target}},onlatest=true")
        .with("labels", "variant={{target}}");
    let run = step.run().unwrap();
    succeeded(&run);
    let tags = [
        "1.2.3-alpine",
        "latest-alpine",
        "1.2.3-debian",
        "latest-debian",
    ];
    let tags = tags.map(|tag| format!("{image}:{tag}")).join("\n");
    assert_eq!(run.outputs["published"], tags);
    assert_eq!(run.outputs["version"], "");
    let found = inspect(&bake.place, &format!("{image}:latest-debian"), "Image").unwrap();
    let labels = &found["linux/arm64"]["config"]["Labels"];
    assert_eq!(labels["variant"], "debian");
}

#[test]
#[ignore = "needs the lab"]
fn each_target_has_a_cache_of_its_own() {
    let lab = Lab::get();
    let bake = Bake::new();
    let step = || {
        let step = bake.publish(&lab, &lab.open_registry);
        step.with("cache", "registry")
            .with("targets", "api\nworker")
            .run()
            .unwrap()
    };
    let first = step();
    succeeded(&first);
    bake.place.forget(&bake.mark);
    let second = step();
    succeeded(&second);
    // Also what a target is made from, whichever of the two buildx names there.
    let commands = second.log.lines().filter(|line| line.contains("] RUN "));
    let numbers = commands.map(|line| line.split(' ').next().unwrap());
    let numbers: std::collections::BTreeSet<&str> = numbers.collect();
    assert_eq!(numbers.len(), 5, "{}", second.log);
    for number in numbers {
        let cached = format!("{number} CACHED");
        let is_there = second.log.lines().any(|line| line == cached);
        assert!(is_there, "{cached}: {}", second.log);
    }
    let counted = "target worker: cached: 1 of 1 steps";
    assert!(second.log.contains(counted), "{}", second.log);
}

#[test]
#[ignore = "needs the lab"]
fn what_bake_files_cannot_say_is_told_before_anything_is_asked() {
    let lab = Lab::get();
    let bake = Bake::new();
    // A login is for the registry of names that may not be known.
    let login = |step: Step| step.with("username", "me").with("password", "secret");
    let step = || login(bake.publish(&lab, &lab.open_registry));
    for (step, expected) in [
        (step().with("targets", "nope"), "failed to find target nope"),
        (
            step().with("bake-files", "gone.hcl"),
            "open gone.hcl: no such file",
        ),
        (
            step().with("build-args", "A=b"),
            "build-args: is about one image",
        ),
        (
            step().with("set", "*.tags=127.0.0.1:1/same"),
            "api and web would both be 127.0.0.1:1/same:main",
        ),
        (step().with("targets", "api,--print=false"), "--print=false"),
        (
            step().with("set", "web.foo=1"),
            "set: \"web.foo=1\": unknown key: foo",
        ),
        (
            step().with("set", "web.context=gone"),
            "target web: context: \"gone\": is not there",
        ),
    ] {
        let run = step.run().unwrap();
        assert_eq!(run.exit_code, Some(1), "{}", run.log);
        let has = |text: &str| errors(&run).iter().any(|error| error.contains(text));
        assert!(has(expected) && !has("several registries"), "{}", run.log);
    }
}

#[test]
#[ignore = "needs the lab"]
fn what_a_file_says_of_pushing_holds_only_where_the_image_is_published() {
    let lab = Lab::get();
    let bake = Bake::new();
    let images = bake.images(&lab.open_registry);
    let step = |event_name: &str, payload: &str, git_ref: &str| {
        let own = format!("web.output=type=image,\"name={images}/own:a\",push=true");
        let step = bake.publish(&lab, &lab.open_registry);
        step.event(event_name, event(payload))
            .git_ref(git_ref)
            .repository("acme/hit-counter")
            .with("targets", "api,web")
            .with(
                "set",
                format!("api.output=type=local,dest=out\napi.output=type=registry\n{own}"),
            )
    };
    let pull_request = || step("pull_request", "pull-request", "refs/pull/1/merge");
    let push = || step("push", "push-branch", "refs/heads/main");
    for unpublished in [pull_request(), push().with("push", "false")] {
        let run = unpublished.run().unwrap();
        succeeded(&run);
        assert_eq!(run.outputs["published"], "");
        for name in ["api:main", "own:a"] {
            let reference = format!("{images}/{name}");
            assert_eq!(inspect(&bake.place, &reference, "Manifest"), None, "{name}");
        }
    }
    let run = push().run().unwrap();
    succeeded(&run);
    let published = ["api:main", "web:main", "own:a"].map(|name| format!("{images}/{name}"));
    assert_eq!(run.outputs["published"], published.join("\n"));
    for reference in &published {
        let found = inspect(&bake.place, reference, "Manifest");
        assert!(found.is_some(), "{reference}: {}", run.log);
    }
    assert!(bake.place.path("workspace/out/linux_arm64/api").exists());
    let asked = format!("{images}/own (push) is allowed");
    assert!(run.log.contains(&asked), "{}", run.log);
}

#[test]
#[ignore = "needs the lab"]
fn targets_are_loaded_and_pushed_and_their_caches_kept_in_a_folder() {
    let lab = Lab::get();
    let bake = Bake::new();
    let step = bake.publish(&lab, &lab.open_registry);
    let step = step.tool_cache(bake.place.path("tools"));
    let label = "web.labels.a${1+1}=b";
    let reads_token = "variable \"ACTIONS_RUNTIME_TOKEN\" {}\n\
                       target \"web\" {\n labels = { token = \"(${ACTIONS_RUNTIME_TOKEN})\" }\n}\n";
    bake.place.write("workspace/more.hcl", reads_token);
    let run = step
        .with("cache", "local")
        .with("load", "true")
        .with("push", "true")
        .with("set", label)
        .with("bake-files", "docker-bake.hcl, more.hcl")
        .env("ACTIONS_RUNTIME_TOKEN", "runner-secret")
        .run()
        .unwrap();
    succeeded(&run);
    assert_eq!(run.outputs["published"].lines().count(), 3);
    assert_eq!(bake.place.local_caches().len(), 3);
    for reference in run.outputs["published"].lines() {
        let inspected = Command::new("docker")
            .args([
                "image",
                "inspect",
                "--format",
                "{{json .Config.Labels}}",
                reference,
            ])
            .output()
            .unwrap();
        assert!(inspected.status.success(), "{reference}");
        let labels = String::from_utf8(inspected.stdout).unwrap();
        let is_web = reference.contains("/web:");
        assert_eq!(labels.contains("\"a${1+1}\":\"b\""), is_web, "{labels}");
        assert_eq!(labels.contains("\"token\":\"()\""), is_web, "{labels}");
        let _ = Command::new("docker").args(["rmi", reference]).output();
    }
    // Nobody asked for platforms: what is loaded is the engine's own.
    assert_eq!(
        targets(&run)["web"]["platforms"].as_array().unwrap().len(),
        1
    );
}

#[test]
#[ignore = "needs the lab"]
fn the_example_has_a_plan() {
    Lab::get();
    let place = Place::new();
    let file = "target \"_\" {\n  dockerfile-inline = \"FROM scratch\"\n}\n\
                target \"api\" {\n  inherits = [\"_\"]\n}\n\
                target \"web\" {\n  inherits = [\"_\"]\n  tags = [\"ghcr.io/acme/site\"]\n}\n\
                target \"lint\" {\n  inherits = [\"web\"]\n  call = \"check\"\n}\n\
                target \"test\" {\n  inherits = [\"web\"]\n  output = [\"type=cacheonly\"]\n}\n";
    place.write("workspace/docker-bake.hcl", file);
    let workflow = root().join("examples/workflows/bake.yml");
    let mut dry_run = place.stevedore([
        "publish",
        "--dry-run",
        "--workflow",
        workflow.to_str().unwrap(),
        "--repository",
        "acme/app",
        "--ref",
        "refs/tags/v1.2.3",
    ]);
    let printed = run(&mut dry_run);
    assert!(printed.success, "{}", printed.err);
    for line in [
        "target      api",
        "tags        ghcr.io/acme/app-api:v1.2.3",
        "target      web",
        "tags        ghcr.io/acme/site:v1.2.3",
        "docker buildx bake --file $RUN/bake.json --metadata-file $RUN/metadata.json api web",
    ] {
        assert!(
            printed.out.lines().any(|other| other == line),
            "{line}: {}",
            printed.out
        );
    }
    let printed = run(dry_run.args(["--format", "json"]));
    let plan: Value = serde_json::from_str(&printed.out).unwrap();
    // What makes no image takes nobody's name.
    let printed = run(dry_run.args(["--with", "targets=web,lint,test"]));
    assert!(printed.success, "{}", printed.err);
    let others: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(others["targets"]["lint"]["tags"], Value::Array(Vec::new()));
    let tags = &plan["targets"]["api"]["tags"];
    assert_eq!(tags[0], "ghcr.io/acme/app-api:v1.2.3");
    assert!(
        plan["targets"]["web"]["command"]
            .as_str()
            .unwrap()
            .ends_with(" web")
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_preflight_alone_asks_for_every_target() {
    let lab = Lab::get();
    let bake = Bake::new();
    let step = bake.publish(&lab, &lab.open_registry);
    let run = step.with("preflight", "only").run().unwrap();
    succeeded(&run);
    for name in ["api", "web", "worker"] {
        let asked = format!(
            "{}/{name} (push) is allowed",
            bake.images(&lab.open_registry)
        );
        assert!(run.log.contains(&asked), "{}", run.log);
    }
    assert_eq!(
        outcomes(&run),
        ["api skipped", "web skipped", "worker skipped"]
    );
}

#[test]
#[ignore = "needs the lab"]
fn a_signal_ends_every_build() {
    let lab = Lab::get();
    let bake = Bake::new();
    let waits = format!("RUN echo waits-{} && sleep 600", bake.mark);
    let step = bake.publish(&lab, &lab.open_registry).env("MORE", waits);
    let running = step.start().unwrap();
    let waits = format!(" waits-{}", bake.mark);
    assert!(running.wait_for(&waits, Duration::from_secs(60)));
    std::thread::sleep(Duration::from_secs(3));
    assert!(running.signal(Signal::INT));
    let run = running.wait().unwrap();
    assert_eq!(run.exit_code, Some(130), "{}", run.log);
    clean(&run);
    let expected = ["api success", "web success", "worker cancelled"];
    assert_eq!(outcomes(&run), expected, "{}", run.log);
}
