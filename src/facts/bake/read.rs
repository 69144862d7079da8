//! What buildx makes of bake files.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::InputProblem;
use crate::error::sanitize::{WORDS, clean};
use crate::facts::bake::logins::{self, SetLogin};
use crate::facts::bake::reach::Allowed;
use crate::facts::bake::target::Target;
use crate::facts::bake::{compose, definition};
use crate::host::{Command, Host, file};
use crate::input::address::GitLogin;
use crate::input::{BakeInputs, Inputs, secrets_of};
use crate::secret::Secret;
use crate::{document, env_vars};

/// How long buildx may take to read the files.
const PATIENCE: Duration = Duration::from_secs(30);
/// The group that holds what was asked for.
const ASKED_FOR: &str = "default";
/// What is empty for bake files: the runner's own tokens, and where they are used.
const TOKENS: [&str; 4] = [
    env_vars::ACTIONS_RUNTIME_TOKEN,
    env_vars::ACTIONS_RUNTIME_URL,
    env_vars::ACTIONS_ID_TOKEN_REQUEST_TOKEN,
    env_vars::ACTIONS_ID_TOKEN_REQUEST_URL,
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
#[derive(Clone, Debug, Default)]
pub struct Bake {
    /// The targets that are built, in the order of their names.
    pub targets: Vec<Target>,
    /// The logins for Git repositories that stood in addresses.
    pub git_logins: Vec<GitLogin>,
    /// Everything in the files that is to be hidden.
    pub secrets: Vec<Secret>,
}

impl Bake {
    /// Asks buildx; nothing where no bake files are given.
    ///
    /// # Errors
    /// When it cannot be asked, or cannot read the files; in its words.
    pub async fn read(
        host: &Host,
        buildx: Option<&Path>,
        given: &Inputs,
    ) -> Result<Self, InputProblem> {
        let Some(inputs) = &given.bake else {
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
        let allowed = Allowed::of(&given.build.allow, host);
        compose::check(&inputs.files, host, &allowed)?;
        let (set, of_set) = logins::take_out_of_set(&inputs.set)?;
        let command = Command::new(buildx)
            .args(["bake", "--print"])
            .args(options("--file", &inputs.files))
            .args(options("--set", &set))
            .args(["--"])
            .args(&inputs.targets);
        let command = TOKENS
            .iter()
            .fold(command, |command, name| command.env(name, ""));
        let printed = tokio::time::timeout(PATIENCE, command.read(host)).await;
        let printed = match printed {
            Ok(Ok(printed)) => printed,
            Ok(Err(error)) if error.kind() == ErrorKind::FileTooLarge => {
                return Err(problem(&format!("buildx {error}")));
            }
            Ok(Err(error)) => return Err(problem(&last_words(&error.to_string()))),
            Err(_) => return Err(problem("buildx did not read them in 30 s")),
        };
        Self::parse(&printed, host, &allowed, &of_set).map_err(|why| problem(&why))
    }

    /// Reads what buildx prints, with nothing allowed and no `set`.
    #[cfg(any(test, fuzzing))]
    pub fn of_text(printed: &str, host: &Host) -> Result<Self, String> {
        Self::parse(printed, host, &Allowed::of(&[], host), &[])
    }

    /// Reads `{"group": {"default": {"targets": [...]}}, "target": {NAME: {...}}}`.
    ///
    /// # Errors
    /// With what is wrong with it.
    fn parse(
        printed: &str,
        host: &Host,
        allowed: &Allowed,
        of_set: &[SetLogin],
    ) -> Result<Self, String> {
        let nothing = || "buildx reported no targets for them".to_owned();
        let mut printed: Value = document::json(printed.as_bytes()).map_err(|_| nothing())?;
        let all = printed.get_mut("target").and_then(Value::as_object_mut);
        let found = logins::take_logins(all.ok_or_else(nothing)?, of_set);
        let part = |name: &str| {
            printed
                .get(name)
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
            let look = Target::inspect(name, all, host, allowed, text);
            let mut target = look.ok_or_else(nothing)?;
            let dockerfile = target.workspace.dockerfile.as_deref();
            text = text.saturating_sub(dockerfile.map_or(0, str::len));
            related = related
                .checked_sub(size(&target.family))
                .ok_or_else(|| "too many of their targets are made from one another".to_owned())?;
            target.take_logins(&found);
            targets.push(target);
        }
        if targets.is_empty() {
            return Err(nothing());
        }
        let attributes = attribute_secrets(all);
        Ok(Self {
            targets,
            git_logins: found.all,
            secrets: found.secrets.into_iter().chain(attributes).collect(),
        })
    }
}

/// The secrets in attributes of caches and outputs.
fn attribute_secrets(all: &Map<String, Value>) -> Vec<Secret> {
    let definitions = all.values().filter_map(Value::as_object);
    let entries = definitions.flat_map(|one| {
        let keys = ["cache-from", "cache-to", "output"];
        keys.into_iter()
            .flat_map(|key| definition::entries(one, key))
    });
    entries.flat_map(|entry| secrets_of(&entry)).collect()
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
            if targets.contains_key(inner) {
                found.push(inner)
            } else {
                collect(groups, inner, targets, seen, found)
            }
        }
    }
}

