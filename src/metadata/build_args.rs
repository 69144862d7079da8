//! Expressions in the values of build arguments: `VERSION={{version}}`.
//!
//! The names are those of the metadata language, and `version`. A value with any
//! other name is a template of somebody else's, such as Go's, and stays as it is.

use crate::input::MetadataInputs;
use crate::metadata::expressions::Expressions;
use crate::metadata::facts::{Facts, TagContext};

/// A build argument, after its expressions were replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildArgument {
    /// `NAME=VALUE`.
    Filled(String),
    /// As it was given: this is no expression of ours.
    Foreign {
        /// `NAME=VALUE`.
        text: String,
        /// What is not known, or cannot be read.
        expression: String,
    },
}

impl BuildArgument {
    /// What buildx is passed.
    pub fn text(&self) -> &str {
        match self {
            Self::Filled(text) | Self::Foreign { text, .. } => text,
        }
    }
}

/// Replaces the expressions in `NAME=VALUE`. `version` is that of the image, empty
/// where no rule gave one.
pub fn fill(
    argument: &str,
    version: &str,
    inputs: &MetadataInputs,
    context: &TagContext,
    facts: &Facts,
) -> BuildArgument {
    let filled = |text: String| BuildArgument::Filled(text);
    let Some((name, value)) = argument
        .split_once('=')
        .filter(|(_, value)| value.contains("{{"))
    else {
        return filled(argument.to_owned());
    };
    let foreign = |expression: &str| BuildArgument::Foreign {
        text: argument.to_owned(),
        expression: expression.to_owned(),
    };
    match unescaped(value) {
        Err(expression) => foreign(expression),
        Ok(template) => {
            let expressions = Expressions::new(&context.0, facts, inputs).with_version(version);
            match expressions.render(&template) {
                Ok(value) => filled(format!("{name}={value}")),
                Err(_) => foreign(value),
            }
        }
    }
}

/// The template with each expression in three braces, so that its value is not
/// escaped as HTML.
///
/// # Errors
/// The first expression that is not known.
fn unescaped(value: &str) -> Result<String, &str> {
    let mut template = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("{{") {
        let after = after.strip_prefix('{').unwrap_or(after);
        let (expression, following) = after.split_once("}}").ok_or(after)?;
        let name = expression.split_whitespace().next().unwrap_or_default();
        if !Expressions::knows(name) {
            return Err(expression.trim());
        }
        template += &format!("{before}{{{{{{{expression}}}}}}}");
        rest = following.strip_prefix('}').unwrap_or(following);
    }
    Ok(template + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_that_are_known_are_not_escaped_as_html() {
        for (value, expected) in [
            ("{{version}}-x", Ok("{{{version}}}-x")),
            ("{{date 'YYYY'}}{{{sha}}}", Ok("{{{date 'YYYY'}}}{{{sha}}}")),
            ("{{.Version}}", Err(".Version")),
            ("{{ env.HOME }}", Err("env.HOME")),
            ("{{version", Err("version")),
            ("plain", Ok("plain")),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(unescaped(value), expected, "{value}");
        }
    }
}
