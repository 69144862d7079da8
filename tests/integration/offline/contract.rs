//! What the project promises about itself: documents that match, modules that
//! keep their order, files that stay small.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use serde_json::{Map, Value};
use stevedore::testing::rows;
use stevedore::testing::{ActionKind, Group};
use stevedore::testing::{Counterpart, REPLACED_ACTIONS};

use crate::support::{read, root, run};

fn section_of(action: &str, name: &str) -> Map<String, Value> {
    let action: Value = serde_yaml::from_str(&read(action)).unwrap();
    action[name].as_object().unwrap().clone()
}

fn section(name: &str) -> Map<String, Value> {
    section_of("action.yml", name)
}

#[test]
fn the_inputs_of_action_yml_are_those_the_program_reads() {
    for (action, part) in [
        ("action.yml", ActionKind::Publish),
        ("metadata/action.yml", ActionKind::Metadata),
        ("plan/action.yml", ActionKind::Plan),
        ("merge/action.yml", ActionKind::Merge),
    ] {
        let declared: Vec<(String, String)> = section_of(action, "inputs")
            .iter()
            .map(|(name, input)| (name.clone(), input["default"].as_str().unwrap().to_owned()))
            .collect();
        let read: Vec<(String, String)> = part
            .specs()
            .iter()
            .map(|spec| match spec.name {
                // Only the runner knows it.
                "github-token" => (spec.name.to_owned(), "${{ github.token }}".to_owned()),
                "job-id" => (spec.name.to_owned(), "${{ job.check_run_id }}".to_owned()),
                _ => (spec.name.to_owned(), spec.default.to_owned()),
            })
            .collect();
        assert_eq!(declared, read, "{action}");
    }
}

/// What several parts have in common is described in the same words.
#[test]
fn the_descriptions_of_all_parts_agree() {
    let shown = section("inputs");
    for (action, section_name) in [
        ("plan/action.yml", "inputs"),
        ("merge/action.yml", "inputs"),
        ("plan/action.yml", "outputs"),
        ("merge/action.yml", "outputs"),
    ] {
        let own = match section_name {
            "inputs" => shown.clone(),
            _ => section("outputs"),
        };
        for (name, field) in section_of(action, section_name) {
            let is_other = name == "plan";
            if let Some(known) = own.get(&name).filter(|_| !is_other) {
                assert_eq!(*known, field, "{action}: {name}");
            }
        }
    }
}

/// The inputs, a table for each group.
fn inputs() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let is_in_it = |name: &str| {
            let spec = ActionKind::Publish.find(name);
            spec.is_some_and(|spec| spec.group == group)
        };
        let table = table("Input", &["Description", "Default"], is_in_it);
        let _ = writeln!(text, "### {}\n\n{table}", group.title());
    }
    text
}

