//! Rendering. Follows the code that Handlebars 4.7 compiles a template to.

use std::cell::Cell;

use crate::metadata::template::assemble::spelling;
use crate::metadata::template::ast::{Block, Call, Expression, Path, Program, Statement};
use crate::metadata::template::helpers::{self, Renders};
use crate::metadata::template::scope::{BlockParams, Contexts, Data, Scope, block_param, context};
use crate::metadata::template::value::{Hash, Value};

/// Calls the functions that a root value holds.
pub trait Functions {
    /// Calls a function on `this`. `options` is there when the template calls
    /// it by name, and absent when a helper or a path comes upon it.
    fn call(
        &self,
        function: &str,
        this: &Value,
        params: &[Value],
        options: Option<&Hash>,
    ) -> Result<Value, String>;
}

/// Statements that one template may run, loops included.
const MOST_STEPS: usize = 100_000;
/// Longest text that one template may give, in bytes.
const LONGEST: usize = 1024 * 1024;

pub fn render(
    program: &Program,
    root: &Value,
    functions: &dyn Functions,
) -> Result<String, String> {
    let renderer = Renderer {
        root,
        functions,
        steps: Cell::new(0),
    };
    let scope = Scope {
        contexts: &Contexts {
            here: root.clone(),
            outer: None,
        },
        data: None,
        block_params: None,
    };
    renderer.program(program, &scope)
}

struct Renderer<'a> {
    root: &'a Value,
    functions: &'a dyn Functions,
    steps: Cell<usize>,
}

/// How a name is to be resolved.
#[derive(PartialEq, Eq)]
enum NameUse {
    Value,
    Helper,
    Ambiguous,
}

impl Renderer<'_> {
    fn program(&self, program: &Program, scope: &Scope<'_>) -> Result<String, String> {
        let mut output = String::new();
        for statement in &program.body {
            self.steps.set(self.steps.get() + 1);
            if self.steps.get() > MOST_STEPS {
                return Err(format!("the template takes more than {MOST_STEPS} steps"));
            }
            self.statement(statement, scope, &mut output)?;
            if output.len() > LONGEST {
                return Err(format!("the template gives more than {LONGEST} bytes"));
            }
        }
        Ok(output)
    }

    fn statement(
        &self,
        statement: &Statement,
        scope: &Scope<'_>,
        output: &mut String,
    ) -> Result<(), String> {
        match statement {
            Statement::Content(content) => output.push_str(&content.value),
            Statement::Comment(_) => {}
            Statement::Mustache(mustache) => {
                let value = self.call(&mustache.call, scope, false)?;
                if value.is_some() {
                    let text = value.text()?;
                    if mustache.escaped {
                        escape(&text, output);
                    } else {
                        output.push_str(&text);
                    }
                }
            }
            Statement::Block(block) => {
                let value = self.block(block, scope)?;
                if value.is_some() {
                    output.push_str(&value.text()?);
                }
            }
            Statement::Partial(partial) => return Err(no_partial(&partial.name)),
            Statement::PartialBlock(block) => output.push_str(&self.partial_block(block, scope)?),
        }
        Ok(())
    }

    /// A mustache or a call in parentheses.
    fn call(&self, call: &Call, scope: &Scope<'_>, nested: bool) -> Result<Value, String> {
        let path = named(&call.path);
        match classify(call, &path, scope, nested) {
            NameUse::Value => {
                let value = self.path(&path, scope, false)?;
                self.lambda(value, &scope.contexts.here)
            }
            NameUse::Helper => self.helper(call, &path, scope, None),
            NameUse::Ambiguous => self.ambiguous(&path, scope).map(|(value, _)| value),
        }
    }

    fn block(&self, block: &Block, scope: &Scope<'_>) -> Result<Value, String> {
        let path = named(&block.call.path);
        let value = match classify(&block.call, &path, scope, false) {
            NameUse::Helper => return self.helper(&block.call, &path, scope, Some(block)),
            NameUse::Value => {
                let value = self.path(&path, scope, false)?;
                self.lambda(value, &scope.contexts.here)?
            }
            NameUse::Ambiguous => match self.ambiguous(&path, scope)? {
                (value, true) => return Ok(value),
                (value, false) => value,
            },
        };
        helpers::of_value(self, &value, block, scope)
    }

    /// A name that may be a helper, a function or a value; says which helper.
    fn ambiguous(&self, path: &Path, scope: &Scope<'_>) -> Result<(Value, bool), String> {
        // The built-in helpers are known when a template is read, so a name
        // that comes here is none.
        let value = self.path(path, scope, false)?;
        let value = match value {
            Value::Function(function) => {
                let this = &scope.contexts.here;
                self.functions.call(function.name, this, &[], Some(&[]))?
            }
            value => value,
        };
        Ok((value, false))
    }

    /// A name with arguments, or a built-in helper.
    fn helper(
        &self,
        call: &Call,
        path: &Path,
        scope: &Scope<'_>,
        block: Option<&Block>,
    ) -> Result<Value, String> {
        let mut params = Vec::with_capacity(call.params.len());
        for param in &call.params {
            params.push(self.expression(param, scope)?);
        }
        let mut hash: Vec<(String, Value)> = Vec::new();
        for (key, value) in &call.hash {
            let value = self.expression(value, scope)?;
            if !hash.iter().any(|(other, _)| other == key) {
                hash.push((key.clone(), value));
            }
        }
        let name = path.parts.first().map(String::as_str).unwrap_or_default();
        if helpers::KNOWN.contains(&name) {
            return helpers::call(self, name, &params, &hash, block, scope);
        }
        match self.path(path, scope, true)? {
            Value::Function(function) => {
                let this = &scope.contexts.here;
                self.functions
                    .call(function.name, this, &params, Some(&hash))
            }
            value if value.truthy() => Err(format!("{:?} is not a function", path.original)),
            _ if params.is_empty() => Ok(Value::Undefined),
            _ => Err(format!("there is no function {:?}", path.original)),
        }
    }

    fn expression(&self, expression: &Expression, scope: &Scope<'_>) -> Result<Value, String> {
        Ok(match expression {
            Expression::Path(path) => self.path(path, scope, false)?,
            Expression::Text(text) => text.as_str().into(),
            Expression::Number(number) => Value::Number(*number),
            Expression::Boolean(boolean) => Value::Boolean(*boolean),
            Expression::Undefined => Value::Undefined,
            Expression::Null => Value::Null,
            Expression::Call(call) => self.call(call, scope, true)?,
        })
    }

    /// The value at a path. As a function's name a path ends at any falsy
    /// value, elsewhere at null and undefined.
    fn path(&self, path: &Path, scope: &Scope<'_>, falsy: bool) -> Result<Value, String> {
        let first = path.parts.first().map(String::as_str).unwrap_or_default();
        let mut parts = path.parts.iter();
        let mut value = if path.depth == 0
            && !path.scoped()
            && let Some((params, at)) = block_param(first, scope)
        {
            parts.next();
            let values = params
                .values
                .as_ref()
                .ok_or_else(|| format!("{first:?} has no value here"))?;
            values.get(at).cloned().unwrap_or(Value::Undefined)
        } else if first.is_empty() {
            return Ok(context(path.depth, scope));
        } else if path.data {
            parts.next();
            self.data(path.depth, first, scope)
        } else {
            context(path.depth, scope)
        };
        let falsy = falsy || path.data;
        for part in parts {
            let goes_on = if falsy {
                value.truthy()
            } else {
                value.is_some()
            };
            if !goes_on {
                return Ok(value);
            }
            value = value.property(part);
        }
        Ok(value)
    }

    /// `@name`; the loops' frames inherit nothing but the root.
    fn data(&self, depth: usize, name: &str, scope: &Scope<'_>) -> Value {
        let mut frame = scope.data;
        for _ in 0..depth {
            match frame {
                Some(inner) => frame = inner.outer,
                None => return Value::Undefined,
            }
        }
        if name == "root" {
            return self.root.clone();
        }
        let values = frame.map(|frame| frame.values.iter());
        let found = values.and_then(|mut values| values.find(|(key, _)| *key == name));
        found.map_or(Value::Undefined, |(_, value)| value.clone())
    }

    /// No partial is ever registered, so the inside of the block is rendered.
    fn partial_block(&self, block: &Block, scope: &Scope<'_>) -> Result<String, String> {
        if matches!(block.call.path, Expression::Call(_))
            || spelling(&block.call.path).starts_with('@')
        {
            return Err(no_partial(&spelling(&block.call.path)));
        }
        if !block.call.hash.is_empty() {
            return Err("a partial here takes no named arguments".to_owned());
        }
        let here = match block.call.params.first() {
            Some(param) => self.expression(param, scope)?,
            None => scope.contexts.here.clone(),
        };
        match &block.program {
            Some(program) => self.inside(program, here, scope.data, None, scope),
            None => Ok(String::new()),
        }
    }
}

