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
mod interpret;
mod lexer;
mod parser;
mod render;
mod scan;
mod scope;
mod token;
mod value;
mod whitespace;

pub use crate::metadata::template::interpret::{is_raw, render};
pub use crate::metadata::template::render::Functions;
pub use crate::metadata::template::value::{Function, Hash, Object, Value};
