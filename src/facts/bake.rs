//! Bake files, as buildx reads them: variables, functions, groups, matrices and
//! overrides are worked out by `buildx bake --print`, which builds nothing.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use super::Workspace;
use crate::error::InputProblem;
use crate::host::{Command, Host, file};
use crate::input::{BakeInputs, csv};
use crate::vars;

/// How long buildx may take to read the files.
const PATIENCE: Duration = Duration::from_secs(30);
/// The group that holds what was asked for.
const ASKED_FOR: &str = "default";
/// What no variable of a bake file can hold: the runner's own tokens.
const TOKENS: [&str; 2] = [
    vars::ACTIONS_RUNTIME_TOKEN,
    vars::ACTIONS_ID_TOKEN_REQUEST_TOKEN,
];
/// How many targets and how many groups are taken.
const MOST_TARGETS: usize = 1000;
/// How much text the Dockerfiles of all targets are together before what runs in
/// the others is not looked at, in bytes.
const DOCKERFILES: usize = 8 * file::SETTINGS;
/// How much text all targets are, each with those that it is made from, in bytes.
const RELATED: usize = 32 * file::SETTINGS;
const ACCEPTED: &str = "bake files with the targets, relative to the workspace: \
    https://docs.docker.com/build/bake/reference/";

/// What bake files say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bake {
    /// The targets that are built, in the order of their names.
    pub targets: Vec<Target>,
}

/// A target that is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// The target as buildx prints it.
    pub definition: Map<String, Value>,
    /// It and the targets that it is made from, by their names.
    pub family: Map<String, Value>,
    /// What is in its context.
    pub workspace: Workspace,
    /// Variables of its secrets that are not set.
    pub unset: Vec<String>,
}

impl Bake {
    /// Asks buildx; nothing where no bake files are given.
    ///
    /// # Errors
    /// When it cannot be asked, or cannot read the files; in its words.
    pub async fn read(
        host: &Host,
        buildx: Option<&Path>,
        inputs: Option<&BakeInputs>,
    ) -> Result<Self, InputProblem> {
        let Some(inputs) = inputs else {
            return Ok(Self::default());
        };
        let problem = |why: &str| problem(inputs, why);
        let Some(buildx) = buildx else {
            return Err(problem("there is no buildx to read them"));
        };
        let options = |name: &str, values: &[String]| {
            let pairs = values
                .iter()
                .flat_map(|value| [name.to_owned(), value.clone()]);
            pairs.collect::<Vec<_>>()
        };
        let command = Command::new(buildx)
            .args(["bake", "--print"])
            .args(options("--file", &inputs.files))
            .args(options("--set", &inputs.set))
            .args(["--"])
            .args(&inputs.targets);
        let command = TOKENS
            .iter()
            .fold(command, |command, name| command.env(name, ""));
        let told = tokio::time::timeout(PATIENCE, command.read(host)).await;
        let told = match told {
            Ok(Ok(told)) => told,
            Ok(Err(error)) if error.kind() == ErrorKind::FileTooLarge => {
                return Err(problem(&format!("buildx {error}")));
            }
            Ok(Err(error)) => return Err(problem(&last_words(&error.to_string()))),
            Err(_) => return Err(problem("buildx did not read them in 30 s")),
        };
        Self::parse(&told, host).map_err(|why| problem(&why))
    }

    /// Reads `{"group": {"default": {"targets": [...]}}, "target": {NAME: {...}}}`.
    ///
    /// # Errors
    /// With what is wrong with it.
    fn parse(told: &str, host: &Host) -> Result<Self, String> {
        let nothing = || "buildx told nothing of their targets".to_owned();
        let told: Value = serde_json::from_str(told).map_err(|_| nothing())?;
        let part = |name: &str| {
            told.get(name)
                .and_then(Value::as_object)
                .ok_or_else(nothing)
        };
        let (all, groups) = (part("target")?, part("group")?);
        if all.len().max(groups.len()) > MOST_TARGETS {
            return Err(format!(
                "they have more than {MOST_TARGETS} targets or groups"
            ));
        }
        let mut names = Vec::new();
        collect(groups, ASKED_FOR, all, &mut HashSet::new(), &mut names);
        let (mut text, mut related) = (DOCKERFILES, RELATED);
        let mut targets = Vec::new();
        for name in names {
            let target = Target::look(name, all, host, text).ok_or_else(nothing)?;
            let dockerfile = target.workspace.dockerfile.as_deref();
            text = text.saturating_sub(dockerfile.map_or(0, str::len));
            related = related
                .checked_sub(size(&target.family))
                .ok_or_else(|| "too many of their targets are made from one another".to_owned())?;
            targets.push(target);
        }
        match targets.is_empty() {
            true => Err(nothing()),
            false => Ok(Self { targets }),
        }
    }
}

