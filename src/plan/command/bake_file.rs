//! A target as it is given back to buildx: the bake file as buildx has printed
//! it, with the names, platforms, caches and attestations of the plan.

use crate::input::CacheEntry;
use crate::plan::command::by_digest::RepositoryReferences;
use crate::plan::image::content::Content;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::facts::Target;
use crate::input::build::output::{Exporter, Output, has_docker_exporter};
use crate::plan::command::build::{IMAGE, Parts};
use crate::plan::command::exclusions::Exclusions;
use crate::plan::draft::git_logins::{self, escaped};
use crate::plan::run_files::RunFiles;

/// The key of the caches that are read.
const CACHE_FROM: &str = "cache-from";

/// The bake file of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BakeFile {
    name: String,
    /// The target and those that it is made from.
    all: Map<String, Value>,
    /// What of the target is always the same.
    fixed: Map<String, Value>,
    tags: Vec<String>,
    cache_from: Vec<CacheEntry>,
    /// True for caches that no bake file gives.
    adds_cache: bool,
    cache_to: Vec<CacheEntry>,
    outputs: Vec<OutputTarget>,
    /// The logins for Git of each of all, by id and place.
    git_logins: BTreeMap<String, Vec<(String, usize)>>,
}

/// Where the result goes. `--push` and `--load` of bake do nothing beside most
/// outputs, so they are outputs too.
#[derive(Clone, Debug, PartialEq, Eq)]
enum OutputTarget {
    /// As it is given.
    Given(String),
    /// As it is given; it sends the image somewhere.
    Sends(String),
    /// The image, pushed under its tags; the text is what is said of it beside.
    Pushed(Option<String>),
    /// The image, whose content goes first: by its digest, or into the engine's store.
    Content(Option<RepositoryReferences>),
    /// The engine.
    Loaded,
    /// The engine, where a push does not leave the image there anyway.
    LoadedUnlessPushed,
}

impl OutputTarget {
    /// The entry of `output`, unless it is left out.
    fn text(&self, exclusions: &Exclusions) -> Option<String> {
        match self {
            Self::Given(text) => Some(text.clone()),
            Self::Sends(_) if exclusions.push => None,
            Self::Sends(text) => Some(text.clone()),
            Self::Pushed(more) if exclusions.push => more.clone(),
            Self::Pushed(more) => {
                let more = more.as_deref().unwrap_or("type=image");
                Some(format!("{more},push=true"))
            }
            Self::Content(_) if exclusions.push => None,
            Self::Content(Some(by_digest)) if exclusions.names => {
                Some(by_digest.output(exclusions))
            }
            Self::Content(None) if exclusions.names => Some(IMAGE.to_owned()),
            Self::Content(_) => Some("type=image,push=true".to_owned()),
            Self::Loaded => Some("type=docker".to_owned()),
            Self::LoadedUnlessPushed => exclusions.push.then(|| "type=docker".to_owned()),
        }
    }
}

impl BakeFile {
    pub fn of(target: &Target, parts: &Parts<'_>) -> Self {
        let platforms: Vec<String> = parts.platforms.iter().map(ToString::to_string).collect();
        let labels = parts.metadata.labels.iter();
        let labels = labels.filter_map(|label| label.split_once('='));
        let labels = labels.map(|(key, value)| (escaped(key), json!(escaped(value))));
        let mut fixed = Map::new();
        fixed.insert("labels".to_owned(), Value::Object(labels.collect()));
        fixed.insert("platforms".to_owned(), json!(platforms));
        if parts.features.annotations {
            fixed.insert("annotations".to_owned(), list(parts.annotations));
        }
        let of_set = bake_args(target, parts);
        if !of_set.is_empty() {
            fixed.insert("args".to_owned(), Value::Object(of_set));
        }
        if parts.features.attestations {
            fixed.insert("attest".to_owned(), list(parts.attestations));
        }
        Self {
            name: target.name.clone(),
            all: family(&target.name, &target.family, &platforms),
            fixed,
            tags: parts.references(),
            cache_from: parts.cache.from.clone(),
            adds_cache: parts.cache.added,
            cache_to: parts.written_caches().cloned().collect(),
            outputs: output_targets(parts),
            git_logins: git_logins::of_each(target, parts.facts),
        }
    }

    /// True when several targets are in it: then buildx names the target of each
    /// step.
    pub fn is_linked(&self) -> bool {
        self.all.len() > 1
    }

