//! `${{ … }}`: each context that is known becomes a literal, and the library
//! evaluates the rest.

use std::cell::Cell;
use std::collections::BTreeMap;

use github_actions_expressions::Expr;
use serde_json::{Value, json};

use crate::event::RunContext;
use crate::workflow::size::{self, FILLED, WRITTEN};

/// How much text all expressions of a step may become, in bytes.
const STEP: usize = 8 * FILLED;

/// Resolves expressions from an event.
pub struct Resolver<'a> {
    context: &'a RunContext,
    /// A secret's value never matters to a plan: its name stands for it.
    plan_only: bool,
    env: BTreeMap<String, String>,
    /// How much more text expressions may become.
    left: Cell<usize>,
}

impl<'a> Resolver<'a> {
    pub fn new(context: &'a RunContext, plan_only: bool) -> Self {
        Self {
            context,
            plan_only,
            env: BTreeMap::new(),
            left: Cell::new(STEP),
        }
    }

    /// Sets a variable of `env:`; one that cannot be resolved stays unknown.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let (value, open) = self.fill(value);
        if open.is_empty() {
            self.env.insert(name.to_ascii_uppercase(), value);
        }
    }

    /// Replaces the expressions in a text. Gives those it had to leave too.
    pub fn fill(&self, text: &str) -> (String, Vec<String>) {
        let mut filled = String::new();
        let mut open = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            filled.push_str(before);
            let Some((inner, behind)) = after.split_once("}}") else {
                return (format!("{filled}${{{{{after}"), open);
            };
            let fits = |value: &String| filled.len() + value.len() <= FILLED;
            let value = self.evaluate(inner.trim()).filter(fits);
            match value.filter(|value| self.spend(value.len()).is_some()) {
                Some(value) => filled.push_str(&value),
                None => {
                    let expression = format!("${{{{{inner}}}}}");
                    filled.push_str(&expression);
                    open.push(expression);
                }
            }
            rest = behind;
        }
        filled.push_str(rest);
        (filled, open)
    }

    /// Takes some of the text that is left.
    fn spend(&self, length: usize) -> Option<()> {
        self.left.set(self.left.get().checked_sub(length)?);
        Some(())
    }

    /// The value of an expression; `None` where it is not known here, or too much.
    fn evaluate(&self, source: &str) -> Option<String> {
        if source.len() > WRITTEN || !size::is_shallow(source) {
            return None;
        }
        let literal = self.literals(source)?;
        let expression = Expr::parse(&literal).ok()?;
        let value = size::fits_in_memory(&expression).then(|| expression.consteval())??;
        Some(value.sema().to_string())
    }

    /// The expression with every context replaced by its value.
    fn literals(&self, source: &str) -> Option<String> {
        let expression = Expr::parse(source).ok()?;
        let mut contexts: Vec<_> = expression
            .contexts()
            .into_iter()
            .map(|(_, origin)| (origin.span.as_range(), origin.raw))
            .collect();
        contexts.sort_by_key(|(range, _)| range.start);
        let mut replaced = String::new();
        let mut end = 0;
        for (range, path) in contexts {
            replaced.push_str(source.get(end..range.start)?);
            replaced.push_str(&literal(&self.look_up(path)?));
            end = range.end;
            if replaced.len() > FILLED {
                return None;
            }
        }
        replaced.push_str(source.get(end..)?);
        Some(replaced)
    }

    /// The value of a context such as `github.ref_name`; null for what the
    /// event does not have, as on GitHub; `None` for what only GitHub knows.
    fn look_up(&self, path: &str) -> Option<Value> {
        if path.contains(['[', '*']) {
            return None;
        }
        let parts: Vec<&str> = path.split('.').collect();
        match parts.as_slice() {
            ["env", name] => Some(json!(self.env.get(&name.to_ascii_uppercase())?)),
            ["secrets", _] | ["github", "token"] => {
                self.plan_only.then(|| json!(format!("({path})")))
            }
            ["github", "event", rest @ ..] => Some(
                self.context
                    .payload
                    .get(rest)
                    .cloned()
                    .unwrap_or(Value::Null),
            ),
            ["github", name] => self.github(name),
            _ => None,
        }
    }

    fn github(&self, name: &str) -> Option<Value> {
        let context = self.context;
        let payload = |path: &[&str]| context.payload.text(path).unwrap_or_default().to_owned();
        let git_ref = &context.git_ref;
        let short = ["refs/heads/", "refs/tags/", "refs/pull/"]
            .iter()
            .find_map(|prefix| git_ref.strip_prefix(prefix))
            .unwrap_or(git_ref);
        Some(json!(match name {
            "event_name" => context.event_name.clone(),
            "ref" => git_ref.clone(),
            "ref_name" => short.to_owned(),
            "ref_type" if git_ref.starts_with("refs/tags/") => "tag".to_owned(),
            "ref_type" => "branch".to_owned(),
            "sha" => context.sha.clone(),
            "repository" => context.repository.clone(),
            "repository_owner" => context.owner().to_owned(),
            "actor" | "triggering_actor" => context.actor.clone(),
            "server_url" => context.server_url.clone(),
            "api_url" => context.api_url.clone(),
            "head_ref" => payload(&["pull_request", "head", "ref"]),
            "base_ref" => payload(&["pull_request", "base", "ref"]),
            _ => return None,
        }))
    }
}

