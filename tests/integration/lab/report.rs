//! Where the time of a build went, and what is said of it.

use std::fs;
use std::path::Path;

use lab_runner::StepRun;
use serde_json::Value;

use crate::support::classic_engine::classic;
use crate::support::site::succeeded;
use crate::support::{Lab, Place, event};

/// Works for about a second on this machine, and for many in emulation; the file is
/// what makes each run of a test new.
const SLOW: &str = "#!/bin/sh\ni=0; while [ $i -lt 400000 ]; do i=$((i+1)); done\n\
                    mkdir -p dist && echo built > dist/app\n";

fn report(run: &StepRun) -> Value {
    serde_json::from_str(&run.files["report"]).unwrap()
}

fn steps<'a>(report: &'a Value, instruction: &str) -> Vec<&'a Value> {
    let steps = report["images"][0]["steps"].as_array().unwrap();
    let is_it = |step: &&Value| {
        step["instruction"]
            .as_str()
            .unwrap()
            .starts_with(instruction)
    };
    steps.iter().filter(is_it).collect()
}

fn seconds(step: &Value) -> f64 {
    step["seconds"].as_f64().unwrap()
}

/// Writes the lines of an advice in place of those that it is about.
fn follow(dockerfile: &Path, advice: &Value) {
    let text = fs::read_to_string(dockerfile).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    let line = |at: usize| usize::try_from(advice["lines"][at].as_u64().unwrap()).unwrap();
    let rewrite = advice["rewrite"].as_str().unwrap();
    lines.splice(line(0) - 1..line(1), rewrite.lines());
    fs::write(dockerfile, lines.join("\n") + "\n").unwrap();
}

fn advice<'a>(report: &'a Value, rule: &str) -> &'a Value {
    let all = report["images"][0]["advice"].as_array().unwrap();
    let found = all.iter().find(|advice| advice["rule"] == rule);
    found.unwrap_or_else(|| panic!("{all:#?}"))
}

#[test]
#[ignore = "needs the lab"]
fn an_emulated_step_is_shown_beside_the_native_one_and_the_advice_saves_what_it_says() {
    let (lab, place) = (Lab::get(), Place::new());
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE} AS build\nWORKDIR /src\nCOPY --chmod=755 npm /bin/npm\nCOPY mark .\n\
         RUN npm run build\nFROM scratch\nCOPY --from=build /src/dist /app\n",
    );
    place.write("workspace/npm", SLOW);
    let build = |mark: &str| {
        place.write("workspace/mark", &format!("{}-{mark}", place.mark()));
        let run = lab
            .step(&place)
            .with("context", ".")
            .with(
                "images",
                format!("{}/tests/{}", lab.open_registry, place.mark()),
            )
            .with("build-args", format!("BASE={}", lab.open_base))
            .with("cache", "none")
            .with("platforms", "linux/amd64,linux/arm64")
            .run()
            .unwrap();
        succeeded(&run);
        let report = report(&run);
        (run, report)
    };
    let (run, before) = build("before");
    let both = steps(&before, "RUN npm");
    let of = |emulated: bool| {
        let mut found = both.iter().filter(|step| step["emulated"] == emulated);
        seconds(found.next().unwrap())
    };
    let (native, emulated) = (of(false), of(true));
    assert!(
        emulated > native,
        "{emulated} s emulated, {native} s native"
    );
    for part in [
        "### What emulation costs",
        "```mermaid",
        "### How to make it faster",
    ] {
        assert!(run.summary.contains(part), "{part}: {}", run.summary);
    }
    let found = advice(&before, "emulated-compiler");
    let said = found["seconds"].as_f64().unwrap();
    follow(&place.path("workspace/Dockerfile"), found);

    let (_, after) = build("after");
    let left = steps(&after, "RUN npm");
    assert_eq!(left.len(), 1, "one for both platforms");
    assert_eq!(left[0]["emulated"], false);
    // The builds of both platforms share the machine's processors.
    let saved = emulated - seconds(left[0]);
    assert!(
        (saved - said).abs() <= f64::max(said / 3.0, 1.0),
        "{saved} s saved, {said} s said"
    );
    assert!(after["images"][0]["advice"].as_array().unwrap().is_empty());
}