    /// True when the target says where its result goes, and that is not under its
    /// tags.
    pub fn goes_elsewhere(&self) -> bool {
        let is_given =
            |place: &OutputTarget| matches!(place, OutputTarget::Given(_) | OutputTarget::Sends(_));
        !self.outputs.is_empty() && self.outputs.iter().all(is_given)
    }

    /// True when no output is anything else than an image.
    pub fn makes_images_alone(&self) -> bool {
        let mut outputs = self.outputs.iter();
        outputs.all(|place| matches!(place, OutputTarget::Pushed(_) | OutputTarget::Content(_)))
    }

    /// The file's text, with the run's files in their places and without what is
    /// to be left out.
    pub fn text(&self, files: &RunFiles, exclusions: &Exclusions) -> String {
        json!({ "target": self.targets(files, exclusions) }).to_string()
    }

    /// The text of one file for several.
    pub fn of_all<'a>(
        all: impl Iterator<Item = &'a Self> + Clone,
        files: &RunFiles,
        exclusions: &Exclusions,
    ) -> String {
        let is_wanted = |name: &String| all.clone().any(|one| one.name == *name);
        let mut targets = Map::new();
        for one in all.clone() {
            for (name, definition) in one.targets(files, exclusions) {
                match targets.get_mut(&name) {
                    // Those that are wanted themselves are as planned.
                    _ if name != one.name && is_wanted(&name) => {}
                    // What several are made from is built for the platforms of each,
                    // from the caches of each.
                    Some(other) => {
                        add(other, &definition, "platforms");
                        add(other, &definition, CACHE_FROM);
                    }
                    None => drop(targets.insert(name, definition)),
                }
            }
        }
        json!({ "target": targets }).to_string()
    }

    fn targets(&self, files: &RunFiles, exclusions: &Exclusions) -> Map<String, Value> {
        let by_digest = |place: &OutputTarget| matches!(place, OutputTarget::Content(Some(_)));
        let is_unnamed = exclusions.is_content_alone() && self.outputs.iter().any(by_digest);
        let tags = self
            .tags
            .iter()
            .filter(|tag| !is_unnamed && !exclusions.references.contains(tag));
        let from: Vec<&CacheEntry> = self
            .cache_from
            .iter()
            .filter(|entry| !exclusions.has_cache_from(entry))
            .collect();
        let to: Vec<&CacheEntry> = self
            .cache_to
            .iter()
            .filter(|entry| !exclusions.has_cache_to(entry))
            .collect();
        let outputs: Vec<String> = self
            .outputs
            .iter()
            .filter_map(|place| place.text(exclusions))
            .collect();
        let mut target = self.fixed.clone();
        target.insert("tags".to_owned(), list(tags));
        let from = json!(from);
        target.insert(CACHE_FROM.to_owned(), from.clone());
        target.insert("cache-to".to_owned(), json!(to));
        target.insert("output".to_owned(), list(&outputs));
        let mut all = self.all.clone();
        if self.adds_cache {
            // The cache of a target holds what it is made from.
            let linked = all.iter_mut().filter(|(name, _)| **name != self.name);
            for definition in linked.filter_map(|(_, linked)| linked.as_object_mut()) {
                definition.entry(CACHE_FROM).or_insert_with(|| from.clone());
            }
        }
        if let Some(definition) = all.get_mut(&self.name).and_then(Value::as_object_mut) {
            definition.extend(target);
        }
        for (name, logins) in &self.git_logins {
            let definition = all.get_mut(name).and_then(Value::as_object_mut);
            let Some(definition) = definition.filter(|_| !logins.is_empty()) else {
                continue;
            };
            let secrets = definition.entry("secret").or_insert_with(|| json!([]));
            for (id, place) in logins {
                git_logins::add_secret(secrets, id, &files.git_login(*place));
            }
        }
        all
    }
}

