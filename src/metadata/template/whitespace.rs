//! White-space control: `~`, and tags that stand on lines of their own.
//!
//! Follows `whitespace-control.js` of Handlebars 4.7 step by step, as the
//! order of its steps shows in the output.

use crate::input::grammar::javascript::is_space;
use crate::metadata::template::ast::{Block, Content, Program, Statement, Strip};

/// Strips white space all through a template.
pub fn control(program: &mut Program) {
    visit(program, true);
}

/// What a statement asks of the text around it.
#[derive(Default)]
struct Request {
    strip: Strip,
    open_alone: bool,
    close_alone: bool,
    inline_alone: bool,
}

fn visit(program: &mut Program, root: bool) {
    for at in 0..program.body.len() {
        let Some(request) = program.body.get_mut(at).and_then(request) else {
            continue;
        };
        let body = &program.body;
        let before = ends_line(body, at, root);
        let after = starts_line(body, at + 1, root);
        let body = &mut program.body;
        if request.strip.close {
            strip_start(body.get_mut(at + 1), true);
        }
        if request.strip.open {
            strip_end(previous(body, at), true);
        }
        if request.inline_alone && before && after {
            strip_start(body.get_mut(at + 1), false);
            strip_end(previous(body, at), false);
        }
        if request.open_alone && before {
            strip_start(
                first_part(body, at).and_then(|part| part.body.first_mut()),
                false,
            );
            strip_end(previous(body, at), false);
        }
        if request.close_alone && after {
            strip_start(body.get_mut(at + 1), false);
            strip_end(
                last_part(body, at).and_then(|part| part.body.last_mut()),
                false,
            );
        }
    }
}

fn previous(body: &mut [Statement], at: usize) -> Option<&mut Statement> {
    body.get_mut(at.checked_sub(1)?)
}

fn block_at(body: &mut [Statement], at: usize) -> Option<&mut Block> {
    match body.get_mut(at)? {
        Statement::Block(block) | Statement::PartialBlock(block) => Some(block),
        _ => None,
    }
}

fn first_part(body: &mut [Statement], at: usize) -> Option<&mut Program> {
    let block = block_at(body, at)?;
    block.program.as_mut().or(block.inverse.as_mut())
}

fn last_part(body: &mut [Statement], at: usize) -> Option<&mut Program> {
    let block = block_at(body, at)?;
    block.inverse.as_mut().or(block.program.as_mut())
}

fn request(statement: &mut Statement) -> Option<Request> {
    match statement {
        Statement::Content(_) => None,
        Statement::Mustache(mustache) => Some(Request {
            strip: mustache.strip,
            ..Request::default()
        }),
        Statement::Comment(strip) => Some(alone(*strip)),
        Statement::Partial(partial) => Some(alone(partial.strip)),
        Statement::Block(block) | Statement::PartialBlock(block) => Some(visit_block(block)),
    }
}

fn alone(strip: Strip) -> Request {
    Request {
        strip,
        inline_alone: true,
        ..Request::default()
    }
}

fn visit_block(block: &mut Block) -> Request {
    if let Some(program) = &mut block.program {
        visit(program, false);
    }
    if let Some(inverse) = &mut block.inverse {
        visit(inverse, false);
    }
    let strips = (block.open_strip, block.inverse_strip, block.close_strip);
    // An inverted block without `else` has its only part as the inverse.
    let (program, inverse) = match (&mut block.program, &mut block.inverse) {
        (Some(program), inverse) => (program, inverse.as_mut()),
        (None, Some(inverse)) => (inverse, None),
        (None, None) => return Request::default(),
    };
    control_parts(program, inverse, strips)
}

fn control_parts(
    program: &mut Program,
    mut inverse: Option<&mut Program>,
    (open, otherwise, close): (Strip, Strip, Strip),
) -> Request {
    let ends = |body: &mut Vec<Statement>| ends_line(body, body.len(), false);
    let close_alone = match inverse.as_deref_mut() {
        Some(inverse) => at_else(inverse, ends),
        None => ends(&mut program.body),
    };
    let request = Request {
        strip: Strip {
            open: open.open,
            close: close.close,
        },
        open_alone: starts_line(&program.body, 0, false),
        close_alone,
        inline_alone: false,
    };
    if open.close {
        strip_start(program.body.first_mut(), true);
    }
    let Some(inverse) = inverse else {
        if close.open {
            strip_end(program.body.last_mut(), true);
        }
        return request;
    };
    if otherwise.open {
        strip_end(program.body.last_mut(), true);
    }
    at_else(inverse, |body| {
        if otherwise.close {
            strip_start(body.first_mut(), true);
        }
        if close.open {
            strip_end(body.last_mut(), true);
        }
        if ends(&mut program.body) && starts_line(body, 0, false) {
            strip_end(program.body.last_mut(), false);
            strip_start(body.first_mut(), false);
        }
    });
    request
}

/// Works on the part after the first `else if`, or on the one after `else`.
/// Handlebars means to walk to the last branch of a chain as well, and ends at
/// this one.
fn at_else<T>(inverse: &mut Program, work: impl FnOnce(&mut Vec<Statement>) -> T) -> T {
    let chained = inverse.chained;
    match inverse.body.first_mut() {
        Some(Statement::Block(block)) if chained => {
            work(&mut block.program.get_or_insert_default().body)
        }
        _ => work(&mut inverse.body),
    }
}

fn content(statement: Option<&Statement>) -> Option<&Content> {
    match statement {
        Some(Statement::Content(content)) => Some(content),
        _ => None,
    }
}

/// True when the text before `at` ends a line.
fn ends_line(body: &[Statement], at: usize, root: bool) -> bool {
    let Some(before) = at.checked_sub(1) else {
        return root;
    };
    let Some(content) = content(body.get(before)) else {
        return false;
    };
    let kept = content.original.trim_end_matches(is_space);
    let blank = content.original.get(kept.len()..).unwrap_or_default();
    blank.contains('\n') || (root && before == 0 && kept.is_empty())
}

/// True when the text from `at` on starts with the end of a line.
fn starts_line(body: &[Statement], at: usize, root: bool) -> bool {
    let Some(next) = body.get(at) else {
        return root;
    };
    let Some(content) = content(Some(next)) else {
        return false;
    };
    let kept = content.original.trim_start_matches(is_space);
    let blank = content.original.len() - kept.len();
    let blank = content.original.get(..blank).unwrap_or_default();
    blank.contains('\n') || (root && at + 1 == body.len() && kept.is_empty())
}

/// Strips the start of a text: all white space, or the rest of its first line.
fn strip_start(statement: Option<&mut Statement>, all: bool) {
    let Some(Statement::Content(content)) = statement else {
        return;
    };
    if !all && content.right_stripped {
        return;
    }
    let kept = if all {
        content.value.trim_start_matches(is_space)
    } else {
        let line = content.value.trim_start_matches([' ', '\t']);
        let bare = line.strip_prefix('\r').unwrap_or(line);
        bare.strip_prefix('\n').unwrap_or(bare)
    };
    content.right_stripped = kept.len() != content.value.len();
    content.value = kept.to_owned();
}

/// Strips the end of a text: all white space, or the start of its last line.
fn strip_end(statement: Option<&mut Statement>, all: bool) {
    let Some(Statement::Content(content)) = statement else {
        return;
    };
    if !all && content.left_stripped {
        return;
    }
    let kept = if all {
        content.value.trim_end_matches(is_space)
    } else {
        content.value.trim_end_matches([' ', '\t'])
    };
    content.left_stripped = kept.len() != content.value.len();
    content.value = kept.to_owned();
}
