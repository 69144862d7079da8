//! The step of a workflow file.

use std::path::Path;

use serde_yaml::Value;

use crate::document::yaml;
use crate::error::InputProblem;
use crate::event::RunContext;
use crate::host::file;
use crate::input::RawInputs;
use crate::input::spec::ActionKind;
use crate::workflow::expression::Resolver;

/// The option that names the file.
const OPTION: &str = "--workflow";
const ACCEPTED: &str = "a workflow file with a step that uses this action";
/// How large a workflow file may be, in bytes.
const LARGEST: usize = 512 * 1024;

/// The inputs of a step, resolved as far as they can be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Inputs by name, in the order of the file.
    pub with: Vec<(String, String)>,
    /// What was left as it stands: the input, and the expression in it.
    pub unresolved: Vec<(String, String)>,
}

/// What is told of a step's inputs that could not be resolved.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unresolved {
    /// What goes on all the same.
    pub warnings: Vec<String>,
    /// What a real run cannot go on with.
    pub problems: Vec<InputProblem>,
}

impl Step {
    /// Sets the step's inputs. One whose expression is left open is named,
    /// unless `overruled` says that it is given otherwise: a plan shows the
    /// expression, and a real run (`plan_only` is false) never acts on it.
    pub fn apply(
        &self,
        raw: &mut RawInputs,
        plan_only: bool,
        overruled: impl Fn(&str) -> bool,
    ) -> Unresolved {
        for (name, value) in &self.with {
            raw.set(name, value);
        }
        let mut open = Unresolved::default();
        for (name, expression) in self.unresolved.iter().filter(|(name, _)| !overruled(name)) {
            let give = format!("give it with --with {name}=VALUE");
            let secret = expression.contains("secrets.") || expression.contains("github.token");
            if plan_only {
                open.warnings.push(format!(
                    "{expression} is not known here: `{name}` is left as it stands; {give}"
                ));
            } else if secret {
                raw.set(name, "");
                open.warnings.push(format!(
                    "{expression} is not known here: `{name}` is left out; \
                     give it as the environment variable INPUT_{}",
                    name.to_uppercase()
                ));
            } else {
                let why = "is not known outside GitHub";
                open.problems
                    .push(InputProblem::new(name, expression, why, give));
            }
        }
        open
    }
}

/// Reads the step that uses this action, in the given job or the only one.
///
/// # Errors
/// When the file is not a workflow, or no step or several jobs use this action.
pub fn read(
    path: &Path,
    job: Option<&str>,
    part: ActionKind,
    context: &RunContext,
    plan_only: bool,
) -> Result<Step, InputProblem> {
    let name = path.display().to_string();
    let text = file::read_text(path, LARGEST)
        .map_err(|error| InputProblem::new(OPTION, &name, error.to_string(), ACCEPTED))?;
    let step = StepQuery { job, part };
    step.find(&name, &text, context, plan_only)
}

/// The step that is looked for.
pub struct StepQuery<'a> {
    /// The job that it is in; `None` for the only one that has such a step.
    pub job: Option<&'a str>,
    /// The part of the action that it uses.
    pub part: ActionKind,
}

impl StepQuery<'_> {
    /// Finds the step in the text of a workflow file.
    ///
    /// # Errors
    /// As [`read`].
    pub fn find(
        &self,
        name: &str,
        text: &str,
        context: &RunContext,
        plan_only: bool,
    ) -> Result<Step, InputProblem> {
        let &Self { job, part } = self;
        let problem = |why: String, accepted: &str| InputProblem::new(OPTION, name, why, accepted);
        let workflow: Value =
            yaml::read(text).map_err(|unreadable| unreadable.of_input(OPTION, name, ACCEPTED))?;
        let found: Vec<Found<'_>> = steps(&workflow, part)
            .filter(|found| job.is_none_or(|job| job == found.job))
            .collect();
        let Some(first) = found.first() else {
            return Err(problem(
                "has no step that uses this action".to_owned(),
                ACCEPTED,
            ));
        };
        if found.iter().any(|other| other.job != first.job) {
            let mut jobs: Vec<&str> = found.iter().map(|found| found.job).collect();
            jobs.dedup();
            let why = format!("several jobs use this action: {}", jobs.join(", "));
            return Err(problem(why, "--job with one of them"));
        }
        Ok(resolve(first, &workflow, context, plan_only))
    }
}

struct Found<'a> {
    job: &'a str,
    definition: &'a Value,
    step: &'a Value,
}

fn steps(workflow: &Value, part: ActionKind) -> impl Iterator<Item = Found<'_>> {
    let jobs = workflow.get("jobs").and_then(Value::as_mapping);
    jobs.into_iter()
        .flatten()
        .flat_map(move |(name, definition)| {
            let steps = definition.get("steps").and_then(Value::as_sequence);
            steps
                .into_iter()
                .flatten()
                .filter(move |step| uses_this_action(step, part))
                .map(move |step| Found {
                    job: name.as_str().unwrap_or_default(),
                    definition,
                    step,
                })
        })
}