/// All arguments of a target, where the expressions in any were replaced. As `set`
/// gives a value, bake has the last word on all others.
fn bake_args(target: &Target, parts: &Parts<'_>) -> Map<String, Value> {
    let given = target
        .family
        .get(&target.name)
        .and_then(|own| own.get("args"));
    let none = Map::new();
    let given = match given {
        Some(Value::Object(given)) => given,
        _ => &none,
    };
    let pairs = parts
        .build_args
        .iter()
        .filter_map(|text| text.split_once('='));
    let filled: BTreeMap<&str, &str> = pairs.collect();
    let is_changed = |(name, value): (&String, &Value)| {
        let filled = filled.get(name.as_str());
        filled.is_some_and(|filled| value.as_str() != Some(*filled))
    };
    let is_added = |name: &&str| !given.contains_key(*name);
    if !given.iter().any(is_changed) && !filled.keys().any(is_added) {
        return Map::new();
    }
    let mut all = given.clone();
    for (name, _) in filled.iter().filter(|(name, _)| is_added(name)) {
        all.insert((*name).to_owned(), Value::Null);
    }
    for (name, value) in &mut all {
        let text = filled.get(name.as_str()).copied().or(value.as_str());
        if let Some(text) = text.map(escaped) {
            *value = json!(text);
        }
    }
    all
}

fn add(target: &mut Value, more: &Value, key: &str) {
    let (Some(all), Some(more)) = (
        target.get_mut(key).and_then(Value::as_array_mut),
        more.get(key).and_then(Value::as_array),
    ) else {
        return;
    };
    let new = more.iter().filter(|one| !all.contains(one)).cloned();
    let new: Vec<Value> = new.collect();
    all.extend(new);
}

fn list<'a>(texts: impl IntoIterator<Item = &'a String>) -> Value {
    let texts = texts.into_iter().map(|text| json!(escaped(text)));
    Value::Array(texts.collect())
}

/// Where the result goes: the outputs of the target, and what `push` and `load`
/// add to them.
fn output_targets(parts: &Parts<'_>) -> Vec<OutputTarget> {
    let publication = parts.publication;
    let outputs = parts.inputs.build.outputs.iter();
    let outputs = outputs.filter(|output| !output.pushes_by_itself() || publication.pushes());
    let place = |output: &Output| match output.exporter {
        // The names of the target are those of all its images.
        _ if output.pushes() && publication.pushes_tags() => {
            OutputTarget::Pushed(output.without_push().map(|output| output.text))
        }
        _ if output.pushes_by_itself() => OutputTarget::Sends(output.text.clone()),
        Exporter::Image if publication.pushes_tags() => {
            OutputTarget::Pushed(Some(output.text.clone()))
        }
        _ => OutputTarget::Given(output.text.clone()),
    };
    let mut places: Vec<OutputTarget> = outputs.map(place).collect();
    let is_pushed = |place: &OutputTarget| matches!(place, OutputTarget::Pushed(_));
    if publication.pushes_tags() && !places.iter().any(is_pushed) {
        places.push(match parts.content {
            Content::WithNames => OutputTarget::Pushed(None),
            Content::FromEngine => OutputTarget::Content(None),
            Content::ByDigest => {
                OutputTarget::Content(Some(RepositoryReferences::of(&parts.references())))
            }
        });
    }
    match publication.load && !has_docker_exporter(&parts.inputs.build.outputs) {
        true if parts.leaves_in_engine() => places.push(OutputTarget::LoadedUnlessPushed),
        true => places.push(OutputTarget::Loaded),
        false => {}
    }
    places
}

/// A target and those that it is made from, which are built for the same
/// platforms.
fn family(name: &str, family: &Map<String, Value>, platforms: &[String]) -> Map<String, Value> {
    let mut family = without_templates(family);
    let linked = family.iter_mut().filter(|(other, _)| *other != name);
    for linked in linked.filter_map(|(_, linked)| linked.as_object_mut()) {
        // Nobody has asked whether a cache of its own may be sent.
        linked.remove("cache-to");
        if !platforms.is_empty() {
            linked
                .entry("platforms")
                .or_insert_with(|| json!(platforms));
        }
    }
    family
}

/// The keys whose values buildx prints as bake files have them.
const PRINTED_ESCAPED: [&str; 5] = [
    "annotations",
    "args",
    "dockerfile-inline",
    "extra-hosts",
    "labels",
];

/// Targets as buildx prints them, with no template in them: what was evaluated
/// once is not evaluated again.
fn without_templates(family: &Map<String, Value>) -> Map<String, Value> {
    let field = |(key, value): (&String, &Value)| {
        let is_escaped = PRINTED_ESCAPED.contains(&key.as_str());
        (key.clone(), without_template(value, is_escaped))
    };
    let target = |(name, target): (&String, &Value)| {
        let fields = target.as_object().into_iter().flatten().map(field);
        (name.clone(), Value::Object(fields.collect()))
    };
    family.iter().map(target).collect()
}

