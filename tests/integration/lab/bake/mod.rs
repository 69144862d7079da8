//! Several images in one step, for real: the targets of a bake file.

mod refused;

use std::process::Command;

use lab_runner::{Step, StepRun};
use serde_json::Value;

use crate::support::site::succeeded;
use crate::support::{Lab, Place, event, root, run};

/// Three targets, one of them made from a fourth.
const FILE: &str = r#"
variable "BASE" {}
variable "PLACE" {}
group "default" { targets = ["api", "web", "worker"] }
target "base" {
  dockerfile-inline = "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo base-$MARK > /base\n"
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
  dockerfile-inline = "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo web-$MARK > /web\n"
  args = { BASE = BASE, MARK = MARK }
  tags = ["${PLACE}/web"]
}
target "worker" {
  dockerfile-inline = "ARG BASE=scratch\nFROM ${BASE}\nARG MARK\nRUN echo worker-$MARK > /worker\n${MORE}\n"
  args = { BASE = BASE, MARK = MARK }
  tags = ["${PLACE}/worker"]
  platforms = ["linux/amd64"]
}
variable "MARK" { default = "" }
variable "MORE" { default = "" }
"#;

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
fn each_target_is_compared_with_what_its_name_stood_for_before() {
    let lab = Lab::get();
    let bake = Bake::new();
    let publish = |mark: &str| {
        let step = bake.publish(&lab, &lab.open_registry).env("MARK", mark);
        let run = step.run().unwrap();
        succeeded(&run);
        run
    };
    let first = publish(&format!("{}-first", bake.mark));
    let second = publish(&format!("{}-second", bake.mark));
    let images = bake.images(&lab.open_registry);
    for name in ["api", "web", "worker"] {
        let before = targets(&first)[name]["digest"].clone();
        let line = format!(
            "Against what `{images}/{name}:main` stood for before, `{}`",
            before.as_str().unwrap()
        );
        assert!(second.summary.contains(&line), "{line}: {}", second.summary);
    }
    assert!(!first.summary.contains("Against what"), "{}", first.summary);
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
    let ends = second.log.lines().filter(|line| line.contains("] RUN "));
    let ends: std::collections::BTreeSet<&str> = ends.collect();
    assert_eq!(ends.len(), 5, "{}", second.log);
    for end in ends {
        assert!(end.ends_with(": cached"), "{end}: {}", second.log);
    }
    let counted = "target worker: cached: 1 of 1 steps";
    assert!(second.log.contains(counted), "{}", second.log);
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
fn values_of_set_may_be_expressions() {
    let lab = Lab::get();
    let bake = Bake::new();
    let run_of = bake
        .publish(&lab, &lab.open_registry)
        .with("targets", "worker")
        .with("set", "worker.args.MARK={{version}}-{{sha}}")
        .run()
        .unwrap();
    succeeded(&run_of);
    let mut docker = Command::new("docker");
    docker.args(["run", "--rm", "--pull", "always", "--quiet"]);
    docker.arg(format!("{}/worker:main", bake.images(&lab.open_registry)));
    let printed = run(docker.args(["cat", "/worker"]));
    assert!(printed.success, "{}", printed.err);
    assert_eq!(printed.out, "worker-main-6071f56\n");
}