/// What is wrong, with the input that it is about.
fn problem(inputs: &BakeInputs, why: &str) -> InputProblem {
    let is_of_set = |entry: &String| {
        let pattern = entry.split('.').next().unwrap_or_default();
        why.ends_with(&format!("matching '{pattern}'"))
    };
    let about_set = ["unknown key", "invalid key", "invalid override"];
    let about_targets = ["failed to find target", "could not find any target"];
    if inputs.set.iter().any(is_of_set) || about_set.iter().any(|words| why.starts_with(words)) {
        let accepted = "TARGET.KEY=VALUE, with the keys of https://docs.docker.com/reference/cli/docker/buildx/bake/#set";
        return InputProblem::new("set", inputs.set.join(", "), why, accepted);
    }
    if about_targets.iter().any(|words| why.starts_with(words)) {
        let accepted = "targets and groups of the bake files; empty means `default`";
        return InputProblem::new("targets", inputs.targets.join(", "), why, accepted);
    }
    InputProblem::new("bake-files", inputs.files.join(", "), why, ACCEPTED)
}

/// The targets of a group and of the groups in it, each once. The target
/// `default` is in a group of its own name.
fn collect<'a>(
    groups: &'a Map<String, Value>,
    name: &'a str,
    targets: &Map<String, Value>,
    seen: &mut HashSet<&'a str>,
    found: &mut Vec<&'a str>,
) {
    let group = groups
        .get(name)
        .and_then(|group| group.get("targets")?.as_array());
    for inner in group.into_iter().flatten().filter_map(Value::as_str) {
        if seen.insert(inner) {
            match targets.contains_key(inner) {
                true => found.push(inner),
                false => collect(groups, inner, targets, seen, found),
            }
        }
    }
}

/// How much text the definitions are, in bytes.
fn size(definitions: &Map<String, Value>) -> usize {
    let sizes = definitions.values().map(|one| one.to_string().len());
    sizes.sum()
}

