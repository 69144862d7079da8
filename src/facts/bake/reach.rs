//! What a bake file wants of the machine beside the workspace: files, variables
//! of the environment, the SSH agent.
//!
//! buildx asks for leave where a file is elsewhere, since 0.19. Some ways it does
//! not see: a secret of which it takes the name for a path, and a context that
//! begins like an image's.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use crate::env_vars;
use crate::facts::bake::definition::{self, Definition};
use crate::host::Host;
use crate::input::address::layout_folder;
use crate::input::build::bake::SecretSpec;
use crate::input::grammar::csv;

/// Links that lead to links are followed this often.
const MOST_LINKS: usize = 40;

/// Something that a definition wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineAccess {
    /// The target that wants it.
    pub target: String,
    /// The key in its definition.
    pub key: &'static str,
    /// The value there.
    pub value: String,
    /// What it is.
    pub what: MachineResource,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MachineResource {
    /// A variable of the services of GitHub Actions.
    Variable(String),
    /// A file or folder that `allow` would have to name, with the entry for it.
    Outside(String),
    /// The SSH agent, which `allow` would have to name.
    Agent,
}

/// What `allow` and the workspace give leave for.
pub struct Allowed {
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    agent: bool,
}

impl Allowed {
    /// By the entries of `allow`.
    pub fn of(allow: &[String], host: &Host) -> Self {
        let workspace = resolve_links(host.directory(), 0);
        let mut allowed = Self {
            read: vec![workspace.clone()],
            write: vec![workspace],
            agent: allow.iter().any(|entry| entry == "ssh"),
        };
        for (name, path) in allow.iter().filter_map(|entry| entry.split_once('=')) {
            let path = match path {
                "*" => PathBuf::from("/"),
                path => resolve_links(&host.path(path), 0),
            };
            if matches!(name, "fs" | "fs.read") {
                allowed.read.push(path.clone());
            }
            if matches!(name, "fs" | "fs.write") {
                allowed.write.push(path);
            }
        }
        allowed
    }

    /// The entry of `allow` that is missing for a path, read from the working
    /// directory as the kernel and as buildx read it.
    pub fn missing(&self, path: &str, writes: bool, host: &Host) -> Option<String> {
        let (name, all) = if writes {
            ("fs.write", &self.write)
        } else {
            ("fs.read", &self.read)
        };
        let path = host.path(path);
        let both = [resolve_links(&path, 0), resolve_links(&plain(&path), 0)];
        let is_allowed = |path: &&PathBuf| all.iter().any(|folder| path.starts_with(folder));
        let outside = both.iter().find(|path| !is_allowed(path))?;
        Some(format!("{name}={}", outside.display()))
    }
}

impl Allowed {
    /// The same for a path that is in the workspace until links are followed.
    pub fn left_by_link(&self, path: &str, host: &Host) -> Option<String> {
        let spelt = plain(&host.path(path));
        let is_inside = spelt.starts_with(plain(host.directory()));
        self.missing(path, false, host).filter(|_| is_inside)
    }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Where a path leads, be it there or not.
fn resolve_links(path: &Path, links: usize) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    if let Ok(target) = fs::read_link(path)
        && links < MOST_LINKS
    {
        return resolve_links(&parent.join(target), links + 1);
    }
    let mut found = match path.parent() {
        Some(parent) => resolve_links(parent, links),
        None => return path.to_owned(),
    };
    match path.file_name() {
        Some(name) => found.push(name),
        None => drop(found.pop()),
    }
    found
}

/// What this definition wants of the machine.
pub fn reach_of(
    name: &str,
    definition: &Definition,
    all: &Map<String, Value>,
    host: &Host,
    allowed: &Allowed,
) -> Vec<MachineAccess> {
    let mut found = AccessFinder {
        target: name,
        host,
        allowed,
        reaches: Vec::new(),
    };
    found.contexts(definition, all);
    for entry in definition::entries(definition, "secret") {
        found.secret(&entry);
    }
    for entry in definition::entries(definition, "ssh") {
        found.ssh(&entry);
    }
    for entry in definition::entries(definition, "output") {
        let attributes = csv::attributes(&entry).unwrap_or_default();
        let folder = match attributes.as_slice() {
            [(name, folder)] if name.is_empty() => Some(folder.as_str()),
            _ => csv::value(&attributes, "dest"),
        };
        let folder = folder.filter(|folder| *folder != "-");
        found.path("output", &entry, folder, true);
    }
    for (key, attribute, writes) in [("cache-from", "src", false), ("cache-to", "dest", true)] {
        for entry in definition::entries(definition, key) {
            let attributes = csv::attributes(&entry).unwrap_or_default();
            let is_local = csv::value(&attributes, "type") == Some("local");
            let folder = csv::value(&attributes, attribute).filter(|_| is_local);
            found.path(key, &entry, folder, writes);
        }
    }
    found.reaches
}

struct AccessFinder<'a> {
    target: &'a str,
    host: &'a Host,
    allowed: &'a Allowed,
    reaches: Vec<MachineAccess>,
}

