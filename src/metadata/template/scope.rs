//! What names mean at one place of a template: contexts, loop data and block
//! parameters, each a chain from the inside out.

use crate::metadata::template::value::Value;

/// What names mean at one place of the template.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub contexts: &'a Contexts<'a>,
    pub data: Option<&'a Data<'a>>,
    pub block_params: Option<&'a BlockParams<'a>>,
}

/// `this`, `..` and so on.
pub struct Contexts<'a> {
    pub here: Value,
    pub outer: Option<&'a Contexts<'a>>,
}

/// `@key`, `@index`, `@first`, `@last` of one loop.
pub struct Data<'a> {
    pub values: [(&'static str, Value); 4],
    pub outer: Option<&'a Data<'a>>,
}

/// `as |a b|` of one block. Without values the names are there, but unusable.
pub struct BlockParams<'a> {
    pub names: &'a [String],
    pub values: Option<Vec<Value>>,
    pub outer: Option<&'a BlockParams<'a>>,
}

pub fn block_param<'a>(name: &str, scope: &Scope<'a>) -> Option<(&'a BlockParams<'a>, usize)> {
    let mut frame = scope.block_params;
    while let Some(params) = frame {
        if let Some(at) = params.names.iter().position(|other| other == name) {
            return Some((params, at));
        }
        frame = params.outer;
    }
    None
}

pub fn context(depth: usize, scope: &Scope<'_>) -> Value {
    let mut contexts = Some(scope.contexts);
    for _ in 0..depth {
        contexts = contexts.and_then(|contexts| contexts.outer);
    }
    contexts.map_or(Value::Undefined, |contexts| contexts.here.clone())
}
