//! The values that templates are rendered over: JavaScript's, as far as
//! templates can tell.

use std::rc::Rc;

use crate::input::grammar::javascript::number_text;

/// `key=value` arguments.
pub type Hash = [(String, Value)];

#[derive(Clone, Debug)]
pub enum Value {
    Undefined,
    Null,
    Boolean(bool),
    Number(f64),
    Text(Rc<str>),
    List(Rc<[Value]>),
    Object(Rc<Object>),
    Function(Function),
}

/// Named values in their order.
#[derive(Clone, Debug, Default)]
pub struct Object {
    pub entries: Vec<(Rc<str>, Value)>,
    /// What the object prints as; `[object Object]` without.
    pub text: Option<Rc<str>>,
}

/// A function of the renderer's caller, called by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Function {
    pub name: &'static str,
    /// How many parameters it declares; templates can ask.
    pub arity: usize,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl Object {
    pub fn into_value(self) -> Value {
        Value::Object(Rc::new(self))
    }
}

impl Value {
    /// Neither null nor undefined.
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::Undefined | Self::Null)
    }

    /// JavaScript's truth.
    pub fn truthy(&self) -> bool {
        match self {
            Self::Undefined | Self::Null => false,
            Self::Boolean(boolean) => *boolean,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::List(_) | Self::Object(_) | Self::Function(_) => true,
        }
    }

    /// Handlebars' emptiness: falsy but for 0, or an empty list.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Number(number) => number.is_nan(),
            Self::List(list) => list.is_empty(),
            other => !other.truthy(),
        }
    }

    /// An own property; inherited ones are out of a template's reach.
    pub fn property(&self, name: &str) -> Value {
        let found = match self {
            Self::Object(object) => {
                let mut entries = object.entries.iter();
                entries
                    .find(|(key, _)| &**key == name)
                    .map(|(_, value)| value.clone())
            }
            Self::List(list) => match name {
                "length" => Some(length(list.len())),
                _ => index(name).and_then(|at| list.get(at).cloned()),
            },
            Self::Text(text) => match name {
                "length" => Some(length(text.encode_utf16().count())),
                _ => index(name).and_then(|at| character(text, at)),
            },
            Self::Function(function) => match name {
                "length" => Some(length(function.arity)),
                "name" => Some(function.name.into()),
                "prototype" => Some(Object::default().into_value()),
                _ => None,
            },
            _ => None,
        };
        found.unwrap_or(Self::Undefined)
    }

    /// True when a property of this name is a function.
    pub fn function(&self, name: &str) -> bool {
        matches!(self.property(name), Self::Function(_))
    }

    /// What `'' + value` gives.
    ///
    /// # Errors
    /// For a function: JavaScript would print its source code.
    pub fn text(&self) -> Result<Rc<str>, String> {
        Ok(match self {
            Self::Undefined => "undefined".into(),
            Self::Null => "null".into(),
            Self::Boolean(boolean) => boolean.to_string().into(),
            Self::Number(number) => number_text(*number).into(),
            Self::Text(text) => text.clone(),
            Self::List(list) => {
                let print = |value: &Self| {
                    if value.is_some() {
                        value.text()
                    } else {
                        Ok("".into())
                    }
                };
                let texts: Result<Vec<_>, _> = list.iter().map(print).collect();
                texts?.join(",").into()
            }
            Self::Object(object) => match &object.text {
                Some(text) => text.clone(),
                None => "[object Object]".into(),
            },
            Self::Function(function) => {
                return Err(format!("{} is a function and has no text", function.name));
            }
        })
    }

    /// JavaScript's `==`, for what can be a context.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => Rc::ptr_eq(a, b),
            (Self::List(a), Self::List(b)) => Rc::ptr_eq(a, b),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::Boolean(a), Self::Boolean(b)) => a == b,
            (Self::Function(a), Self::Function(b)) => a == b,
            (a, b) => !a.is_some() && !b.is_some(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
fn length(count: usize) -> Value {
    Value::Number(count as f64)
}

/// `0`, `1`, … as JavaScript spells an index.
fn index(name: &str) -> Option<usize> {
    let at: usize = name.parse().ok()?;
    (at.to_string() == name).then_some(at)
}

fn character(text: &str, at: usize) -> Option<Value> {
    let unit = text.encode_utf16().nth(at)?;
    Some(String::from_utf16_lossy(&[unit]).into())
}
