//! Runs a template.

use crate::metadata::template::ast::{self};
use crate::metadata::template::render::{self, Functions};
use crate::metadata::template::value::Value;
use crate::metadata::template::{lexer, parser, whitespace};

/// Longest template, in bytes. A workflow's inputs are far below.
const LONGEST: usize = 64 * 1024;

/// Renders a template over a root value.
///
/// # Errors
/// Says why the template cannot be read or rendered.
pub fn render(template: &str, root: &Value, functions: &dyn Functions) -> Result<String, String> {
    if !template.contains("{{") {
        return Ok(template.to_owned());
    }
    let mut program = parse(template)?;
    whitespace::control(&mut program);
    render::render(&program, root, functions)
}

/// True when the template is one expression that names `raw`.
pub fn is_raw(template: &str) -> bool {
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