#[test]
#[ignore = "needs the lab"]
fn dependencies_in_a_layer_of_their_own_are_not_installed_again() {
    let (lab, place) = (Lab::get(), Place::new());
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nCOPY --chmod=755 npm /bin/npm\nWORKDIR /app\nCOPY . .\nRUN npm ci\n",
    );
    place.write("workspace/npm", "#!/bin/sh\nsleep 4\n");
    place.write(
        "workspace/package.json",
        &format!("{{\"name\":\"{}\"}}", place.mark()),
    );
    place.write("workspace/package-lock.json", "{}");
    let build = |source: &str| {
        place.write("workspace/index.js", source);
        let run = lab
            .step(&place)
            .with("context", ".")
            .with("push", "false")
            .with("images", "local/dependencies")
            .with("build-args", format!("BASE={}", lab.open_base))
            .with("cache", "none")
            .with("platforms", "linux/amd64")
            .run()
            .unwrap();
        succeeded(&run);
        (report(&run), run)
    };
    build("// 1");
    let (before, _) = build("// 2");
    let spent = seconds(steps(&before, "RUN npm ci")[0]);
    let found = advice(&before, "dependencies-after-source");
    let said = found["seconds"].as_f64().unwrap();
    follow(&place.path("workspace/Dockerfile"), found);
    build("// 3");
    let (after, run) = build("// 4");
    let again = steps(&after, "RUN npm ci")[0];
    assert_eq!(again["outcome"], "cached", "{}", run.log);
    assert!(
        (spent - said).abs() <= said / 3.0,
        "{spent} s saved, {said} s said"
    );
}

#[test]
#[ignore = "needs the lab"]
fn an_image_is_compared_with_what_its_name_stood_for() {
    let (lab, place) = (Lab::get(), Place::new());
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nCOPY first /first\nCOPY second /second\n",
    );
    place.write("workspace/first", &place.mark());
    let build = |second: &str| {
        place.write("workspace/second", second);
        let run = lab
            .step(&place)
            .git_ref("refs/heads/main")
            .event("push", event("push-branch"))
            .with("context", ".")
            .with(
                "images",
                format!("{}/tests/{}", lab.open_registry, place.mark()),
            )
            .with("build-args", format!("BASE={}", lab.open_base))
            .with("cache", "none")
            .with("platforms", "linux/amd64,linux/arm64")
            .run()
            .unwrap();
        succeeded(&run);
        run
    };
    let first = report(&build("one"));
    assert_eq!(first["images"][0]["platforms"][0]["change"], Value::Null);
    let run = build(&"two".repeat(1000));
    let second = report(&run);
    for platform in second["images"][0]["platforms"].as_array().unwrap() {
        let change = &platform["change"];
        assert_eq!(change["new-layers"], 1, "{change}");
        assert_eq!(change["same-first-layer"], true);
        assert!(change["download"].as_u64().unwrap() < 1000, "{change}");
    }
    assert!(run.summary.contains("Against what `"), "{}", run.summary);
}

#[test]
#[ignore = "needs the lab"]
fn an_image_that_is_too_large_gets_no_name() {
    let (lab, place) = (Lab::get(), Place::new());
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nCOPY mark /mark\n",
    );
    place.write("workspace/mark", &place.mark());
    let mark = place.mark().to_lowercase();
    let image = format!("{}/tests/{mark}", lab.open_registry);
    let build = |limit: &str| {
        lab.step(&place)
            .env("DOCKER_HOST", classic())
            .with("context", ".")
            .with("images", &image)
            .with("build-args", format!("BASE={}", lab.open_base))
            .with("cache", "none")
            .with("platforms", "linux/amd64,linux/arm64")
            .with("size-limit", limit)
            .run()
            .unwrap()
    };
    let refused = build("linux/arm64=1kB, 100MB");
    assert_eq!(refused.exit_code, Some(1), "{}", refused.log);
    let mut errors = refused.annotations.iter();
    let error = errors.find(|one| one.title.as_deref() == Some("Size"));
    let message = &error.unwrap_or_else(|| panic!("{}", refused.log)).message;
    assert!(message.contains("linux/arm64 takes "), "{message}");
    assert!(!message.contains("linux/amd64 takes "), "{message}");
    let tag = format!("{image}:v0.2.0");
    assert!(!place.imagetools(&tag, "Manifest").success);
    assert!(refused.outputs["digest"].starts_with("sha256:"));
    let published = build("100MB");
    succeeded(&published);
    let printed = place.imagetools(&tag, "Manifest");
    assert!(printed.success, "{}{}", printed.err, published.log);
}

