//! `${{ … }}` in defaults, `with:` and `env:`, as far as single steps need it.
//!
//! Owns lookups (`github.event.repository.name`), string literals and `||`.
//! Anything else is refused by name and never guessed. Less than the runner:
//! no functions, no comparisons.
//! Specification: GitHub's "Evaluate expressions in workflows and actions".

use serde_json::{Map, Value};

use crate::Error;

/// Replaces each `${{ … }}` in `text`.
///
/// # Errors
/// An expression that is more than a lookup, a literal, or several joined by `||`.
pub(crate) fn expand(text: &str, values: &Map<String, Value>) -> Result<String, Error> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, following) = after
            .split_once("}}")
            .ok_or_else(|| Error::Expression(after.trim().into()))?;
        expanded.push_str(before);
        expanded.push_str(&evaluate(expression.trim(), values)?);
        rest = following;
    }
    Ok(expanded + rest)
}

fn evaluate(expression: &str, values: &Map<String, Value>) -> Result<String, Error> {
    let mut last = String::new();
    for operand in expression.split("||") {
        last = operand_value(operand.trim(), values)
            .ok_or_else(|| Error::Expression(expression.to_owned()))?;
        if !last.is_empty() && last != "false" {
            break;
        }
    }
    Ok(last)
}

fn operand_value(operand: &str, values: &Map<String, Value>) -> Option<String> {
    if let Some(literal) = operand
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        return (!literal.replace("''", "").contains('\'')).then(|| literal.replace("''", "'"));
    }
    let mut names = operand.split('.');
    let root = names.next()?;
    let valid = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    };
    if !valid(root) || !operand.contains('.') {
        return None;
    }
    let mut value = Some(property(values, root)?);
    for name in names {
        if !valid(name) {
            return None;
        }
        // As in the runner: a name that is not there is the empty string.
        value = value
            .and_then(Value::as_object)
            .and_then(|object| property(object, name));
    }
    Some(to_text(value))
}

fn property<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn to_text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(_)) => "Array".into(),
        Some(Value::Object(_)) => "Object".into(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn expanded(text: &str) -> Result<String, String> {
        let values = json!({"github": {"token": "t", "actor": "octocat", "event": {"number": 2, "draft": false}}});
        let values = values.as_object().cloned().unwrap_or_default();
        expand(text, &values).map_err(|error| error.to_string())
    }

    #[test]
    fn looks_up_and_joins() {
        for (text, wanted) in [
            ("plain {{date}}", "plain {{date}}"),
            ("${{ github.token }}", "t"),
            (
                "a-${{github.Actor}}-${{ github.event.number }}",
                "a-octocat-2",
            ),
            ("${{ github.nothing.at.all }}", ""),
            ("${{ github.head_ref || github.actor }}", "octocat"),
            ("${{ 'it''s' }}", "it's"),
            ("${{ github.event.draft }}", "false"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_would_have_to_guess() {
        for text in [
            "${{ matrix.os }}",
            "${{ toJSON(github) }}",
            "${{ github.actor == 'x' }}",
            "${{ github.a",
            "${{ github }}",
        ] {
            assert!(expanded(text).is_err(), "{text}");
        }
    }
}