/// `OWNER/stevedore@REF`, the action of this very repository (`./`), or an
/// image of that name; for a part of it, its folder in either.
fn uses_this_action(step: &Value, part: ActionKind) -> bool {
    let Some(uses) = step.get("uses").and_then(Value::as_str) else {
        return false;
    };
    let name = env!("CARGO_PKG_NAME");
    let path = uses.split('@').next().unwrap_or_default();
    let folder = match part.folder() {
        "" => Some(path),
        own => path
            .strip_suffix(own)
            .and_then(|path| path.strip_suffix('/')),
    };
    let Some(folder) = folder else {
        return false;
    };
    let image = uses
        .strip_prefix("docker://")
        .unwrap_or_default()
        .split([':', '@'])
        .next()
        .unwrap_or_default();
    matches!(folder, "." | "./")
        || folder.rsplit('/').next() == Some(name)
        || image.rsplit('/').next() == Some(name)
}

fn resolve(found: &Found<'_>, workflow: &Value, context: &RunContext, plan_only: bool) -> Step {
    let mut resolver = Resolver::new(context, plan_only);
    for level in [workflow, found.definition, found.step] {
        for (name, value) in pairs(level.get("env")) {
            resolver.set_env(&name, &value);
        }
    }
    let mut step = Step::default();
    for (name, value) in pairs(found.step.get("with")) {
        let (value, open) = resolver.fill(&value);
        step.unresolved.extend(
            open.into_iter()
                .map(|expression| (name.clone(), expression)),
        );
        step.with.push((name, value));
    }
    step
}

/// The entries of a mapping, scalars as the runner writes them.
fn pairs(mapping: Option<&Value>) -> Vec<(String, String)> {
    let entries = mapping.and_then(Value::as_mapping).into_iter().flatten();
    entries
        .filter_map(|(name, value)| {
            let value = match value {
                Value::String(text) => text.clone(),
                Value::Bool(value) => value.to_string(),
                Value::Number(value) => value.to_string(),
                Value::Null => String::new(),
                _ => return None,
            };
            Some((name.as_str()?.to_owned(), value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read_text(text: &str, job: Option<&str>) -> Result<Step, InputProblem> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.yml");
        fs::write(&file, text).unwrap();
        let context = RunContext {
            repository: "Acme/App".to_owned(),
            event_name: "push".to_owned(),
            ..RunContext::default()
        };
        read(&file, job, ActionKind::Publish, &context, true)
    }

    const TWO_JOBS: &str = "
env: {NAME: app}
jobs:
  test: {steps: [{run: make test}]}
  one:
    steps:
      - uses: acme/stevedore@v1
        with:
          images: ghcr.io/${{ github.repository_owner }}/${{ env.NAME }}
          push: true
          password: ${{ secrets.TOKEN }}
          target: ${{ matrix.target }}
  two: {steps: [{uses: ./}]}
";

    #[test]
    fn inputs_are_resolved_and_what_is_not_is_named() {
        let step = read_text(TWO_JOBS, Some("one")).unwrap();
        assert_eq!(step.with[0].1, "ghcr.io/Acme/app");
        assert_eq!(step.with[1], ("push".to_owned(), "true".to_owned()));
        assert_eq!(step.with[3].1, "${{ matrix.target }}");
        assert_eq!(
            step.unresolved,
            [("target".to_owned(), "${{ matrix.target }}".to_owned())]
        );
    }

    #[test]
    fn several_jobs_ask_for_a_choice() {
        let problem = read_text(TWO_JOBS, None).unwrap_err();
        assert!(problem.to_string().contains("one, two"), "{problem}");
        assert!(read_text("jobs: {a: {steps: [{uses: actions/checkout@v5}]}}", None).is_err());
        assert!(read_text("jobs: [", None).unwrap_err().position.is_some());
    }

    #[test]
    fn only_this_action_is_found() {
        for (uses, found) in [
            ("acme/stevedore@v1", true),
            ("./", true),
            ("docker://ghcr.io/acme/stevedore:1", true),
            ("acme/stevedore-tools@v1", false),
            ("stevedore/other@v1", false),
        ] {
            let step: Value = serde_yaml::from_str(&format!("uses: {uses}")).unwrap();
            assert_eq!(
                uses_this_action(&step, ActionKind::Publish),
                found,
                "{uses}"
            );
        }
        for (uses, found) in [
            ("acme/stevedore/metadata@v1", true),
            ("./metadata", true),
            ("acme/stevedore@v1", false),
            ("acme/other/metadata@v1", false),
        ] {
            let step: Value = serde_yaml::from_str(&format!("uses: {uses}")).unwrap();
            assert_eq!(
                uses_this_action(&step, ActionKind::Metadata),
                found,
                "{uses}"
            );
        }
    }
}
