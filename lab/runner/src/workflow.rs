//! Steps of a job in a workflow file.
//!
//! Owns choosing the job and telling which steps this stand-in can run: node
//! actions of this checkout, `docker://` images. Specification: GitHub's
//! "Workflow syntax". Less than the runner: no `run:`, no `if:`, no matrix, no
//! action of another repository but the one that is stood in for; `actions/checkout`
//! is left out, since the workspace is given.

use std::path::Path;

use serde::Deserialize;
use serde_yaml::{Mapping, Value};

use crate::{Error, Spec, Uses};

#[derive(Deserialize)]
struct Workflow {
    jobs: Mapping,
}

#[derive(Deserialize)]
struct Entry {
    id: Option<String>,
    uses: Option<String>,
    run: Option<Value>,
    #[serde(rename = "if")]
    condition: Option<Value>,
    #[serde(default)]
    with: Mapping,
    #[serde(default)]
    env: Mapping,
}

/// The steps of `job` (or of the only job) in a workflow file. `this` is the
/// action's name, such as `octo/stevedore`, and stands for the folder `action`;
/// `./…` is relative to `workspace`.
///
/// # Errors
/// The file cannot be read, has several jobs and none was named, or has a step
/// that this stand-in cannot run.
pub fn read_workflow(
    file: &Path,
    job: Option<&str>,
    this: &str,
    action: &Path,
    workspace: &Path,
) -> Result<Vec<Spec>, Error> {
    let text = std::fs::read_to_string(file).map_err(Error::file(file))?;
    let workflow: Workflow =
        serde_yaml::from_str(&text).map_err(|error| Error::content(file, error))?;
    let names: Vec<&str> = workflow.jobs.keys().filter_map(Value::as_str).collect();
    let name = match (job, names.as_slice()) {
        (Some(job), _) => job,
        (None, [only]) => only,
        (None, _) => {
            return Err(Error::content(
                file,
                format!("name one of the jobs: {}", names.join(", ")),
            ));
        }
    };
    let job = workflow.jobs.get(name).ok_or_else(|| {
        Error::content(
            file,
            format!("there is no job '{name}', only {}", names.join(", ")),
        )
    })?;
    let steps = job.get("steps").cloned().unwrap_or_default();
    let steps: Vec<Entry> =
        serde_yaml::from_value(steps).map_err(|error| Error::content(file, error))?;
    let specs = steps
        .into_iter()
        .map(|entry| entry.into_spec(this, action, workspace));
    specs.filter_map(Result::transpose).collect()
}

impl Entry {
    fn into_spec(self, this: &str, action: &Path, workspace: &Path) -> Result<Option<Spec>, Error> {
        let Some(uses) = self.uses.filter(|_| self.run.is_none()) else {
            return Err(Error::Unsupported("a step with `run:`".into()));
        };
        if self.condition.is_some() {
            return Err(Error::Unsupported(format!(
                "`if:` of the step that uses {uses}"
            )));
        }
        let name = uses.split('@').next().unwrap_or_default();
        let uses = if let Some(image) = uses.strip_prefix("docker://") {
            Uses::Docker(image.to_owned())
        } else if uses.starts_with("./") {
            Uses::Node(workspace.join(&uses))
        } else if name == this {
            Uses::Node(action.to_path_buf())
        } else if let Some(part) = name
            .strip_prefix(this)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Uses::Node(action.join(part))
        } else if name == "actions/checkout" {
            return Ok(None);
        } else {
            return Err(Error::Unsupported(format!(
                "an action of another repository: {uses}"
            )));
        };
        Ok(Some(Spec {
            id: self.id,
            uses,
            with: pairs(&self.with),
            env: pairs(&self.env),
        }))
    }
}

fn pairs(mapping: &Mapping) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    mapping
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(steps: &str) -> Result<Vec<Spec>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.yml");
        std::fs::write(&file, format!("jobs:\n  publish:\n    steps:\n{steps}")).unwrap();
        let (action, workspace) = (Path::new("/action"), Path::new("/checkout"));
        read_workflow(&file, None, "octo/stevedore", action, workspace)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn this_action_local_folders_and_images() {
        let steps = "    - uses: actions/checkout@v5\n    - uses: octo/stevedore@v1\n      id: publish\n      with: {push: true}\n    - uses: octo/stevedore/metadata@v1\n    - uses: ./tool\n    - uses: docker://a:b\n";
        let specs = read(steps).unwrap();
        let uses: Vec<_> = specs.iter().map(|spec| spec.uses.clone()).collect();
        let node = |folder: &str| Uses::Node(folder.into());
        assert_eq!(
            uses,
            [
                node("/action"),
                node("/action/metadata"),
                node("/checkout/./tool"),
                Uses::Docker("a:b".into())
            ]
        );
        assert_eq!(specs[0].with, [("push".to_owned(), "true".to_owned())]);
    }

    #[test]
    fn refuses_what_it_cannot_run() {
        for step in [
            "run: make",
            "uses: other/action@v1",
            "uses: octo/stevedore@v1\n      if: always()",
        ] {
            assert!(read(&format!("    - {step}\n")).is_err(), "{step}");
        }
    }
}
