//! The helpers that Handlebars has built in: `if`, `unless`, `each`, `with`,
//! `lookup`, `log`.

use crate::metadata::template::ast::{Block, Program};
use crate::metadata::template::scope::{Data, Scope};
use crate::metadata::template::value::{Hash, Value};

/// What helpers need of whoever renders.
pub trait Renders {
    /// The value, or what it gives when it is a function.
    fn lambda(&self, value: Value, this: &Value) -> Result<Value, String>;

    /// Renders the inside of a block over a context.
    fn inside(
        &self,
        program: &Program,
        here: Value,
        data: Option<&Data<'_>>,
        values: Option<Vec<Value>>,
        scope: &Scope<'_>,
    ) -> Result<String, String>;
}

/// Names that are helpers whatever the context holds. The last two exist for
/// the reader of templates only.
pub const KNOWN: [&str; 8] = [
    "if",
    "unless",
    "each",
    "with",
    "lookup",
    "log",
    "helperMissing",
    "blockHelperMissing",
];

pub fn call(
    renderer: &impl Renders,
    name: &str,
    params: &[Value],
    hash: &Hash,
    block: Option<&Block>,
    scope: &Scope<'_>,
) -> Result<Value, String> {
    match name {
        "lookup" => return lookup(params),
        "log" => return Ok(Value::Undefined),
        "helperMissing" | "blockHelperMissing" => return Err(format!("{name} is not a function")),
        _ => {}
    }
    let ([value], Some(block)) = (params, block) else {
        return Err(format!(
            "{name} is a block with one argument: {{{{#{name} …}}}}…{{{{/{name}}}}}"
        ));
    };
    let value = renderer.lambda(value.clone(), &scope.contexts.here)?;
    let part = match name {
        "each" => return each(renderer, &value, block, scope),
        "with" => return with(renderer, value, block, scope),
        "if" if holds(&value, hash) => &block.program,
        "if" => &block.inverse,
        _ if holds(&value, hash) => &block.inverse,
        _ => &block.program,
    };
    here(renderer, part.as_ref(), scope)
}

fn holds(value: &Value, hash: &Hash) -> bool {
    let zero = hash.iter().find(|(key, _)| key == "includeZero");
    let include_zero = zero.is_some_and(|(_, value)| value.truthy());
    (include_zero || value.truthy()) && !value.is_empty()
}

/// Renders a part of a block over the context around it.
fn here(
    renderer: &impl Renders,
    part: Option<&Program>,
    scope: &Scope<'_>,
) -> Result<Value, String> {
    let Some(program) = part else {
        return Ok("".into());
    };
    let here = scope.contexts.here.clone();
    let text = renderer.inside(program, here, scope.data, None, scope)?;
    Ok(text.into())
}

fn with(
    renderer: &impl Renders,
    value: Value,
    block: &Block,
    scope: &Scope<'_>,
) -> Result<Value, String> {
    if value.is_empty() {
        return here(renderer, block.inverse.as_ref(), scope);
    }
    let Some(program) = &block.program else {
        return Ok("".into());
    };
    let params = Some(vec![value.clone()]);
    let text = renderer.inside(program, value, scope.data, params, scope)?;
    Ok(text.into())
}

fn each(
    renderer: &impl Renders,
    value: &Value,
    block: &Block,
    scope: &Scope<'_>,
) -> Result<Value, String> {
    let items: Vec<(Value, Value)> = match value {
        Value::List(list) => {
            let keys = (0_u32..).map(|at| Value::Number(f64::from(at)));
            keys.zip(list.iter().cloned()).collect()
        }
        Value::Object(object) => {
            let entries = object.entries.iter();
            entries
                .map(|(key, value)| (Value::Text(key.clone()), value.clone()))
                .collect()
        }
        _ => Vec::new(),
    };
    if items.is_empty() {
        return here(renderer, block.inverse.as_ref(), scope);
    }
    let mut output = String::new();
    let Some(program) = &block.program else {
        return Ok("".into());
    };
    let count = items.len();
    for (at, (key, item)) in items.into_iter().enumerate() {
        let number = f64::from(u32::try_from(at).unwrap_or(u32::MAX));
        let data = Data {
            values: [
                ("key", key.clone()),
                ("index", Value::Number(number)),
                ("first", Value::Boolean(at == 0)),
                ("last", Value::Boolean(at + 1 == count)),
            ],
            outer: scope.data,
        };
        let params = Some(vec![item.clone(), key]);
        output.push_str(&renderer.inside(program, item, Some(&data), params, scope)?);
    }
    Ok(output.into())
}

/// `{{#value}}…{{/value}}`: a loop, a condition or a change of context,
/// whichever the value is good for.
pub fn of_value(
    renderer: &impl Renders,
    value: &Value,
    block: &Block,
    scope: &Scope<'_>,
) -> Result<Value, String> {
    match value {
        Value::Boolean(true) => here(renderer, block.program.as_ref(), scope),
        Value::Boolean(false) | Value::Null | Value::Undefined => {
            here(renderer, block.inverse.as_ref(), scope)
        }
        Value::List(_) => each(renderer, value, block, scope),
        value => {
            let Some(program) = &block.program else {
                return Ok("".into());
            };
            let text = renderer.inside(program, value.clone(), scope.data, None, scope)?;
            Ok(text.into())
        }
    }
}

fn lookup(params: &[Value]) -> Result<Value, String> {
    match params {
        [object, name] if object.is_some() && object.truthy() => Ok(object.property(&name.text()?)),
        [object, ..] if !object.truthy() => Ok(object.clone()),
        _ => Err("lookup takes a value and a name".to_owned()),
    }
}
