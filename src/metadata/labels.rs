//! Labels and annotations: the OCI image specification's own keys, then those
//! of the inputs, which overrule them.

use std::collections::HashMap;

use crate::error::InputProblem;
use crate::input::grammar::list::Entry;
use crate::metadata::collate;
use crate::metadata::expressions::Expressions;
use crate::metadata::moment::{self, ZonedNow};

/// `KEY=VALUE` for each key, in the order of the keys.
///
/// # Errors
/// Every entry whose template cannot be rendered.
pub fn resolve(
    input: &str,
    entries: &[Entry],
    version: Option<&str>,
    expressions: &Expressions<'_>,
) -> Result<Vec<String>, Vec<InputProblem>> {
    let mut all = default_labels(version, expressions);
    let mut problems = Vec::new();
    for entry in entries {
        match expressions.render(&entry.text) {
            Ok(text) => all.push(text),
            Err(why) => {
                let accepted = "KEY=VALUE, with expressions as in docs/tags.md";
                let problem = InputProblem::new(input, &entry.text, why, accepted);
                problems.push(problem.at(entry.line, entry.column));
            }
        }
    }
    if problems.is_empty() {
        Ok(merge(&all))
    } else {
        Err(problems)
    }
}

/// The keys that say where an image comes from.
fn default_labels(version: Option<&str>, expressions: &Expressions<'_>) -> Vec<String> {
    let facts = expressions.facts;
    let clock = ZonedNow {
        local: facts.time_zone.clone(),
    };
    let now = clock.moment(facts.now, "UTC");
    let created = moment::format(&now, "YYYY-MM-DDTHH:mm:ss.SSS[Z]").unwrap_or_default();
    let repository = &facts.repository;
    let values = [
        ("title", repository.name.as_str()),
        (
            "description",
            repository.description.as_deref().unwrap_or_default(),
        ),
        ("url", &repository.html_url),
        ("source", &repository.html_url),
        ("version", version.unwrap_or_default()),
        ("created", &created),
        ("revision", &expressions.context.sha),
        (
            "licenses",
            repository.license.as_deref().unwrap_or_default(),
        ),
    ];
    let label = |(key, value)| format!("org.opencontainers.image.{key}={value}");
    values.into_iter().map(label).collect()
}

/// The last value of each key, sorted; what has no `=` is left out.
fn merge(all: &[String]) -> Vec<String> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut pairs: Vec<(&str, &str)> = Vec::new();
    for (key, value) in all.iter().filter_map(|label| label.split_once('=')) {
        let place = *places.entry(key).or_insert(pairs.len());
        match pairs.get_mut(place) {
            Some(pair) => pair.1 = value,
            None => pairs.push((key, value)),
        }
    }
    pairs.sort_by(|a, b| collate::compare(a.0, b.0));
    let label = |(key, value): (&str, &str)| format!("{key}={value}");
    pairs.into_iter().map(label).collect()
}
