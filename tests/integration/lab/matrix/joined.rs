//! What the jobs of a matrix make is what one job would have made.

use serde_json::{Value, json};

use super::{Matrix, green, inspect, job};
use crate::support::classic_engine::classic;
use crate::support::{Lab, run};

#[test]
#[ignore = "needs the lab"]
fn what_two_machines_build_is_one_image_as_if_one_had() {
    let lab = Lab::get();
    let image = format!("{}/tests/MARK", lab.open_registry);
    let matrix = Matrix::plan(&lab, &image, "1.2.3");
    let planned = matrix.first_job().run().unwrap();
    assert_eq!(planned.outputs["merge"], "true");
    let jobs: Value = serde_json::from_str(&planned.outputs["matrix"]).unwrap();
    let expected = json!({"include": [
        {"leg": 0, "name": "linux/amd64", "runner": "first"},
        {"leg": 1, "name": "linux/arm64", "runner": "second"},
    ]});
    assert_eq!(jobs, expected);
    // The clock of a leg is the plan's.
    let legs = matrix.build(|step| step.env("STEVEDORE_NOW", "2027-02-03T04:05:06Z"));
    legs.iter().for_each(green);
    let image = &matrix.images;
    for leg in &legs {
        let digest = &leg.outputs["digest"];
        assert_eq!(leg.outputs["published"], format!("{image}@{digest}"));
    }
    let place = &matrix.place;
    let merged = matrix.merge(&job(), &super::results(&legs)).run().unwrap();
    green(&merged);
    assert_eq!(merged.outputs["tags"], planned.outputs["tags"]);
    assert_eq!(merged.outputs["platforms"], "linux/amd64,linux/arm64");
    assert_eq!(merged.outputs["published"], merged.outputs["tags"]);
    for tag in merged.outputs["tags"].lines() {
        let digest = matrix.digest(tag);
        assert_eq!(
            digest.as_deref(),
            Some(merged.outputs["digest"].as_str()),
            "{tag}"
        );
    }
    let whole = format!("{image}-whole");
    let alone = matrix
        .of_all(lab.step(&job()))
        .with("images", &whole)
        .env("DOCKER_HOST", classic())
        .with("driver", "docker-container")
        .run()
        .unwrap();
    green(&alone);
    for name in ["version", "tag-names", "labels", "annotations"] {
        assert_eq!(merged.outputs[name], alone.outputs[name], "{name}");
    }
    let [ours, theirs] =
        [image, &whole].map(|image| inspect(place, &format!("{image}:1.2.3"), "Manifest"));
    assert_eq!(ours["annotations"], theirs["annotations"]);
    assert_eq!(entries(&ours), entries(&theirs));
    let labels = |image: &str| {
        let all = inspect(place, &format!("{image}:1"), "Image");
        ["linux/amd64", "linux/arm64"].map(|one| all[one]["config"]["Labels"].clone())
    };
    assert_eq!(labels(image), labels(&whole));
    let reference = format!("{image}@{}", merged.outputs["digest"]);
    for (platform, machine) in [("linux/amd64", "x86_64"), ("linux/arm64", "aarch64")] {
        let mut docker = std::process::Command::new("docker");
        docker.args(["run", "--rm", "--pull", "always", "--quiet"]);
        docker.args([
            "--platform",
            platform,
            &reference,
            "cat",
            "/machine",
            "/mark",
        ]);
        let printed = run(&mut docker);
        assert!(printed.success, "{}", printed.err);
        assert_eq!(printed.out, format!("{machine}\n1.2.3\n"));
    }
}

/// What an index lists: platforms, and which of them are attestations.
fn entries(index: &Value) -> Vec<(String, Value)> {
    let all = index["manifests"].as_array().unwrap().iter();
    all.map(|one| {
        let kind = one["annotations"]["vnd.docker.reference.type"].clone();
        (one["platform"].to_string(), kind)
    })
    .collect()
}