impl AccessFinder<'_> {
    fn add(&mut self, key: &'static str, value: &str, what: MachineResource) {
        self.reaches.push(MachineAccess {
            target: self.target.to_owned(),
            key,
            value: value.to_owned(),
            what,
        });
    }

    fn path(&mut self, key: &'static str, value: &str, path: Option<&str>, writes: bool) {
        let missing = path.and_then(|path| self.allowed.missing(path, writes, self.host));
        if let Some(entry) = missing {
            self.add(key, value, MachineResource::Outside(entry));
        }
    }

    fn contexts(&mut self, definition: &Definition, all: &Map<String, Value>) {
        let context = definition::context(definition);
        let is_remote = self.is_fetched(&context, ".");
        if !is_remote {
            self.path("context", &context, Some(&context), false);
        }
        let file = definition::file(definition);
        let is_inline = definition.contains_key("dockerfile-inline");
        if !is_remote && !is_inline && !self.is_fetched(&file, &context) {
            self.path("dockerfile", &file, Some(&file), false);
        }
        for (_, place) in definition::pairs(definition, "contexts") {
            let target = place.strip_prefix("target:");
            let is_image = place.starts_with("docker-image://");
            let is_target = target.is_some_and(|target| all.contains_key(target));
            if is_image || is_target || self.is_fetched(&place, ".") {
                continue;
            }
            let path = place.strip_prefix("cwd://").unwrap_or(&place);
            if let Some(layout) = path.strip_prefix("oci-layout://") {
                // A colon may be the folder's or begin the tag.
                self.path("contexts", &place, Some(layout), false);
                self.path("contexts", &place, layout_folder(&place), false);
            } else {
                self.path("contexts", &place, Some(path), false);
            }
        }
    }

    /// True for what BuildKit fetches. Everything else may be taken for a path,
    /// and so is an address when the folder has an entry of the scheme's name: a
    /// link `https:` to `/` would make `https:///etc` a path out of the workspace.
    fn is_fetched(&self, place: &str, folder: &str) -> bool {
        let Some((scheme, rest)) = place.split_once("://") else {
            return false;
        };
        let is_known = ["http", "https", "git", "ssh"].contains(&scheme);
        let entry = self.host.path(folder).join(format!("{scheme}:"));
        is_known && !rest.starts_with('/') && entry.symlink_metadata().is_err()
    }

    fn secret(&mut self, entry: &str) {
        let spec = SecretSpec::parse(entry);
        if let Some(variable) = spec.variable {
            if variable.starts_with(env_vars::ACTIONS) {
                self.add("secret", entry, MachineResource::Variable(variable));
            }
            return;
        }
        let is_set = self.host.vars().any(|(name, _)| name == spec.id);
        match (spec.file, spec.id) {
            (Some(file), _) => self.path("secret", entry, Some(&file), false),
            // Of a name alone buildx makes a variable, and else a file.
            (None, id) if id.starts_with(env_vars::ACTIONS) => {
                self.add("secret", entry, MachineResource::Variable(id));
            }
            (None, id) if !is_set => self.path("secret", entry, Some(&id), false),
            (None, _) => {}
        }
    }

    /// `ID`, `ID=PATH,PATH`, or an object with `paths`.
    fn ssh(&mut self, entry: &str) {
        let attributes = csv::attributes(entry).unwrap_or_default();
        let paths = match csv::value(&attributes, "id") {
            Some(_) => csv::value(&attributes, "paths"),
            None => entry.split_once('=').map(|(_, paths)| paths),
        };
        match paths.filter(|paths| !paths.is_empty()) {
            Some(paths) => {
                for path in paths.split(',') {
                    self.path("ssh", entry, Some(path), false);
                }
            }
            None if !self.allowed.agent => self.add("ssh", entry, MachineResource::Agent),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use serde_json::json;

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        host: Host,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("workspace");
        for name in ["workspace/docker-image:", "workspace/sub", "outside"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for (target, link) in [
            ("../outside", "link"),
            ("../outside/new", "dangling"),
            ("..", "https:"),
            ("..", "HTTPS:"),
        ] {
            symlink(target, workspace.join(link)).unwrap();
        }
        let environment = [("TOKEN", "x")];
        Place {
            host: Host::with(&environment, &workspace, jiff::Timestamp::UNIX_EPOCH),
            folder,
        }
    }

    fn reached(place: &Place, definition: &Value, allow: &[&str]) -> Vec<String> {
        let allow: Vec<String> = allow.iter().map(|entry| (*entry).to_owned()).collect();
        let allowed = Allowed::of(&allow, &place.host);
        let all = json!({"base": {}});
        let found = reach_of(
            "api",
            definition.as_object().unwrap(),
            all.as_object().unwrap(),
            &place.host,
            &allowed,
        );
        let base = fs::canonicalize(place.folder.path()).unwrap();
        let shown = |reach: MachineAccess| match reach.what {
            MachineResource::Variable(name) => name,
            MachineResource::Outside(entry) => entry.replace(&format!("{}/", base.display()), ""),
            MachineResource::Agent => "agent".to_owned(),
        };
        found.into_iter().map(shown).collect()
    }

    #[test]
    fn every_way_out_of_the_workspace_is_found() {
        let place = place();
        for (definition, expected) in [
            (
                json!({"context": "../outside", "dockerfile-inline": ""}),
                "fs.read=outside",
            ),
            (
                json!({"context": "link", "dockerfile-inline": ""}),
                "fs.read=outside",
            ),
            (json!({"dockerfile": "../outside/D"}), "fs.read=outside/D"),
            (
                json!({"dockerfile": "cwd://../outside/D"}),
                "fs.read=outside/D",
            ),
            (json!({"contexts": {"x": "../outside"}}), "fs.read=outside"),
            (
                json!({"contexts": {"x": "cwd://../outside"}}),
                "fs.read=outside",
            ),
            (
                json!({"contexts": {"x": "docker-image:/../../outside"}}),
                "fs.read=outside",
            ),
            (
                json!({"contexts": {"x": "target:/../../outside"}}),
                "fs.read=outside",
            ),
            (
                json!({"contexts": {"x": "file://../../outside"}}),
                "fs.read=outside",
            ),
            (
                json!({"contexts": {"x": "HTTPS:///outside"}}),
                "fs.read=outside",
            ),
            (
                json!({"contexts": {"x": "https://outside"}}),
                "fs.read=outside",
            ),
            (
                json!({"dockerfile": "https:///outside/D"}),
                "fs.read=outside/D",
            ),
            (
                json!({"contexts": {"x": "oci-layout://link"}}),
                "fs.read=outside",
            ),
            (
                json!({"secret": ["id=x,src=../outside/s"]}),
                "fs.read=outside/s",
            ),
            (
                json!({"secret": [{"id": "x", "src": "link/s"}]}),
                "fs.read=outside/s",
            ),
            (
                json!({"secret": [{"id": "../outside/s"}]}),
                "fs.read=outside/s",
            ),
            (
                json!({"secret": ["type=file,id=../outside/s"]}),
                "fs.read=outside/s",
            ),
            (json!({"ssh": ["k=../outside/k"]}), "fs.read=outside/k"),
            (
                json!({"ssh": [{"id": "k", "paths": ["../outside/k"]}]}),
                "fs.read=outside/k",
            ),
            (json!({"ssh": ["default"]}), "agent"),
            (json!({"ssh": [{"id": "default"}]}), "agent"),
            (json!({"output": ["../outside"]}), "fs.write=outside"),
            (
                json!({"output": ["type=tar,dest=dangling"]}),
                "fs.write=outside/new",
            ),
            (
                json!({"output": [{"type": "oci", "dest": "sub/../../outside"}]}),
                "fs.write=outside",
            ),
            (
                json!({"cache-from": ["type=local,src=link"]}),
                "fs.read=outside",
            ),
            (
                json!({"cache-to": [{"type": "local", "dest": "link/c"}]}),
                "fs.write=outside/c",
            ),
            (
                json!({"secret": ["type=env,id=x,env=ACTIONS_RUNTIME_TOKEN"]}),
                "ACTIONS_RUNTIME_TOKEN",
            ),
            (
                json!({"secret": ["type=env,id=x,src=ACTIONS_CACHE_URL"]}),
                "ACTIONS_CACHE_URL",
            ),
            (
                json!({"secret": [{"id": "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}]}),
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            ),
        ] {
            let found = reached(&place, &definition, &[]);
            assert!(!found.is_empty(), "{definition}");
            assert!(
                found.iter().all(|one| one == expected),
                "{definition}: {found:?}"
            );
        }
        let environ = reached(&place, &json!({"secret": ["id=/proc/self/environ"]}), &[]);
        assert!(environ[0].starts_with("fs.read=/proc/"), "{environ:?}");
    }

    #[test]
    fn what_is_in_the_workspace_or_allowed_or_elsewhere_is_free() {
        let place = place();
        for definition in [
            json!({}),
            json!({"context": "sub", "dockerfile": "../D", "contexts": {"x": "."}}),
            json!({"context": "http://a/../../b.git", "dockerfile": "../x"}),
            json!({"contexts": {"a": "docker-image://x/../../y", "b": "target:base"}}),
            json!({"secret": ["id=a,src=sub/s", "id=TOKEN", "type=env,id=x,env=TOKEN"]}),
            json!({"output": ["type=image,push=true", "type=tar,dest=-", "out"]}),
            json!({"cache-from": ["type=registry,ref=a/b", "a/b"]}),
        ] {
            let found = reached(&place, &definition, &[]);
            assert_eq!(found, Vec::<String>::new(), "{definition}");
        }
        let definition = json!({
            "context": "../outside", "dockerfile-inline": "", "output": ["../outside"],
            "ssh": ["default"],
        });
        for (allow, count) in [
            (vec!["fs=../outside", "ssh"], 0),
            (vec!["fs=*", "ssh"], 0),
            (vec!["fs.read=../outside", "ssh"], 1),
            (vec!["fs.write=..", "fs.read=.."], 1),
            (vec!["network.host"], 3),
        ] {
            let found = reached(&place, &definition, &allow);
            assert_eq!(found.len(), count, "{allow:?}: {found:?}");
        }
    }
}