/// A value as a literal of the expression language.
fn literal(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("'{}'", text.replace('\'', "''")),
        other => format!("fromJSON('{}')", other.to_string().replace('\'', "''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Payload;

    #[test]
    fn expressions_are_evaluated_from_the_event() {
        let context = RunContext {
            event_name: "pull_request".to_owned(),
            git_ref: "refs/pull/7/merge".to_owned(),
            repository: "Acme/App".to_owned(),
            payload: Payload::new(json!({"number": 7, "pull_request": {"head": {"ref": "it's"}}})),
            ..RunContext::default()
        };
        let resolver = Resolver::new(&context, true);
        for (text, filled) in [
            ("plain", "plain"),
            (
                "a/${{ github.repository }}:${{github.event.number}}",
                "a/Acme/App:7",
            ),
            ("${{ github.head_ref }}", "it's"),
            ("${{ github.event_name != 'pull_request' }}", "false"),
            ("${{ github.event.missing || 'x' }}", "x"),
            ("${{ format('{0}-{1}', github.ref_name, 1) }}", "7/merge-1"),
            ("${{ secrets.TOKEN }}", "(secrets.TOKEN)"),
            ("${{ unclosed", "${{ unclosed"),
        ] {
            assert_eq!(resolver.fill(text), (filled.to_owned(), vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_too_long_or_too_much_is_left_open() {
        let long = "x".repeat(600_000);
        let context = RunContext {
            payload: Payload::new(json!({"long": long})),
            ..RunContext::default()
        };
        let resolver = Resolver::new(&context, true);
        let once = "${{ github.event.long }}";
        assert_eq!(resolver.fill(once), (long.clone(), vec![]));
        // The second does not fit beside the first.
        let twice = format!("{once}{once}");
        assert_eq!(
            resolver.fill(&twice),
            (format!("{long}{once}"), vec![once.to_owned()])
        );
        for source in [
            format!("${{{{ 1{} }}}}", " || 1".repeat(100_000)),
            format!(
                "${{{{ {}1{} }}}}",
                "!(".repeat(100_000),
                ")".repeat(100_000)
            ),
            "${{ format('{0}{0}', github.event.long) }}".to_owned(),
            "${{ github.event.list[0] }}".to_owned(),
        ] {
            assert_eq!(resolver.fill(&source), (source.clone(), vec![source]));
        }
        // Nor does the step as a whole grow without end.
        let filled = (0..20).filter(|_| resolver.fill(once).1.is_empty());
        assert!(filled.count() < 20);
    }

    #[test]
    fn a_real_run_has_no_stand_in_for_a_secret() {
        let context = RunContext::default();
        let text = "${{ secrets.TOKEN }}";
        let filled = Resolver::new(&context, false).fill(text);
        assert_eq!(filled, (text.to_owned(), vec![text.to_owned()]));
    }

    #[test]
    fn what_only_github_knows_is_left_open() {
        let context = RunContext::default();
        let resolver = Resolver::new(&context, true);
        for text in [
            "${{ matrix.a }}",
            "${{ vars.X }}",
            "${{ github.run_id }}",
            "${{ 1 + }}",
        ] {
            assert_eq!(
                resolver.fill(text),
                (text.to_owned(), vec![text.to_owned()])
            );
        }
    }
}
