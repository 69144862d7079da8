//! What fuzz targets reach of this module.

use crate::event::RunContext;
use crate::workflow::expression::Resolver;

/// Fills in the expressions of a text, of which one is a variable.
pub fn fill(variable: &str, text: &str, context: &RunContext) -> usize {
    let mut resolver = Resolver::new(context, true);
    resolver.set_env("A", variable);
    resolver.fill(text).0.len()
}