fn without_template(value: &Value, is_escaped: bool) -> Value {
    match value {
        Value::String(text) if !is_escaped => json!(escaped(text)),
        Value::Array(all) => {
            let all = all.iter().map(|one| without_template(one, is_escaped));
            Value::Array(all.collect())
        }
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| {
                (escaped(key), without_template(value, is_escaped))
            };
            Value::Object(map.iter().map(pair).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition() -> BakeFile {
        let all = json!({
            "api": {"contexts": {"base": "target:base"}, "tags": ["old"]},
            "base": {"context": ".", "cache-to": ["type=registry,ref=r/base:cache"]},
        });
        let all = all.as_object().unwrap();
        BakeFile {
            name: "api".to_owned(),
            all: family("api", all, &["linux/arm64".to_owned()]),
            fixed: Map::from_iter([("labels".to_owned(), json!({"a": escaped("${b}%{c}$")}))]),
            tags: vec!["r/a:1".to_owned(), "r/a:2".to_owned()],
            cache_from: vec!["type=registry,ref=r/a:cache".into()],
            adds_cache: true,
            cache_to: vec!["type=registry,ref=r/a:cache".into()],
            outputs: vec![OutputTarget::Pushed(None), OutputTarget::LoadedUnlessPushed],
            git_logins: [("base".to_owned(), vec![("GIT_AUTH_HEADER.h".to_owned(), 1)])].into(),
        }
    }

    fn files() -> RunFiles {
        RunFiles {
            folder: "/run".into(),
        }
    }

    fn text(exclusions: &Exclusions) -> Value {
        serde_json::from_str(&definition().text(&files(), exclusions)).unwrap()
    }

    #[test]
    fn the_target_is_as_planned_and_what_it_is_made_from_as_it_was() {
        let text = text(&Exclusions::default());
        let targets: Vec<&String> = text["target"].as_object().unwrap().keys().collect();
        assert_eq!(targets, ["api", "base"]);
        let api = &text["target"]["api"];
        assert_eq!(api["tags"], json!(["r/a:1", "r/a:2"]));
        assert_eq!(api["labels"]["a"], "$${b}%%{c}$");
        assert_eq!(api["contexts"]["base"], "target:base");
        let base = json!({
            "context": ".",
            "platforms": ["linux/arm64"],
            "cache-from": ["type=registry,ref=r/a:cache"],
            "secret": [{"id": "GIT_AUTH_HEADER.h", "src": "/run/git-logins/1"}],
        });
        assert_eq!(text["target"]["base"], base);
        assert_eq!(api.get("secret"), None);
        assert!(definition().is_linked());
    }

    #[test]
    fn one_file_for_several_builds_for_the_platforms_of_each() {
        let of = |name: &str, platforms: Value| BakeFile {
            name: name.to_owned(),
            all: Map::from_iter([
                (name.to_owned(), json!({})),
                ("base".to_owned(), json!({ "platforms": platforms })),
            ]),
            ..definition()
        };
        let all = [of("api", json!(["a"])), of("web", json!(["a", "b"]))];
        let text = BakeFile::of_all(all.iter(), &files(), &Exclusions::default());
        let text: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(text["target"]["base"]["platforms"], json!(["a", "b"]));
        assert_eq!(text["target"]["web"]["tags"], json!(["r/a:1", "r/a:2"]));
    }

    #[test]
    fn nothing_is_evaluated_twice() {
        let map = json!({"api": {
            "args": {"a${1+1}": "$${b}"},
            "secret": [{"id": "a", "src": "f-${x}"}, "id=b,src=%{y}"],
            "no-cache": true,
        }});
        let escaped = without_templates(map.as_object().unwrap());
        let expected = json!({"api": {
            "args": {"a$${1+1}": "$${b}"},
            "secret": [{"id": "a", "src": "f-$${x}"}, "id=b,src=%%{y}"],
            "no-cache": true,
        }});
        assert_eq!(Value::Object(escaped), expected);
    }

    #[test]
    fn what_is_left_out_is_not_in_the_file() {
        let text = text(&Exclusions {
            references: vec!["r/a:1".to_owned()],
            push: true,
            names: false,
            caches: Vec::new(),
        });
        let api = &text["target"]["api"];
        assert_eq!(api["tags"], json!(["r/a:2"]));
        assert_eq!(api["output"], json!(["type=docker"]));
        assert_eq!(api["cache-to"], json!([]));
    }
}