impl Target {
    /// `None` for a name that buildx would not accept, or take for an option.
    fn look(name: &str, all: &Map<String, Value>, host: &Host, text: usize) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.starts_with('-') || !name.chars().all(is_plain) {
            return None;
        }
        let mut family = Map::new();
        add_family(name, all, &mut family);
        let mut target = Self {
            name: name.to_owned(),
            definition: all.get(name)?.as_object()?.clone(),
            family,
            ..Self::default()
        };
        let variables = target.variables().into_iter();
        target.unset = variables.filter(|name| host.var(name).is_none()).collect();
        let limit = text.min(file::SETTINGS);
        let (context, file) = (target.context(), target.file());
        target.workspace = Workspace::look(host, Some(&context), Some(&file), limit);
        if let Some(inline) = target.text("dockerfile-inline") {
            target.workspace.dockerfile = (inline.len() <= limit).then_some(inline);
            target.workspace.no_dockerfile = None;
        }
        Some(target)
    }

    /// The build context.
    pub fn context(&self) -> String {
        let context = self.text("context").unwrap_or_else(|| ".".to_owned());
        context
            .strip_prefix("cwd://")
            .map(str::to_owned)
            .unwrap_or(context)
    }

    /// The Dockerfile, from the working directory where the context is a folder.
    pub fn file(&self) -> String {
        let file = self
            .text("dockerfile")
            .unwrap_or_else(|| "Dockerfile".to_owned());
        if let Some(file) = file.strip_prefix("cwd://") {
            return file.to_owned();
        }
        let context = self.context();
        match context.contains("://") || context == "." {
            true => file,
            false => Path::new(&context).join(file).display().to_string(),
        }
    }

    /// The variables that its secrets are in; newer programs print objects.
    fn variables(&self) -> Vec<String> {
        let secrets = self.definition.get("secret").and_then(Value::as_array);
        let variable = |secret: &Value| match secret {
            Value::String(text) => {
                let attributes = csv::attributes(text).ok()?;
                csv::value(&attributes, "env").map(str::to_owned)
            }
            other => other.get("env")?.as_str().map(str::to_owned),
        };
        secrets.into_iter().flatten().filter_map(variable).collect()
    }

    /// A text of the definition, as it is meant.
    pub fn text(&self, key: &str) -> Option<String> {
        self.definition.get(key)?.as_str().map(unescaped)
    }

    /// A list of texts.
    pub fn texts(&self, key: &str) -> Vec<String> {
        let list = self.definition.get(key).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(unescaped).collect()
    }

    /// A map of texts; what is unset is left out.
    pub fn pairs(&self, key: &str) -> Vec<(String, String)> {
        let pairs = self.definition.get(key).and_then(Value::as_object);
        let pairs = pairs.into_iter().flatten();
        let pairs =
            pairs.filter_map(|(name, value)| Some((name.clone(), unescaped(value.as_str()?))));
        pairs.collect()
    }
}

/// Adds a target and those that it is made from.
fn add_family(name: &str, all: &Map<String, Value>, family: &mut Map<String, Value>) {
    let Some(definition) = all.get(name).filter(|_| !family.contains_key(name)) else {
        return;
    };
    family.insert(name.to_owned(), definition.clone());
    let contexts = definition.get("contexts").and_then(Value::as_object);
    let places = contexts.into_iter().flat_map(Map::values);
    for place in places.filter_map(Value::as_str) {
        if let Some(other) = place.strip_prefix("target:") {
            add_family(other, all, family);
        }
    }
}

/// buildx prints text as bake files have it, where `${` and `%{` begin templates.
fn unescaped(text: &str) -> String {
    text.replace("$${", "${").replace("%%{", "%{")
}

