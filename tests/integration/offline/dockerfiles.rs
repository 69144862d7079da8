//! What `stevedore advise` says of Dockerfiles of the kind that projects have.

use std::fs;

use crate::support::{Place, read, root, run};

/// Those about which there is nothing to say.
const GOOD: [&str; 6] = [
    "go-good",
    "heredoc",
    "node-good",
    "python-good",
    "rust-good",
    "several-targets",
];

#[test]
fn advice_is_true_and_there_is_none_for_what_is_good() {
    let folder = root().join("tests/dockerfiles");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 12, "{names:?}");
    let place = Place::new();
    let mut all = String::new();
    for name in &names {
        let mut command = place.stevedore(["advise"]);
        let printed = run(command.current_dir(folder.join(name)));
        assert!(printed.success, "{name}: {}", printed.err);
        let is_good = GOOD.contains(&name.as_str());
        assert_eq!(printed.out.is_empty(), is_good, "{name}: {}", printed.out);
        if !is_good {
            all += &format!("=== {name}\n{}", printed.out);
        }
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_report_that_is_none_is_refused() {
    let place = Place::new();
    place.write("workspace/report.json", "{\"schema\": 1}");
    let mut command = place.stevedore(["advise", "--report", "report.json"]);
    let printed = run(command.current_dir(place.path("workspace")));
    assert_eq!(printed.code, Some(1));
    assert!(
        printed.err.contains("report.json is not a report"),
        "{}",
        printed.err
    );
}

#[test]
fn every_rule_is_described() {
    let docs = read("docs/report.md");
    for entry in fs::read_dir(root().join("src/advice/rules")).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let rules = text.split("rule: \"").skip(1);
        for rule in rules.map(|rest| rest.split('"').next().unwrap()) {
            assert!(docs.contains(&format!("| `{rule}` |")), "{rule}");
        }
    }
}

#[test]
fn what_weighs_in_a_context_is_named() {
    let place = Place::new();
    place.write("workspace/node_modules/a", "");
    let heavy = fs::File::create(place.path("workspace/node_modules/a")).unwrap();
    heavy.set_len(60_000_000).unwrap();
    let advise = || {
        let mut command = place.stevedore(["advise"]);
        run(command.current_dir(place.path("workspace"))).out
    };
    let told = advise();
    assert!(told.contains("`node_modules` with 60.0 MB"), "{told}");
    assert!(
        told.contains("In .dockerignore:\n    node_modules\n"),
        "{told}"
    );
    place.write("workspace/.dockerignore", "node_modules\n");
    assert_eq!(advise(), "");
}
