//! Compose files among bake files: while buildx reads one, it also reads what that
//! includes, extends, and takes variables from, wherever it is.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

use crate::document::yaml;
use crate::error::InputProblem;
use crate::facts::bake::reach::Allowed;
use crate::host::{Host, file};

/// The keys by which files are named.
const INCLUDE: &str = "include";
const EXTENDS: &str = "extends";
const VARIABLES: [&str; 2] = ["env_file", "label_file"];
/// The file of variables that is read without being named.
const DEFAULT_VARIABLES: &str = ".env";
/// How many files may be included and extended.
const MOST: usize = 100;
/// How many paths one file may name.
const MOST_NAMED: usize = 1000;
const INPUT: &str = "bake-files";

/// Looks at everything that buildx will read beside the files themselves.
///
/// # Errors
/// When that is outside the workspace and not allowed, or cannot be told.
pub fn check(files: &[String], host: &Host, allowed: &Allowed) -> Result<(), InputProblem> {
    let mut look = ComposeReader {
        host,
        allowed,
        seen: Vec::new(),
    };
    for name in files {
        let name = name.strip_prefix("cwd://").unwrap_or(name);
        if let Some(entry) = allowed.left_by_link(name, host) {
            return Err(outside(
                name,
                "it is a link that leads out of the workspace",
                &entry,
            ));
        }
        let lower = name.to_ascii_lowercase();
        if ![".hcl", ".json"].iter().any(|end| lower.ends_with(end)) {
            look.path(name, host.directory(), DEFAULT_VARIABLES)?;
            look.seen.push(host.path(name));
        }
    }
    let mut next = 0;
    while let Some(path) = look.seen.get(next).cloned() {
        look.file(&path)?;
        next += 1;
    }
    Ok(())
}

/// What a compose file names.
#[derive(Default)]
pub struct ComposeFiles {
    /// Further compose files.
    files: Vec<String>,
    /// Anything else: files of variables, and folders that have one.
    others: Vec<String>,
}

struct ComposeReader<'a> {
    host: &'a Host,
    allowed: &'a Allowed,
    /// The compose files.
    seen: Vec<PathBuf>,
}

impl ComposeReader<'_> {
    fn file(&mut self, path: &Path) -> Result<(), InputProblem> {
        let shown = self.relative(path);
        let text = match file::read_text(path, file::SETTINGS) {
            Ok(text) => text,
            // buildx says so.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unknown(&shown, &error.to_string())),
        };
        let Some(named) = named_files(&text) else {
            return Err(unknown(&shown, "it is not YAML that can be read here"));
        };
        if named.files.len() + named.others.len() > MOST_NAMED {
            return Err(unknown(&shown, "it names too many files"));
        }
        let folder = path.parent().unwrap_or(Path::new("/"));
        // buildx starts from the one or the other.
        for base in [self.host.directory(), folder] {
            for name in &named.others {
                self.path(&shown, base, name)?;
                self.path(&shown, &base.join(name), DEFAULT_VARIABLES)?;
            }
            for name in &named.files {
                self.path(&shown, base, name)?;
                let other = base.join(name);
                let folder = other.parent().unwrap_or(base);
                self.path(&shown, folder, DEFAULT_VARIABLES)?;
                if self.seen.contains(&other) {
                    continue;
                }
                if self.seen.len() >= MOST {
                    return Err(unknown(&shown, "too many files are included"));
                }
                self.seen.push(other);
            }
        }
        Ok(())
    }

    /// Refuses a path that is not allowed.
    fn path(&self, shown: &str, base: &Path, name: &str) -> Result<(), InputProblem> {
        if name.contains('$') {
            return Err(unknown(
                shown,
                &format!("the path {name} has a variable in it"),
            ));
        }
        let path = base.join(name);
        match self
            .allowed
            .missing(&path.to_string_lossy(), false, self.host)
        {
            Some(entry) => {
                let why = format!("it reads {name}, which is outside of the workspace");
                Err(outside(shown, &why, &entry))
            }
            None => Ok(()),
        }
    }

    fn relative(&self, path: &Path) -> String {
        let shown = path.strip_prefix(self.host.directory()).unwrap_or(path);
        shown.display().to_string()
    }
}

fn outside(file: &str, why: &str, entry: &str) -> InputProblem {
    let accepted = format!("files in the workspace; or `allow: {entry}`");
    InputProblem::new(INPUT, file, why, accepted)
}

fn unknown(file: &str, why: &str) -> InputProblem {
    let why = format!("what it would have buildx read is not known: {why}");
    let accepted = "a compose file whose `include`, `extends` and `env_file` are plain paths in \
                    the workspace";
    InputProblem::new(INPUT, file, why, accepted)
}

/// What a compose file names; `None` where that cannot be told.
pub fn named_files(text: &str) -> Option<ComposeFiles> {
    let mut named = ComposeFiles::default();
    match yaml::read::<Value>(text) {
        Ok(value) => collect(&value, &mut named),
        Err(_) => {
            // What another reader might find in it.
            let keys = [INCLUDE, EXTENDS].into_iter().chain(VARIABLES);
            let mut signs = keys.chain(["\\"]);
            if signs.any(|sign| text.contains(sign)) {
                return None;
            }
        }
    }
    Some(named)
}

