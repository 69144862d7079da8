//! How much it takes to evaluate an expression, before it is evaluated.
//!
//! The library bounds how deep an expression is nested. It recurses into chains of
//! operators all the same, keeps every value, and goes through a template of
//! `format` once for each place in it.

use github_actions_expressions::call::{Call, Function};
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::BinExpr;
use github_actions_expressions::{Expr, SpannedExpr};

/// How long an expression may be as it is written, in bytes: GitHub's own limit.
pub const WRITTEN: usize = 21_000;
/// How long it may be with its contexts replaced by their values.
pub const FILLED: usize = 1024 * 1024;
/// How many operators it may have.
const OPERATORS: usize = 100;
/// How long the template of `format` may be.
const TEMPLATE: usize = 4096;
/// How much all values in an expression may be together, in bytes.
const VALUES: usize = 8 * 1024 * 1024;
/// What a number or boolean counts.
const SCALAR: usize = 32;
/// What a value that is read from JSON takes for each byte of it.
const FROM_JSON: usize = 64;
/// What a byte may become in JSON, escaped and indented.
const TO_JSON: usize = 16;

/// True where an expression has few enough operators that it can be walked.
/// Quotes within strings are doubled, and so change nothing.
pub fn is_shallow(source: &str) -> bool {
    let mut quoted = false;
    let operators = source.bytes().filter(|byte| {
        quoted ^= *byte == b'\'';
        !quoted && matches!(byte, b'|' | b'&' | b'=' | b'<' | b'>' | b'!')
    });
    // Most are of two characters.
    operators.count() <= 2 * OPERATORS
}

/// True where the values of an expression fit into memory. It has to be shallow.
pub fn fits_in_memory(expression: &SpannedExpr<'_>) -> bool {
    let mut left = VALUES;
    size(expression, &mut left).is_some()
}

/// How large the value may be at most; takes it from what is left for all.
fn size(expression: &SpannedExpr<'_>, left: &mut usize) -> Option<usize> {
    let size = match &expression.inner {
        Expr::Literal(Literal::String(text)) => text.len(),
        Expr::Call(call) => of_call(call, left)?,
        Expr::BinExpr(BinExpr { lhs, rhs, .. }) => size(lhs, left)?.max(size(rhs, left)?),
        Expr::UnExpr { expr, .. } | Expr::Index(expr) => size(expr, left)?,
        Expr::Context(context) => sum(&context.parts, left)?,
        Expr::Literal(_) | Expr::Star | Expr::Identifier(_) => 0,
    };
    let size = size.checked_add(SCALAR)?;
    *left = left.checked_sub(size)?;
    Some(size)
}

fn of_call(call: &Call<'_>, left: &mut usize) -> Option<usize> {
    let all = sum(&call.args, left)?;
    match &call.func {
        Function::Format => {
            let places = places(call.args.first()?)?;
            all.checked_mul(places.checked_add(1)?)
        }
        // The separator may stand behind every byte of the list.
        Function::Join => match call.args.as_slice() {
            [_, separator] => all.checked_mul(literal_length(separator)?.checked_add(2)?),
            _ => all.checked_mul(2),
        },
        Function::FromJSON => all.checked_mul(FROM_JSON),
        Function::ToJSON => all.checked_mul(TO_JSON),
        _ => Some(all),
    }
}

fn sum(all: &[SpannedExpr<'_>], left: &mut usize) -> Option<usize> {
    let mut sizes = all.iter().map(|one| size(one, left));
    sizes.try_fold(0_usize, |sum, size| sum.checked_add(size?))
}

/// The length of a text that is written out.
fn literal_length(expression: &SpannedExpr<'_>) -> Option<usize> {
    match &expression.inner {
        Expr::Literal(Literal::String(text)) => Some(text.len()),
        _ => None,
    }
}

/// How many values a template takes in. Only one that is written out is known,
/// and the library reads none but ASCII well.
fn places(template: &SpannedExpr<'_>) -> Option<usize> {
    const DIGITS: usize = 3;
    let Expr::Literal(Literal::String(text)) = &template.inner else {
        return None;
    };
    let mut pieces = text.split('{').skip(1);
    let is_number = |piece: &str| piece.bytes().take_while(u8::is_ascii_digit).count() <= DIGITS;
    let is_known = text.is_ascii() && text.len() <= TEMPLATE;
    (is_known && pieces.clone().all(is_number)).then(|| pieces.by_ref().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(source: &str) -> bool {
        is_shallow(source) && Expr::parse(source).is_ok_and(|parsed| super::fits_in_memory(&parsed))
    }

    #[test]
    fn what_people_write_fits() {
        for source in [
            "'a'",
            "format('{0}-{1}', 'a', join(fromJSON('[\"b\"]'), ', '))",
            "contains('a', 'b') && !startsWith('!!!!', '==') || fromJSON(toJSON('x'))",
            "format('{{x}} {0}', 1)",
            "'a' == 'b' || 1 < 2 && 'it''s' != 'so'",
        ] {
            assert!(fits(source), "{source}");
        }
    }

    #[test]
    fn what_does_not_end_or_fit_is_not_evaluated() {
        let chain = |operator: &str| format!("1{}", operator.repeat(5000));
        let mut bomb = "'0123456789'".to_owned();
        for _ in 0..12 {
            bomb = format!("format('{}', {bomb})", "{0}".repeat(10));
        }
        let long = "x".repeat(20_000);
        for source in [
            chain(" || 1"),
            chain(" == 1"),
            bomb,
            format!("join(fromJSON('[{}0]'), '{long}')", "0,".repeat(5000)),
            format!("format('{}', '')", "{{".repeat(5000)),
            "format('{18446744073709551615}', 'a')".to_owned(),
            "format('é{0}', 'a')".to_owned(),
            "format(format('{0}', 'a'), 'b')".to_owned(),
            format!("fromJSON('[{}0]')", "0,".repeat(100_000)),
        ] {
            assert!(!fits(&source), "{}", &source[..40.min(source.len())]);
        }
    }
}
