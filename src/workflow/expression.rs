//! `${{ … }}`: each context that is known becomes a literal, and the library
//! evaluates the rest.

use std::collections::BTreeMap;

use github_actions_expressions::Expr;
use serde_json::{Value, json};

use crate::event::RunContext;

/// Resolves expressions from an event.
pub(super) struct Resolver<'a> {
    context: &'a RunContext,
    /// A secret's value never matters to a plan: its name stands for it.
    plan_only: bool,
    env: BTreeMap<String, String>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(context: &'a RunContext, plan_only: bool) -> Self {
        Self {
            context,
            plan_only,
            env: BTreeMap::new(),
        }
    }

    /// Sets a variable of `env:`; one that cannot be resolved stays unknown.
    pub(super) fn set_env(&mut self, name: &str, value: &str) {
        let (value, open) = self.fill(value);
        if open.is_empty() {
            self.env.insert(name.to_ascii_uppercase(), value);
        }
    }

    /// Replaces the expressions in a text. Gives those it had to leave too.
    pub(super) fn fill(&self, text: &str) -> (String, Vec<String>) {
        let mut filled = String::new();
        let mut open = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            filled.push_str(before);
            let Some((inner, behind)) = after.split_once("}}") else {
                return (format!("{filled}${{{{{after}"), open);
            };
            match self.evaluate(inner.trim()) {
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

    fn evaluate(&self, source: &str) -> Option<String> {
        let literal = self.literals(source)?;
        let value = Expr::parse(&literal).ok()?.consteval()?;
        Some(value.sema().to_string())
    }

    /// The expression with every context replaced by its value.
    fn literals(&self, source: &str) -> Option<String> {
        let expression = Expr::parse(source).ok()?;
        let mut replaced = source.to_owned();
        let mut contexts = expression.contexts();
        contexts.sort_by_key(|(_, origin)| std::cmp::Reverse(origin.span.as_range().start));
        for (_, origin) in contexts {
            let value = literal(&self.look_up(origin.raw)?);
            replaced.replace_range(origin.span.as_range(), &value);
        }
        Some(replaced)
    }

    /// The value of a context such as `github.ref_name`; null for what the
    /// event does not have, as on GitHub; `None` for what only GitHub knows.
    fn look_up(&self, path: &str) -> Option<Value> {
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
