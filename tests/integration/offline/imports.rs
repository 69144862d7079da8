//! Who may import whom: the top-level modules, the folders inside them, and files
//! beside each other. CONTRIBUTING.md has the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module, and what is in it, from bottom to top. Each imports only what stands
/// before it.
type Order = (&'static str, &'static [&'static str]);

/// Every module that others import, and the folders and files in some of them.
const ORDER: &[Order] = &[
    (
        "crate",
        &[
            "env_vars",
            "secret",
            "error",
            "document",
            "units",
            "image",
            "host",
            "http",
            "input",
            "event",
            "metadata",
            "workflow",
            "registry",
            "facts",
            "plan",
            "diagnosis",
            "advice",
            "execute",
            "report",
            "cli",
            "commands",
        ],
    ),
    (
        "crate::execute",
        &[
            "error",
            "verified",
            "workdir",
            "engine",
            "cleanup_record",
            "early_checks",
            "scope",
            "progress",
            "buildx",
            "pushes",
            "outcome",
            "builder",
            "access",
            "publish",
            "cleanup",
            "execution",
        ],
    ),
    (
        "crate::commands",
        &[
            "session",
            "results",
            "carry_out",
            "advise",
            "metadata",
            "matrix",
            "publish",
        ],
    ),
    (
        "crate::input",
        &[
            "spec",
            "migration",
            "grammar",
            "raw",
            "choices",
            "reader",
            "address",
            "registry_auth",
            "metadata",
            "build",
            "builder",
            "cache_entry",
            "matrix",
            "size_limit",
            "inputs",
            "planned",
            "attributes",
            "logins",
            "secret_values",
            "parse",
        ],
    ),
    (
        "crate::registry",
        &[
            "manifest",
            "challenge",
            "origin",
            "refusal",
            "transport_error",
            "request",
            "realm",
            "credentials",
            "token",
            "auth",
            "connection",
            "client",
            "check",
            "names",
            "copy",
            "index",
            "standing",
        ],
    ),
    (
        "crate::plan",
        &[
            "findings",
            "lists",
            "run_files",
            "shell",
            "variable",
            "dockerfile",
            "image",
            "cache",
            "builder",
            "draft",
            "emulation",
            "access",
            "command",
            "build",
            "compose",
            "matrix",
            "render",
        ],
    ),
];

/// A source file without its tests.
struct Source {
    /// The module that it is, such as `crate::plan::cache::scope`.
    module: String,
    /// True for a `mod.rs`, which shows what is in its folder.
    is_face: bool,
    /// The modules and items that it names, from `crate` on.
    names: BTreeSet<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The module of a file, such as `plan/cache/scope.rs`.
fn module_of(file: &Path) -> String {
    let mut module = String::from("crate");
    for part in file.with_extension("").iter() {
        let part = part.to_string_lossy();
        if part != "mod" {
            module += &format!("::{part}");
        }
    }
    module
}

/// The source up to its tests, without comments.
fn without_tests(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

fn sources() -> Vec<Source> {
    let root = root();
    let mut sources = Vec::new();
    for file in files(&root) {
        let relative = file.strip_prefix(&root).unwrap();
        let name = relative.file_name().unwrap().to_string_lossy().into_owned();
        let module = module_of(relative);
        let is_for_tests = ["tests", "testing", "fuzzing", "stub"]
            .iter()
            .any(|part| module.split("::").any(|own| own == *part));
        if is_for_tests || matches!(name.as_str(), "lib.rs" | "main.rs") {
            continue;
        }
        let text = without_tests(&fs::read_to_string(&file).unwrap());
        sources.push(Source {
            names: names(&text, &module),
            is_face: name == "mod.rs",
            module,
        });
    }
    assert!(sources.len() > 100, "the sources are read");
    sources
}

/// Every path of a source that begins with `crate`, `super` or `self`, from `crate`
/// on, with the lists of its imports taken apart.
fn names(text: &str, module: &str) -> BTreeSet<String> {
    let parent = module
        .rsplit_once("::")
        .map_or("crate", |(parent, _)| parent);
    let mut found = BTreeSet::new();
    for (keyword, base) in [("crate", "crate"), ("super", parent), ("self", module)] {
        for (at, _) in text.match_indices(&format!("{keyword}::")) {
            let is_whole =
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if is_whole {
                let mut rest = &text[at + keyword.len() + 2..];
                take_tree(&mut rest, base, &mut found);
            }
        }
    }
    found
}

/// Takes `a::b`, `a::{b, c::d}` or `*` off the text.
fn take_tree(rest: &mut &str, base: &str, found: &mut BTreeSet<String>) {
    if let Some(list) = rest.strip_prefix('{') {
        *rest = list.trim_start();
        while !rest.is_empty() && !rest.starts_with('}') {
            take_tree(rest, base, found);
            // An alias, white space and the comma.
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            *rest = rest[end..].trim_start_matches(',').trim_start();
        }
        *rest = rest.strip_prefix('}').unwrap_or_default();
        return;
    }
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let path = match name {
        "self" | "" => base.to_owned(),
        "super" => base
            .rsplit_once("::")
            .map_or(base, |(parent, _)| parent)
            .to_owned(),
        name => format!("{base}::{name}"),
    };
    *rest = after;
    match after.strip_prefix("::") {
        Some(after) if !name.is_empty() => {
            *rest = after;
            take_tree(rest, &path, found);
        }
        _ => drop(found.insert(path)),
    }
}

#[test]
fn lists_of_imports_are_taken_apart() {
    let text = "use crate::a::{b, c::{self, D as E}};\nuse super::{f::*, g};\nlet x = self::h();";
    let found = names(text, "crate::m::n");
    let expected = [
        "crate::a::b",
        "crate::a::c",
        "crate::a::c::D",
        "crate::m::f",
        "crate::m::g",
        "crate::m::n::h",
    ];
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

/// The place of what stands behind a prefix, such as `cache` of `crate::plan::cache::x`.
fn place(name: &str, (parent, children): &Order) -> Option<usize> {
    let rest = name.strip_prefix(parent)?.strip_prefix("::")?;
    let child = rest.split("::").next()?;
    children.iter().position(|other| *other == child)
}

#[test]
fn imports_run_downwards() {
    let mut wrong = Vec::new();
    for source in sources() {
        for order in ORDER {
            let Some(own) = place(&source.module, order) else {
                continue;
            };
            let upwards = source
                .names
                .iter()
                .filter(|name| place(name, order) > Some(own));
            wrong.extend(upwards.map(|name| format!("{} imports {name}", source.module)));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_folder_and_file_has_its_place() {
    for (parent, children) in ORDER {
        let mut folder = root();
        folder.extend(parent.split("::").skip(1));
        let found: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                entry
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .replace(".rs", "")
            })
            .filter(|name| {
                !["lib", "main", "mod", "fuzzing", "stub", "testing", "tests"]
                    .contains(&name.as_str())
            })
            .collect();
        let listed: BTreeSet<String> = children.iter().map(|child| (*child).to_owned()).collect();
        assert_eq!(found, listed, "{parent}");
    }
}

#[test]
fn what_everything_rests_on_rests_on_nothing() {
    for source in sources() {
        let area = source.module.split("::").nth(1).unwrap_or_default();
        if ["env_vars", "secret", "image"].contains(&area) {
            let others = source
                .names
                .iter()
                .filter(|name| name.split("::").nth(1) != Some(area));
            assert_eq!(
                others.collect::<Vec<_>>(),
                Vec::<&String>::new(),
                "{}",
                source.module
            );
        }
    }
}

#[test]
fn contributing_names_every_module() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/CONTRIBUTING.md")).unwrap();
    for (_, children) in ORDER {
        for child in *children {
            assert!(text.contains(&format!("`{child}`")), "{child}");
        }
    }
}

/// The file that a name is in.
fn file_of<'a>(name: &str, modules: &BTreeSet<&'a str>) -> Option<&'a str> {
    let mut name = name;
    loop {
        if let Some(module) = modules.get(name) {
            return Some(module);
        }
        name = name.rsplit_once("::")?.0;
    }
}

#[test]
fn no_files_import_each_other() {
    let sources = sources();
    let modules: BTreeSet<&str> = sources
        .iter()
        .map(|source| source.module.as_str())
        .collect();
    let faces: BTreeSet<&str> = sources
        .iter()
        .filter(|source| source.is_face)
        .map(|source| source.module.as_str())
        .collect();
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_face) {
        let used = source
            .names
            .iter()
            .filter_map(|name| file_of(name, &modules));
        let used = used.filter(|file| *file != source.module && !faces.contains(file));
        uses.insert(&source.module, used.collect());
    }
    let reached = |from: &str| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = uses.get(from).into_iter().flatten().copied().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next) {
                open.extend(uses.get(next).into_iter().flatten());
            }
        }
        seen
    };
    let in_circles: Vec<&str> = uses
        .keys()
        .copied()
        .filter(|module| reached(module).contains(module))
        .collect();
    assert_eq!(in_circles, Vec::<&str>::new());
}

/// A leaf that imports from its own face imports all its siblings with it.
#[test]
fn no_file_imports_from_the_face_above_it() {
    let sources = sources();
    let modules: BTreeSet<&str> = sources
        .iter()
        .map(|source| source.module.as_str())
        .collect();
    let mut wrong = Vec::new();
    for source in sources.iter().filter(|source| !source.is_face) {
        let above = |file: &str| source.module.starts_with(&format!("{file}::"));
        let through = source.names.iter().filter(|name| {
            file_of(name, &modules).is_some_and(|file| above(file) && name.as_str() != file)
        });
        wrong.extend(through.map(|name| format!("{} imports {name}", source.module)));
    }
    assert_eq!(wrong, Vec::<String>::new());
}
