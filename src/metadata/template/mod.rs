//! Templates: Handlebars 4.7, as the tag language is defined by it.
//!
//! Owns the language: reading, white-space control, rendering, the built-in
//! helpers. What `branch` or `date` mean is for whoever renders. Own code,
//! since the `handlebars` crate differs from Handlebars in what it accepts and
//! how it prints (`{{branch}}}`, `{{.}}`, `{{#unknown}}`, `{{prerelease.length}}`,
//! arrays, escapes in strings), which no check around it could mend, and since
//! it overflows the stack on deep nesting. Partials and decorators have nothing
//! to refer to here: using one is an error.

mod assemble;
mod ast;
mod helpers;
mod lexer;
mod parser;
mod render;
mod scan;
mod scope;
mod value;
mod whitespace;

pub(crate) use crate::metadata::template::render::Functions;
pub(crate) use crate::metadata::template::render::Hash;
pub(crate) use crate::metadata::template::value::Function;
pub(crate) use crate::metadata::template::value::Object;
pub(crate) use crate::metadata::template::value::Value;

/// Longest template, in bytes. A workflow's inputs are far below.
const LONGEST: usize = 64 * 1024;

/// Renders a template over a root value.
///
/// # Errors
/// Says why the template cannot be read or rendered.
pub(crate) fn render(
    template: &str,
    root: &Value,
    functions: &dyn Functions,
) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    let mut program = parse(template)?;
    whitespace::control(&mut program);
    render::render(&program, root, functions)
}

/// True when the template is one expression that names `raw`.
pub(crate) fn is_raw(template: &str) -> bool {
    parse(template).is_ok_and(|program| match program.body.as_slice() {
        [ast::Statement::Mustache(mustache)] => match &mustache.call.path {
            ast::Expression::Path(path) => path.parts == ["raw"],
            _ => false,
        },
        _ => false,
    })
}

fn parse(template: &str) -> Result<ast::Program, String> {
    if template.len() > LONGEST {
        return Err(format!("the template is longer than {LONGEST} bytes"));
    }
    parser::parse(lexer::tokens(template)?)
}