fn table(name: &str, columns: &[&str], is_shown: impl Fn(&str) -> bool) -> String {
    let mut text = format!("| {} | {} |\n", name, columns.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(columns.len() + 1));
    for (entry, fields) in section(&format!("{}s", name.to_lowercase())) {
        if !is_shown(&entry) {
            continue;
        }
        let _ = write!(text, "| `{entry}` |");
        for column in columns {
            let value = fields[column.to_lowercase()].as_str().unwrap_or_default();
            let cell = match (*column, value) {
                (_, "") => String::new(),
                ("Default", value) => format!("`{value}`"),
                (_, value) => value.replace('|', "\\|"),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

/// Compares a table between two comments of a document with what it is made
/// from. STEVEDORE_UPDATE=1 writes it.
fn check_table(document: &str, begin: &str, table: &str) {
    let mut text = read(document);
    let start = text.find(begin).expect("a marker") + begin.len();
    let length = text[start..].find("<!-- end -->").expect("an end marker");
    if std::env::var_os("STEVEDORE_UPDATE").is_some() {
        text.replace_range(start..start + length, table);
        fs::write(root().join(document), &text).unwrap();
    } else {
        assert_eq!(
            &text[start..start + length],
            table,
            "STEVEDORE_UPDATE=1 mends it"
        );
    }
}

#[test]
fn the_tables_in_readme_are_those_of_action_yml() {
    let outputs = table("Output", &["Description"], |_| true);
    for (name, table) in [("inputs", inputs()), ("outputs", outputs)] {
        let begin = format!("<!-- {name}: made from action.yml -->\n");
        check_table("README.md", &begin, &table);
    }
}

/// A text of the table with the values of an example.
fn sample(text: &str, place: &str) -> String {
    let registry = match place {
        "ghcr.io" => place,
        "Docker Hub" => "docker.io",
        _ if place.contains("Amazon") => "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        _ => "registry.example.com",
    };
    let image = format!("{registry}/acme/app");
    let mut text = text.to_owned();
    for (hole, value) in [
        ("git-host", "github.com"),
        ("given", "`ghcr.io/app`"),
        ("image", image.as_str()),
        ("image-owner", "acme"),
        ("linked", "acme/other"),
        ("name", "app"),
        (
            "org-package-policy",
            "https://github.com/organizations/acme/settings/packages",
        ),
        (
            "package-settings",
            "https://github.com/orgs/acme/packages/container/app/settings",
        ),
        ("path", "/out/app"),
        ("platform", "linux/arm64"),
        ("registry", registry),
        ("repository", "acme/app"),
        ("right", "Write"),
        ("scope", "write"),
        ("status", "418"),
        ("subject", "busybox:1.38"),
        ("suggestion", "`ghcr.io/acme/app`"),
        ("tokens", "https://github.com/settings/tokens"),
        (
            "workflow-permissions",
            "https://github.com/acme/app/settings/actions",
        ),
    ] {
        text = text.replace(&format!("{{{hole}}}"), value);
    }
    assert!(!text.contains('{'), "a value is missing for {text}");
    text
}

/// docs/diagnosis.md is the program's own table. STEVEDORE_UPDATE=1 writes it.
#[test]
fn the_table_of_diagnosis_md_is_the_program_s() {
    let mut document = String::from(
        "# Diagnosis\n\nWhat refusals and failed builds mean, and the one thing to do. \
         The first row that fits is shown. The values here are those of \
         an example: the image ghcr.io/acme/app of the repository acme/app. Letters count in any case; `…` stands for anything.\n\n\
         | Where | Signal | Meaning | What to do |\n| --- | --- | --- | --- |\n",
    );
    for row in rows() {
        let place = row.place.to_string();
        let cells = [
            place.clone(),
            row.signal(),
            sample(row.meaning, &place),
            match row.link {
                "" => sample(row.fix, &place),
                link => format!("{}: {}", sample(row.fix, &place), sample(link, &place)),
            },
        ];
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(document, "| {} |", cells.join(" | "));
    }
    let path = root().join("docs/diagnosis.md");
    if std::env::var_os("STEVEDORE_UPDATE").is_some() {
        fs::write(&path, &document).unwrap();
    }
    assert_eq!(
        read("docs/diagnosis.md"),
        document,
        "STEVEDORE_UPDATE=1 mends it"
    );
}

#[test]
fn the_tables_of_moved_inputs_are_those_of_the_program() {
    let mut text = String::new();
    for former in REPLACED_ACTIONS {
        let _ = writeln!(text, "## {}\n", former.action);
        let _ = writeln!(text, "| Input | Here | |\n| --- | --- | --- |");
        for moved in former.inputs {
            let here = match moved.counterpart {
                Counterpart::Kept => "kept".to_owned(),
                Counterpart::Renamed(to) => format!("`{to}`"),
                Counterpart::Refused => "none".to_owned(),
            };
            let _ = writeln!(text, "| `{}` | {here} | {} |", moved.name, moved.advice);
        }
        text.push('\n');
    }
    let begin = "<!-- moved: made from src/input/migration.rs -->\n";
    check_table("docs/moving.md", begin, &text);
}

/// The Markdown files under Git.
fn documents() -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--", "*.md"]);
    let listed = run(git.current_dir(root()));
    assert!(listed.success, "{}", listed.err);
    let names = listed.out.split_terminator('\0');
    names.map(str::to_owned).collect()
}

/// The names of all tests.
fn test_names() -> Vec<String> {
    let mut git = Command::new("git");
    let listed = run(git.args(["ls-files", "-z", "*.rs"]).current_dir(root()));
    assert!(listed.success, "{}", listed.err);
    let mut names = Vec::new();
    for file in listed.out.split_terminator('\0') {
        let text = read(file);
        for part in text
            .split("#[test")
            .chain(text.split("#[tokio::test"))
            .skip(1)
        {
            let name = part
                .split_once("fn ")
                .and_then(|(_, rest)| rest.split_once('('));
            names.extend(name.map(|(name, _)| name.to_owned()));
        }
    }
    names
}

#[test]
fn every_promise_of_security_md_is_held_by_tests_that_exist() {
    let names = test_names();
    let text = read("SECURITY.md");
    let mut promises = 0;
    for row in text.lines().filter(|line| line.starts_with("| ")) {
        let (_, tests) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        if ["Held by", "---"].contains(&tests) {
            continue;
        }
        promises += 1;
        for test in tests.split(", ") {
            let name = test.trim_matches('`').to_owned();
            assert!(names.contains(&name), "{name} is not a test: {row}");
        }
    }
    assert!(promises > 10, "{promises}");
}

#[test]
fn every_link_to_a_file_of_the_project_leads_somewhere() {
    let mut broken = Vec::new();
    let documents = documents();
    assert!(documents.contains(&"README.md".to_owned()));
    for document in documents {
        let path = root().join(&document);
        let folder = path.parent().unwrap();
        for part in read(&document).split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                broken.push(format!("{document}: {target}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// Its format is prettier's, which `make check` has; here is what needs no tool.
#[test]
fn the_launcher_needs_nothing_but_node_and_no_wide_window() {
    let text = read("launcher.cjs");
    let long = text.lines().filter(|line| line.chars().count() > 100);
    assert_eq!(long.collect::<Vec<_>>(), Vec::<&str>::new());
    let modules: Vec<&str> = text.split("require('").skip(1).collect();
    assert!(!modules.is_empty() && modules.iter().all(|name| name.starts_with("node:")));
}

/// A release is not what tests run: they are built with another profile.
#[test]
fn a_release_unwinds_so_that_a_panic_is_cleaned_up_after() {
    let profile = read("Cargo.toml");
    let profile = profile.split("[profile.release]").nth(1).unwrap();
    let profile = profile.split("\n[").next().unwrap();
    assert!(profile.contains("\npanic = \"unwind\"\n"), "{profile}");
}

/// The group of a run for a push: an expression that holds for pull requests
/// only is taken out, and the rest is what all pushes share.
fn group_of_pushes(group: &str) -> String {
    group.replace("github.event_name == 'pull_request' && github.ref ||", "")
}

#[test]
fn every_example_asks_for_the_least_and_lets_runs_wait() {
    for entry in fs::read_dir(root().join("examples/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let shown = path.display();
        let text = fs::read_to_string(&path).unwrap();
        let workflow: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(
            workflow["permissions"],
            Value::Object(Map::new()),
            "{shown}"
        );
        let concurrency = &workflow["concurrency"];
        let group = concurrency["group"].as_str().expect("a group");
        // Two version tags fall into the same group, and no run is lost there.
        if workflow["on"].get("push").is_some() {
            let group = group_of_pushes(group);
            assert!(!group.contains("github."), "{shown}: {group}");
            assert_eq!(concurrency["queue"], "max", "{shown}");
            assert!(concurrency.get("cancel-in-progress").is_none(), "{shown}");
        }
        for job in workflow["jobs"].as_object().unwrap().values() {
            assert!(job["permissions"].is_object(), "{shown}");
        }
    }
}
