//! What stands in the definition of a target, as buildx prints it.

use std::path::Path;

use serde_json::{Map, Value};

use crate::input::grammar::csv;

/// A definition.
pub type Definition = Map<String, Value>;

/// A text, as it is meant.
pub fn text(definition: &Definition, key: &str) -> Option<String> {
    definition.get(key)?.as_str().map(unescaped)
}

/// A list of texts, as they are meant.
pub fn texts(definition: &Definition, key: &str) -> Vec<String> {
    let texts = list(definition, key).filter_map(Value::as_str);
    texts.map(unescaped).collect()
}

/// A map of texts; what is unset is left out.
pub fn pairs(definition: &Definition, key: &str) -> Vec<(String, String)> {
    let pairs = definition
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), unescaped(value.as_str()?))));
    pairs.collect()
}

/// Entries such as those of `cache-to`, as buildx takes them on its command
/// line: newer ones print them as objects.
pub fn entries(definition: &Definition, key: &str) -> Vec<String> {
    let entry = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(attributes) => Some(fields(attributes)),
        _ => None,
    };
    list(definition, key).filter_map(entry).collect()
}

fn list<'a>(definition: &'a Definition, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = definition.get(key).and_then(Value::as_array);
    list.into_iter().flatten()
}

fn fields(attributes: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(texts) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            texts.join(",")
        }
        other => other.to_string(),
    };
    let pairs: Vec<(String, String)> = attributes
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    csv::entry(&pairs)
}

/// The build context.
pub fn context(definition: &Definition) -> String {
    let context = text(definition, "context").unwrap_or_else(|| ".".to_owned());
    let local = context.strip_prefix("cwd://").map(str::to_owned);
    local.unwrap_or(context)
}

/// The Dockerfile, from the working directory where the context is a folder.
pub fn file(definition: &Definition) -> String {
    let file = text(definition, "dockerfile").unwrap_or_else(|| "Dockerfile".to_owned());
    if let Some(file) = file.strip_prefix("cwd://") {
        return file.to_owned();
    }
    let context = context(definition);
    if context.contains("://") || context == "." {
        file
    } else {
        Path::new(&context).join(file).display().to_string()
    }
}

/// buildx prints text as bake files have it, where `${` and `%{` begin templates.
fn unescaped(text: &str) -> String {
    text.replace("$${", "${").replace("%%{", "%{")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(text: &str) -> Definition {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_dockerfile_is_in_its_context_and_text_is_unescaped() {
        for (given, expected) in [
            ("{}", "Dockerfile"),
            (r#"{"context":"api"}"#, "api/Dockerfile"),
            (r#"{"context":"api","dockerfile":"../D"}"#, "api/../D"),
            (r#"{"context":"https://a/b.git","dockerfile":"D"}"#, "D"),
        ] {
            assert_eq!(file(&definition(given)), expected);
        }
        assert_eq!(unescaped("a$${b}%%{c}$d"), "a${b}%{c}$d");
    }

    #[test]
    fn entries_are_as_the_command_line_has_them() {
        let given = definition(
            r#"{"secret":["id=a,env=A",{"id":"b","src":"x,y"}],"ssh":[{"id":"k","paths":["/a","/b"]}]}"#,
        );
        assert_eq!(
            entries(&given, "secret"),
            ["id=a,env=A", "id=b,\"src=x,y\""]
        );
        assert_eq!(entries(&given, "ssh"), ["id=k,\"paths=/a,/b\""]);
    }
}
