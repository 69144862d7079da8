//! Putting the parts of blocks together, and comparing names. Follows
//! `helpers.js` of the compiler of Handlebars 4.7.

use crate::input::grammar::javascript::number_text;
use crate::metadata::template::ast::{Block, Call, Expression, Program, Statement, Strip};
use crate::metadata::template::token::{Kind, Token};

/// The opening tag of a block.
pub struct OpeningTag {
    pub call: Call,
    pub block_params: Option<Vec<String>>,
    pub strip: Strip,
}

/// What follows the first part of a block.
pub struct InverseBlock {
    pub strip: Strip,
    pub program: Program,
    pub chain: bool,
}

/// Puts a block together, as `prepareBlock` of Handlebars does.
pub fn block(
    opening: OpeningTag,
    mut program: Program,
    otherwise: Option<InverseBlock>,
    close: Option<Strip>,
) -> Block {
    program.block_params = opening.block_params;
    let mut inverse = None;
    let mut inverse_strip = Strip::default();
    if let Some(mut otherwise) = otherwise {
        if otherwise.chain
            && let Some(Statement::Block(last)) = otherwise.program.body.first_mut()
        {
            last.close_strip = close.unwrap_or_default();
        }
        inverse_strip = otherwise.strip;
        inverse = Some(otherwise.program);
    }
    Block {
        call: opening.call,
        program: Some(program),
        inverse,
        open_strip: opening.strip,
        inverse_strip,
        close_strip: close.unwrap_or_default(),
    }
}

pub fn strip(open: &str, close: &str) -> Strip {
    let end = close.chars().rev().nth(2);
    Strip {
        open: open.chars().nth(2) == Some('~'),
        close: end == Some('~'),
    }
}

/// `[a b]` is the name `a b`.
pub fn unbracketed(name: &str) -> &str {
    let inner = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let line_break = |c: char| matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}');
    inner
        .filter(|inner| !inner.contains(line_break))
        .unwrap_or(name)
}

/// How a name prints, be it a literal.
pub fn spelling(expression: &Expression) -> String {
    match expression {
        Expression::Path(path) => path.original.clone(),
        Expression::Text(text) => text.clone(),
        Expression::Number(number) => number_text(*number),
        Expression::Boolean(boolean) => boolean.to_string(),
        Expression::Undefined => "undefined".to_owned(),
        Expression::Null => "null".to_owned(),
        Expression::Call(_) => "(…)".to_owned(),
    }
}

/// A closing tag repeats the opening one; `"5"` does not close `5`.
pub fn same_name(opened: &Expression, closed: &Expression) -> bool {
    use Expression::{Boolean, Call, Null, Number, Path, Text, Undefined};
    match (opened, closed) {
        (Path(_) | Text(_), Path(_) | Text(_)) => spelling(opened) == spelling(closed),
        (Number(a), Number(b)) => a == b,
        (Boolean(a), Boolean(b)) => a == b,
        (Undefined, Undefined) | (Null, Null) => true,
        (Call(_), _) => false,
        _ => false,
    }
}

pub fn unexpected(token: &Token) -> String {
    match token.kind {
        Kind::End => "the template ends before it is complete".to_owned(),
        _ => format!("{:?} is not expected there", token.text),
    }
}