impl Renders for Renderer<'_> {
    fn lambda(&self, value: Value, this: &Value) -> Result<Value, String> {
        match value {
            Value::Function(function) => self.functions.call(function.name, this, &[], None),
            value => Ok(value),
        }
    }

    fn inside(
        &self,
        program: &Program,
        here: Value,
        data: Option<&Data<'_>>,
        values: Option<Vec<Value>>,
        scope: &Scope<'_>,
    ) -> Result<String, String> {
        let block_params = BlockParams {
            names: program.block_params.as_deref().unwrap_or_default(),
            values,
            outer: scope.block_params,
        };
        let same = here.same(&scope.contexts.here);
        let contexts = Contexts {
            here,
            outer: Some(scope.contexts),
        };
        let scope = Scope {
            contexts: if same { scope.contexts } else { &contexts },
            data,
            block_params: Some(&block_params),
        };
        self.program(program, &scope)
    }
}

fn no_partial(name: &str) -> String {
    format!("there is no partial {name:?}")
}

/// The path of a call; a literal is the name that it spells.
fn named(expression: &Expression) -> std::borrow::Cow<'_, Path> {
    match expression {
        Expression::Path(path) => std::borrow::Cow::Borrowed(path),
        literal => {
            let text = spelling(literal);
            std::borrow::Cow::Owned(Path {
                data: false,
                depth: 0,
                parts: vec![text.clone()],
                original: text,
            })
        }
    }
}

fn classify(call: &Call, path: &Path, scope: &Scope<'_>, nested: bool) -> NameUse {
    let name = path.parts.first().map(String::as_str).unwrap_or_default();
    if path.simple() && block_param(name, scope).is_some() {
        return NameUse::Value;
    }
    if nested || !call.params.is_empty() || !call.hash.is_empty() {
        return NameUse::Helper;
    }
    match path.simple() {
        true if helpers::KNOWN.contains(&name) => NameUse::Helper,
        true => NameUse::Ambiguous,
        false => NameUse::Value,
    }
}

fn escape(text: &str, output: &mut String) {
    for c in text.chars() {
        match c {
            '&' => output.push_str("&amp;"),
            '<' => output.push_str("&lt;"),
            '>' => output.push_str("&gt;"),
            '"' => output.push_str("&quot;"),
            '\'' => output.push_str("&#x27;"),
            '`' => output.push_str("&#x60;"),
            '=' => output.push_str("&#x3D;"),
            c => output.push(c),
        }
    }
}