#[test]
#[ignore = "needs the lab"]
fn targets_of_a_bake_file_are_joined_each_by_itself() {
    let lab = Lab::get();
    let place = job();
    let mark = place.mark().to_lowercase();
    let target = |name: &str, platforms: &str| {
        format!(
            "target \"{name}\" {{\n  tags = [\"{}/tests/{mark}-{name}\"]\n  platforms = \
             [{platforms}]\n  args = {{ BASE = \"{}\", MARK = \"{name}\" }}\n}}\n",
            lab.open_registry, lab.open_base
        )
    };
    let both = "\"linux/amd64\", \"linux/arm64\"";
    let file = target("api", both) + &target("web", "\"linux/amd64\"");
    let of_all = |step: lab_runner::Step| {
        step.git_ref("refs/tags/v1.2.3")
            .with("bake-files", "docker-bake.hcl")
            .with("targets", "api, web")
            .with("tags", super::TAGS)
            .with("cache", "none")
    };
    let write = |place: &crate::support::Place| place.write("workspace/docker-bake.hcl", &file);
    write(&place);
    let planned = of_all(lab.step_of(&place, "plan"))
        .with("runners", super::RUNNERS)
        .run()
        .unwrap();
    green(&planned);
    let jobs: Value = serde_json::from_str(&planned.outputs["matrix"]).unwrap();
    let names: Vec<&str> = jobs["include"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["api, linux/amd64", "api, linux/arm64", "web, linux/amd64"]
    );
    let legs = [0, 1, 2].map(|index: usize| {
        let place = job();
        write(&place);
        let leg = of_all(lab.step(&place))
            .env("DOCKER_HOST", classic())
            .with("plan", &planned.outputs["plan"])
            .with("leg", index.to_string());
        let run = leg.run().unwrap();
        green(&run);
        run
    });
    let merged = lab
        .step_of(&place, "merge")
        .git_ref("refs/tags/v1.2.3")
        .with("plan", &planned.outputs["plan"])
        .with("results", super::results(&legs).to_string())
        .run()
        .unwrap();
    green(&merged);
    let targets: Value = serde_json::from_str(&merged.outputs["targets"]).unwrap();
    for (target, platforms) in [
        ("api", json!(["linux/amd64", "linux/arm64"])),
        ("web", json!(["linux/amd64"])),
    ] {
        assert_eq!(targets[target]["outcome"], "success");
        assert_eq!(targets[target]["platforms"], platforms, "{target}");
        let image = format!("{}/tests/{mark}-{target}:1.2.3", lab.open_registry);
        let found = inspect(&place, &image, "Manifest");
        assert_eq!(found["digest"], targets[target]["digest"]);
    }
}

#[test]
#[ignore = "needs the lab"]
fn a_version_that_is_there_is_finished_by_one_job_without_a_build() {
    let lab = Lab::get();
    let image = format!("{}/tests/MARK", lab.open_registry);
    let once = |step: lab_runner::Step| step.with("version-tags", "once");
    let matrix = Matrix::plan_with(&lab, &image, "1.2.3", once);
    // A run that named the version and died.
    let named = "type=semver,pattern={{version}}";
    let died = |step: lab_runner::Step| {
        once(step)
            .with("tags", named)
            .with("flavor", "latest=false")
    };
    let begun = matrix.next_with("1.2.3", died);
    let merged = begun.merge(&job(), &begun.results()).run().unwrap();
    green(&merged);
    assert_eq!(merged.outputs["published"], matrix.tag("1.2.3"));
    let again = matrix.next_with("1.2.3", once);
    let planned = once(again.first_job()).run().unwrap();
    green(&planned);
    assert!(
        planned.log.contains("one job finishes it"),
        "{}",
        planned.log
    );
    assert_eq!(planned.outputs["merge"], "false");
    let jobs: Value = serde_json::from_str(&planned.outputs["matrix"]).unwrap();
    let name = "linux/amd64, linux/arm64";
    assert_eq!(
        jobs,
        json!({"include": [{"leg": 0, "name": name, "runner": "first"}]})
    );
    let finished = once(again.amd64(&job())).run().unwrap();
    green(&finished);
    assert!(
        !finished.log.contains("load build definition"),
        "{}",
        finished.log
    );
    assert_eq!(finished.outputs["digest"], merged.outputs["digest"]);
    assert_eq!(finished.outputs["published"], finished.outputs["tags"]);
    for tag in ["1.2.3", "1", "latest"] {
        let digest = again.digest(&again.tag(tag));
        assert_eq!(digest.as_ref(), Some(&merged.outputs["digest"]), "{tag}");
    }
}
