//! What a template is made of, in the terms of Handlebars' own AST.

/// A sequence of statements: the whole template or the inside of a block.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) body: Vec<Statement>,
    /// `as |a b|` of the block that this is the inside of.
    pub(super) block_params: Option<Vec<String>>,
    /// True for the `else if …` part of a block.
    pub(super) chained: bool,
}

#[derive(Debug)]
pub(super) enum Statement {
    Content(Content),
    Comment(Strip),
    Mustache(Mustache),
    Block(Box<Block>),
    Partial(Partial),
    /// `{{#> name}}…{{/name}}`: the inside stands in for a missing partial.
    PartialBlock(Box<Block>),
}

/// Text outside of braces.
#[derive(Debug)]
pub(super) struct Content {
    /// As it was written; what decides about lines of their own.
    pub(super) original: String,
    /// What is left of it after white-space control.
    pub(super) value: String,
    pub(super) left_stripped: bool,
    pub(super) right_stripped: bool,
}

/// `~` at the start and end of a tag.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Strip {
    pub(super) open: bool,
    pub(super) close: bool,
}

/// `{{…}}`
#[derive(Debug)]
pub(super) struct Mustache {
    pub(super) call: Call,
    pub(super) escaped: bool,
    pub(super) strip: Strip,
}

/// `{{> …}}`
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) name: String,
    pub(super) strip: Strip,
}

/// `{{#…}}…{{/…}}`
#[derive(Debug)]
pub(super) struct Block {
    pub(super) call: Call,
    pub(super) program: Option<Program>,
    pub(super) inverse: Option<Program>,
    pub(super) open_strip: Strip,
    pub(super) inverse_strip: Strip,
    pub(super) close_strip: Strip,
}

/// A name with what follows it: a value, or a function and its arguments.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) path: Expression,
    pub(super) params: Vec<Expression>,
    /// `key=value`; of equal keys the first counts.
    pub(super) hash: Vec<(String, Expression)>,
}

#[derive(Debug)]
pub(super) enum Expression {
    Path(Path),
    Text(String),
    Number(f64),
    Boolean(bool),
    Undefined,
    Null,
    Call(Box<Call>),
}

/// `a.b`, `../a`, `this`, `@root.a`
#[derive(Clone, Debug)]
pub(super) struct Path {
    pub(super) data: bool,
    pub(super) depth: usize,
    pub(super) parts: Vec<String>,
    /// As it was written, without brackets.
    pub(super) original: String,
}

impl Path {
    /// True for `./a`, `this.a` and, as in Handlebars, for any name in which a
    /// word ends with `this`.
    pub(super) fn scoped(&self) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.original.starts_with('.')
            || self.original.match_indices("this").any(|(at, this)| {
                let after = self.original.get(at + this.len()..);
                !after.unwrap_or_default().starts_with(word)
            })
    }

    /// True for one plain name.
    pub(super) fn simple(&self) -> bool {
        self.parts.len() == 1 && !self.scoped() && self.depth == 0
    }
}