/// What buildx said at the end.
fn last_words(text: &str) -> String {
    let last = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("ERROR: "));
    last.unwrap_or("buildx could not read them")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host() -> Host {
        Host::with(&[], Path::new("/nowhere"), jiff::Timestamp::UNIX_EPOCH)
    }

    fn names(told: &str) -> Option<Vec<String>> {
        let bake = Bake::parse(told, &host()).ok()?;
        Some(bake.targets.into_iter().map(|target| target.name).collect())
    }

    #[test]
    fn what_was_asked_for_is_told_from_what_it_is_made_from() {
        let targets = r#""target":{"api":{},"base":{},"web-x":{},"web-y":{},"default":{}}"#;
        for (groups, expected) in [
            (r#""default":{"targets":["api"]}"#, vec!["api"]),
            (
                r#""default":{"targets":["api","web"]},"web":{"targets":["web-x","web-y","api"]}"#,
                vec!["api", "web-x", "web-y"],
            ),
            (r#""default":{"targets":["default"]}"#, vec!["default"]),
        ] {
            let told = format!(r#"{{"group":{{{groups}}},{targets}}}"#);
            assert_eq!(names(&told).unwrap(), expected);
        }
        for told in [
            "",
            "{}",
            r#"{"group":{"default":{"targets":["a"]}},"target":{}}"#,
        ] {
            assert_eq!(names(told), None, "{told}");
        }
        for hostile in ["../a", "--push", "a b", ""] {
            let told = format!(
                r#"{{"group":{{"default":{{"targets":["{hostile}"]}}}},"target":{{"{hostile}":{{}}}}}}"#
            );
            assert_eq!(names(&told), None, "{hostile}");
        }
    }

    #[test]
    fn what_is_too_much_to_plan_is_refused() {
        let told = |count: usize| {
            let names: Vec<String> = (0..count).map(|at| format!("t{at}")).collect();
            let targets: Map<String, Value> =
                names.iter().map(|name| (name.clone(), json!({}))).collect();
            json!({"group": {"default": {"targets": names}}, "target": targets}).to_string()
        };
        assert_eq!(names(&told(MOST_TARGETS)).unwrap().len(), MOST_TARGETS);
        let refused = |told: &str| Bake::parse(told, &host()).unwrap_err();
        let many = refused(&told(MOST_TARGETS + 1));
        assert_eq!(many, "they have more than 1000 targets or groups");

        // Each is made from the one before it, and so from all of them.
        let names: Vec<String> = (0..MOST_TARGETS).map(|at| format!("t{at}")).collect();
        let target = |at: usize| {
            let before = format!("target:t{}", at.saturating_sub(1));
            json!({"contexts": {"before": before}, "args": {"A": "x".repeat(100)}})
        };
        let targets: Map<String, Value> = (0..MOST_TARGETS)
            .map(|at| (format!("t{at}"), target(at)))
            .collect();
        let chain = json!({"group": {"default": {"targets": names}}, "target": targets});
        let why = refused(&chain.to_string());
        assert!(why.contains("made from one another"), "{why}");
    }

    #[test]
    fn a_dockerfile_is_in_its_context_and_text_is_unescaped() {
        for (definition, file) in [
            ("{}", "Dockerfile"),
            (r#"{"context":"api"}"#, "api/Dockerfile"),
            (r#"{"context":"api","dockerfile":"../D"}"#, "api/../D"),
            (r#"{"context":"https://a/b.git","dockerfile":"D"}"#, "D"),
        ] {
            let all: Value = serde_json::from_str(&format!(r#"{{"a":{definition}}}"#)).unwrap();
            let target = Target::look("a", all.as_object().unwrap(), &host(), DOCKERFILES).unwrap();
            assert_eq!(target.file(), file);
        }
        assert_eq!(unescaped("a$${b}%%{c}$d"), "a${b}%{c}$d");
    }

    #[test]
    fn a_target_brings_what_it_is_made_from() {
        let told = r#"{"group":{"default":{"targets":["api","web"]}},"target":{"web":{},
            "api":{"contexts":{"b":"target:base","x":"docker-image://a"}},
            "base":{"contexts":{"a":"target:api","o":"target:os"}},"os":{}}}"#;
        let bake = Bake::parse(told, &host()).unwrap();
        let family = |index: usize| {
            bake.targets[index]
                .family
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(family(0), ["api", "base", "os"]);
        assert_eq!(family(1), ["web"]);
    }

    #[test]
    fn what_is_wrong_is_told_of_its_input() {
        let inputs = BakeInputs {
            files: vec!["f".to_owned()],
            targets: vec!["nope".to_owned()],
            set: vec!["gone.tags=x".to_owned()],
        };
        for (why, input) in [
            ("failed to find target nope", "targets"),
            ("could not find any target matching \"x*\"", "targets"),
            ("could not find any target matching 'gone'", "set"),
            ("unknown key: secret", "set"),
            ("invalid key web.args, args requires name", "set"),
            ("open f: no such file or directory", "bake-files"),
        ] {
            assert_eq!(problem(&inputs, why).input, input, "{why}");
        }
    }

    #[test]
    fn a_variable_that_is_not_set_is_known() {
        let definition = r#"{"secret":[{"id":"a","env":"A"},"id=b,env=B",{"id":"c","src":"f"}]}"#;
        let all: Value = serde_json::from_str(&format!(r#"{{"a":{definition}}}"#)).unwrap();
        let target = Target::look("a", all.as_object().unwrap(), &host(), DOCKERFILES).unwrap();
        assert_eq!(target.unset, ["A", "B"]);
    }

    #[test]
    fn the_words_are_buildxs_last() {
        let text = "#1 reading\n>>> x\nERROR: failed to find target nope\n";
        assert_eq!(last_words(text), "failed to find target nope");
    }
}