/// How much text the definitions are, in bytes.
fn size(definitions: &Map<String, Value>) -> usize {
    let sizes = definitions.values().map(|one| one.to_string().len());
    sizes.sum()
}

/// What buildx said at the end.
fn last_words(text: &str) -> String {
    let last = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("ERROR: "));
    clean(last.unwrap_or("buildx could not read them"), WORDS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn host() -> Host {
        Host::with(&[], Path::new("/nowhere"), jiff::Timestamp::UNIX_EPOCH)
    }

    fn parsed(printed: &str) -> Result<Bake, String> {
        Bake::of_text(printed, &host())
    }

    fn names(printed: &str) -> Option<Vec<String>> {
        let bake = parsed(printed).ok()?;
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
            let printed = format!(r#"{{"group":{{{groups}}},{targets}}}"#);
            assert_eq!(names(&printed).unwrap(), expected);
        }
        for printed in [
            "",
            "{}",
            r#"{"group":{"default":{"targets":["a"]}},"target":{}}"#,
        ] {
            assert_eq!(names(printed), None, "{printed}");
        }
        for hostile in ["../a", "--push", "a b", ""] {
            let printed = format!(
                r#"{{"group":{{"default":{{"targets":["{hostile}"]}}}},"target":{{"{hostile}":{{}}}}}}"#
            );
            assert_eq!(names(&printed), None, "{hostile}");
        }
    }

    #[test]
    fn what_is_too_much_to_plan_is_refused() {
        let printed = |count: usize| {
            let names: Vec<String> = (0..count).map(|at| format!("t{at}")).collect();
            let targets: Map<String, Value> =
                names.iter().map(|name| (name.clone(), json!({}))).collect();
            json!({"group": {"default": {"targets": names}}, "target": targets}).to_string()
        };
        assert_eq!(names(&printed(MOST_TARGETS)).unwrap().len(), MOST_TARGETS);
        let refused = |printed: &str| parsed(printed).unwrap_err();
        let many = refused(&printed(MOST_TARGETS + 1));
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
    fn a_target_brings_what_it_is_made_from() {
        let printed = r#"{"group":{"default":{"targets":["api","web"]}},"target":{"web":{},
            "api":{"contexts":{"b":"target:base","x":"docker-image://a"}},
            "base":{"contexts":{"a":"target:api","o":"target:os"}},"os":{}}}"#;
        let bake = parsed(printed).unwrap();
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
    fn the_words_are_buildxs_last() {
        let text = "#1 reading\n>>> x\nERROR: failed to find target nope\n";
        assert_eq!(last_words(text), "failed to find target nope");
    }
}
