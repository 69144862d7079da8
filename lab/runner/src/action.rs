//! action.yml of a Node action.
//!
//! Owns reading it and resolving a step's inputs against it.
//! Specification: GitHub's "Metadata syntax for actions".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};
use serde_yaml::Mapping;

use crate::{Error, expression};

/// What the runner takes from action.yml.
#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) main: PathBuf,
    pub(crate) post: Option<PathBuf>,
    /// Names and defaults, in the file's order; expressions not yet resolved.
    inputs: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    inputs: Mapping,
    runs: Runs,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Runs {
    using: String,
    main: Option<String>,
    post: Option<String>,
    post_if: Option<String>,
}

/// A step's inputs as the runner hands them over.
pub(crate) struct Inputs {
    /// By name, as written in the workflow or in action.yml.
    pub(crate) values: Vec<(String, String)>,
    /// Names that the workflow gives and action.yml does not declare.
    pub(crate) unexpected: Vec<String>,
    /// Names that action.yml declares.
    pub(crate) declared: Vec<String>,
}

impl Action {
    /// Reads `action.yml` (or `action.yaml`) in `folder`.
    pub(crate) fn read(folder: &Path) -> Result<Self, Error> {
        let mut file = folder.join("action.yml");
        if !file.exists() && folder.join("action.yaml").exists() {
            file = folder.join("action.yaml");
        }
        let text = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
        let manifest: Manifest =
            serde_yaml::from_str(&text).map_err(|error| Error::content(&file, error))?;
        let runs = manifest.runs;
        if !matches!(runs.using.as_str(), "node20" | "node24") {
            return Err(Error::Unsupported(format!("runs.using: {}", runs.using)));
        }
        if let Some(condition) = runs.post_if.filter(|condition| condition != "always()") {
            return Err(Error::Unsupported(format!("post-if: {condition}")));
        }
        let main = runs
            .main
            .ok_or_else(|| Error::content(&file, "runs.main is missing"))?;
        Ok(Self {
            main: folder.join(main),
            post: runs.post.map(|post| folder.join(post)),
            inputs: declared(&manifest.inputs).map_err(|reason| Error::content(&file, reason))?,
        })
    }

    /// The given values, then the defaults of the inputs that were not given.
    pub(crate) fn resolve(
        &self,
        given: &[(String, String)],
        values: &Map<String, Value>,
    ) -> Result<Inputs, Error> {
        let is = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let mut resolved = given.to_vec();
        for (name, default) in &self.inputs {
            if !given.iter().any(|(other, _)| is(other, name)) {
                resolved.push((name.clone(), expression::expand(default, values)?));
            }
        }
        let unexpected = given
            .iter()
            .filter(|(name, _)| !self.inputs.iter().any(|(other, _)| is(other, name)))
            .map(|(name, _)| name.clone())
            .collect();
        let declared = self.inputs.iter().map(|(name, _)| name.clone()).collect();
        Ok(Inputs {
            values: resolved,
            unexpected,
            declared,
        })
    }
}

fn declared(inputs: &Mapping) -> Result<Vec<(String, String)>, String> {
    inputs
        .iter()
        .map(|(name, input)| {
            let name = name.as_str().ok_or("inputs: a name is not a string")?;
            let default = match input.get("default") {
                None | Some(serde_yaml::Value::Null) => String::new(),
                Some(serde_yaml::Value::String(text)) => text.clone(),
                Some(serde_yaml::Value::Bool(value)) => value.to_string(),
                Some(serde_yaml::Value::Number(number)) => number.to_string(),
                Some(_) => return Err(format!("inputs.{name}.default is no scalar")),
            };
            Ok((name.to_owned(), default))
        })
        .collect()
}

/// The environment variables of inputs: `INPUT_` and the name in upper case,
/// spaces as underscores, hyphens kept.
pub(crate) fn input_variables(inputs: &[(String, String)]) -> BTreeMap<String, String> {
    inputs
        .iter()
        .map(|(name, value)| {
            (
                format!("INPUT_{}", name.replace(' ', "_").to_uppercase()),
                value.clone(),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(inputs: &str) -> Action {
        let folder = tempfile::tempdir().unwrap();
        let text = format!("name: x\nruns: {{using: node24, main: m.cjs}}\ninputs:\n{inputs}");
        std::fs::write(folder.path().join("action.yml"), text).unwrap();
        Action::read(folder.path()).unwrap()
    }

    #[test]
    fn given_values_win_over_defaults_and_unknown_names_arrive() {
        let action = action(
            "  push: {default: true}\n  build-args: {}\n  registry token: {default: '${{ github.token }}'}\n",
        );
        let values = crate::Context {
            token: "t".into(),
            ..Default::default()
        }
        .expression_values();
        let given = [
            ("Build-Args".to_owned(), "A=1\nB=2".to_owned()),
            ("pusch".to_owned(), "x".to_owned()),
        ];
        let inputs = action.resolve(&given, &values).unwrap();
        assert_eq!(inputs.unexpected, ["pusch"]);
        let variables = input_variables(&inputs.values);
        let pairs: Vec<_> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("INPUT_BUILD-ARGS", "A=1\nB=2"),
                ("INPUT_PUSCH", "x"),
                ("INPUT_PUSH", "true"),
                ("INPUT_REGISTRY_TOKEN", "t")
            ]
        );
    }

    #[test]
    fn other_kinds_of_action_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("action.yml"),
            "runs: {using: composite, steps: []}",
        )
        .unwrap();
        let error = Action::read(folder.path()).unwrap_err().to_string();
        assert_eq!(
            error,
            "not supported by this stand-in: runs.using: composite"
        );
    }
}