/// Collects from every place where such a key may stand.
fn collect(value: &Value, named: &mut ComposeFiles) {
    match value {
        Value::Sequence(list) => list.iter().for_each(|one| collect(one, named)),
        Value::Tagged(tagged) => collect(&tagged.value, named),
        Value::Mapping(map) => {
            for (key, value) in map {
                match key.as_str() {
                    Some(INCLUDE) => collect_included(value, named),
                    Some(EXTENDS) => {
                        let file = strip_tags(value).get("file");
                        file.into_iter()
                            .for_each(|file| texts(file, &mut named.files));
                    }
                    Some(key) if VARIABLES.contains(&key) => texts(value, &mut named.others),
                    _ => {}
                }
                collect(value, named);
            }
        }
        _ => {}
    }
}

/// `FILE`, or an object with `path`, `project_directory` and `env_file`; or a list.
fn collect_included(value: &Value, named: &mut ComposeFiles) {
    match strip_tags(value) {
        Value::Sequence(list) => list.iter().for_each(|one| collect_included(one, named)),
        Value::Mapping(map) => {
            for (key, value) in map {
                match key.as_str() {
                    Some("path") => texts(value, &mut named.files),
                    _ => texts(value, &mut named.others),
                }
            }
        }
        other => texts(other, &mut named.files),
    }
}

/// Every text in a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match strip_tags(value) {
        Value::String(text) => found.push(text.clone()),
        Value::Sequence(list) => list.iter().for_each(|one| texts(one, found)),
        Value::Mapping(map) => map.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}

fn strip_tags(value: &Value) -> &Value {
    match value {
        Value::Tagged(tagged) => strip_tags(&tagged.value),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn checked(
        files: &[(&str, &str)],
        links: &[(&str, &str)],
        allow: &[&str],
    ) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        fs::create_dir_all(workspace.join("sub")).unwrap();
        fs::create_dir_all(folder.path().join("outside")).unwrap();
        for (name, text) in files {
            fs::write(workspace.join(name), text).unwrap();
        }
        for (target, name) in links {
            symlink(target, workspace.join(name)).unwrap();
        }
        let host = Host::with(&[], &workspace, jiff::Timestamp::UNIX_EPOCH);
        let allow: Vec<String> = allow.iter().map(|one| (*one).to_owned()).collect();
        let allowed = Allowed::of(&allow, &host);
        let names = [files[0].0.to_owned()];
        check(&names, &host, &allowed).map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_buildx_would_read_outside_of_the_workspace_is_refused() {
        for text in [
            "services: {a: {env_file: ../outside/x}}",
            "services: {a: {env_file: [a.env, {path: /proc/1/environ, required: false}]}}",
            "services: {a: {extends: {file: ../outside/x.yaml, service: b}}}",
            "include: [../outside/x.yaml]",
            "include: [{path: [sub/x.yaml], env_file: ../outside/x}]",
            "include: [{path: sub/x.yaml, project_directory: ../outside}]",
            "x-a: &a {env_file: !override [/etc/x]}\nservices: {a: *a}",
            "services: {a: {\"env\\u005ffile\": /etc/x}}",
            "services: {a: {env_file: \"${HOME}/x\"}}",
            "services: {}\n---\nservices: {a: {env_file: /etc/x}}",
            "services: {a: {env_file: sub/../../outside/x}}",
        ] {
            let problem = checked(&[("a.yaml", text)], &[], &[]).unwrap_err();
            assert!(problem.starts_with("bake-files: \"a.yaml\""), "{problem}");
        }
        let nested = [
            ("a.yml", "include: [sub/b.yaml]"),
            ("sub/b.yaml", "services: {a: {extends: {file: c.yaml}}}"),
            ("sub/c.yaml", "services: {a: {env_file: ../../outside/x}}"),
        ];
        let problem = checked(&nested, &[], &[]).unwrap_err();
        assert!(
            problem.starts_with("bake-files: \"sub/c.yaml\""),
            "{problem}"
        );
    }

    #[test]
    fn links_that_lead_out_are_refused() {
        let plain = ("a.yaml", "services: {a: {build: .}}");
        for (file, link) in [
            (plain, ("../outside/x", ".env")),
            (
                ("a.yaml", "include: [sub/b.yaml]"),
                ("../../outside/x", "sub/.env"),
            ),
            (
                ("a.yaml", "services: {a: {env_file: link}}"),
                ("../outside/x", "link"),
            ),
        ] {
            let problem = checked(&[file], &[link], &[]).unwrap_err();
            assert!(problem.contains("outside of the workspace"), "{problem}");
        }
        let folder = tempfile::tempdir().unwrap();
        symlink("/etc/hostname", folder.path().join("docker-bake.hcl")).unwrap();
        let host = Host::with(&[], folder.path(), jiff::Timestamp::UNIX_EPOCH);
        let allowed = Allowed::of(&[], &host);
        let problem = check(&["docker-bake.hcl".to_owned()], &host, &allowed).unwrap_err();
        assert!(problem.to_string().contains("link"), "{problem}");
        // One that the workflow names there itself.
        assert!(check(&["../bake.hcl".to_owned()], &host, &allowed).is_ok());
    }

    #[test]
    fn what_stays_in_the_workspace_or_is_allowed_is_free() {
        for (text, allow) in [
            (
                "services: {a: {build: ., env_file: [a.env], extends: b}}",
                vec![],
            ),
            (
                "include: [sub/b.yaml, {path: b.yaml, env_file: sub/x}]",
                vec![],
            ),
            (
                "services: {a: {env_file: ../outside/x}}",
                vec!["fs.read=../outside"],
            ),
            ("target \"a\" {\n}\n", vec![]),
        ] {
            assert_eq!(checked(&[("compose", text)], &[], &allow), Ok(()), "{text}");
        }
        let hcl = [(
            "docker-bake.hcl",
            "target \"a\" { args = { a = \"include\\n\" } }",
        )];
        assert_eq!(checked(&hcl, &[], &[]), Ok(()));
    }
}
