//! What the project promises about itself: documents that match, rooms that
//! keep their order, files that stay small.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use stevedore::input::spec::Part;

use crate::support::{read, root};

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
        ("action.yml", Part::Publish),
        ("metadata/action.yml", Part::Metadata),
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
                _ => (spec.name.to_owned(), spec.default.to_owned()),
            })
            .collect();
        assert_eq!(declared, read, "{action}");
    }
}

fn table(name: &str, columns: &[&str]) -> String {
    let mut text = format!("| {} | {} |\n", name, columns.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(columns.len() + 1));
    for (entry, fields) in section(&format!("{}s", name.to_lowercase())) {
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

/// The tables in README are made from action.yml. STEVEDORE_UPDATE=1 writes them.
#[test]
fn the_tables_in_readme_are_those_of_action_yml() {
    let mut readme = read("README.md");
    for (name, columns) in [
        ("Input", vec!["Description", "Default"]),
        ("Output", vec!["Description"]),
    ] {
        let begin = format!("<!-- {}s: made from action.yml -->\n", name.to_lowercase());
        let start = readme.find(&begin).expect("a marker") + begin.len();
        let length = readme[start..].find("<!-- end -->").expect("an end marker");
        let table = table(name, &columns);
        if std::env::var_os("STEVEDORE_UPDATE").is_some() {
            readme.replace_range(start..start + length, &table);
            fs::write(root().join("README.md"), &readme).unwrap();
        } else {
            assert_eq!(
                &readme[start..start + length],
                table,
                "STEVEDORE_UPDATE=1 mends it"
            );
        }
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The rooms from left to right. CONTRIBUTING.md has the same list.
const ROOMS: [&str; 19] = [
    "vars", "secret", "error", "image", "host", "http", "input", "event", "metadata", "workflow",
    "registry", "facts", "plan", "execute", "report", "cli", "run", "naming", "publish",
];

#[test]
fn a_room_uses_only_rooms_to_its_left() {
    let place = |room: &str| ROOMS.iter().position(|other| *other == room);
    let mut wrong = Vec::new();
    for file in sources(&root().join("src")) {
        let relative = file.strip_prefix(root().join("src")).unwrap();
        let first = relative
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_string_lossy();
        let Some(room) = place(first.trim_end_matches(".rs")) else {
            continue;
        };
        let text = fs::read_to_string(&file).unwrap();
        for part in text.split("crate::").skip(1) {
            let braced = part
                .strip_prefix('{')
                .map(|inner| inner.split('}').next().unwrap());
            let used: Vec<&str> = match braced {
                Some(list) => list.split(',').map(str::trim).collect(),
                None => vec![part],
            };
            for name in used {
                let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
                let name = &name[..end.unwrap_or(name.len())];
                if place(name).is_some_and(|used| used > room) {
                    wrong.push(format!("{} uses {name}", relative.display()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn contributing_names_every_room() {
    let text = read("CONTRIBUTING.md");
    let known: BTreeMap<&str, usize> = ROOMS.iter().map(|room| (*room, 1)).collect();
    for room in known.keys() {
        assert!(text.contains(&format!("`{room}`")), "{room}");
    }
}

#[test]
fn every_link_to_a_file_of_the_project_leads_somewhere() {
    let mut broken = Vec::new();
    for document in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "lab/README.md",
        "examples/hit-counter/README.md",
    ] {
        let folder = root().join(document);
        let folder = folder.parent().unwrap();
        for part in read(document).split("](").skip(1) {
            let target = part.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                broken.push(format!("{document}: {target}"));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn the_launcher_stays_under_sixty_lines() {
    assert!(read("launcher.cjs").lines().count() < 60);
}

#[test]
fn every_example_asks_for_the_least_and_lets_runs_wait() {
    for entry in fs::read_dir(root().join("examples/workflows")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let workflow: Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(
            workflow["permissions"],
            Value::Object(Map::new()),
            "{}",
            path.display()
        );
        assert!(
            workflow["concurrency"]["group"].is_string(),
            "{}",
            path.display()
        );
        for job in workflow["jobs"].as_object().unwrap().values() {
            assert!(job["permissions"].is_object(), "{}", path.display());
        }
    }
}