#[test]
#[ignore = "needs the lab"]
fn the_record_of_a_build_is_a_file_where_it_is_asked_for() {
    let (lab, place) = (Lab::get(), Place::new());
    let run = |record: &str, command: &str| {
        let text = format!("ARG BASE=scratch\nFROM ${{BASE}}\nRUN {command}\n");
        place.write("workspace/Dockerfile", &text);
        lab.step(&place)
            .with("context", ".")
            .with("push", "false")
            .with("images", "local/record")
            .with("build-args", format!("BASE={}", lab.open_base))
            .with("cache", "none")
            .with("platforms", "linux/amd64")
            .with("record", record)
            .run()
            .unwrap()
    };
    for (record, command, is_kept) in [
        ("on", "true", true),
        ("on-failure", "true", false),
        ("on-failure", "exit 3", true),
        ("off", "exit 3", false),
    ] {
        let run = run(record, command);
        assert_eq!(run.succeeded(), command == "true", "{}", run.log);
        let path = run.outputs.get("record").map_or("", String::as_str);
        assert_eq!(
            path.ends_with(".dockerbuild"),
            is_kept,
            "{record}: {}",
            run.log
        );
    }
}

/// Does what a scanner of BuildKit's does: a statement in the folder that it is given.
const SCANNER: &str = r#"#!/bin/sh
printf '{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"spdxVersion":"SPDX-2.3","name":"%s"}}' "$(uname -m)" > "$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json"
"#;

#[test]
#[ignore = "needs the lab"]
fn what_a_scanner_finds_is_a_file_for_each_platform() {
    let (lab, place) = (Lab::get(), Place::new());
    let mark = place.mark().to_lowercase();
    let scanner = format!("{}/tests/{mark}-scanner", lab.open_registry);
    place.write("workspace/scan", SCANNER);
    place.write(
        "workspace/Dockerfile.scan",
        "ARG BASE=scratch\nFROM ${BASE}\nCOPY --chmod=755 scan /scan\nENTRYPOINT [\"/scan\"]\n",
    );
    place.write(
        "workspace/Dockerfile",
        "ARG BASE=scratch\nFROM ${BASE}\nCOPY scan /\n",
    );
    let publish = |images: &str, platforms: &str| {
        lab.step(&place)
            .with("context", ".")
            .with("images", images)
            .with("build-args", format!("BASE={}", lab.open_base))
            .with("cache", "none")
            .with("platforms", platforms)
    };
    let of_scanner = publish(&scanner, "linux/amd64").with("file", "Dockerfile.scan");
    succeeded(&of_scanner.run().unwrap());
    let image = format!("{}/tests/{mark}", lab.open_registry);
    let run = publish(&image, "linux/amd64,linux/arm64")
        .with("sbom", format!("generator={scanner}:v0.2.0"))
        .run()
        .unwrap();
    assert!(run.succeeded(), "{}", run.log);
    let files: Vec<&str> = run.outputs["sbom-files"].lines().collect();
    assert_eq!(files.len(), 2, "{}", run.log);
    for (file, platform) in files.iter().zip(["amd64", "arm64"]) {
        assert!(
            file.ends_with(&format!("/linux-{platform}.spdx.json")),
            "{file}"
        );
    }
    let none = publish(&image, "linux/amd64").run().unwrap();
    assert_eq!(
        none.outputs.get("sbom-files").map_or("", String::as_str),
        ""
    );
}
