//! What a template is made of, in the terms of Handlebars' own AST.

/// A sequence of statements: the whole template or the inside of a block.
#[derive(Debug, Default)]
pub struct Program {
    pub body: Vec<Statement>,
    /// `as |a b|` of the block that this is the inside of.
    pub block_params: Option<Vec<String>>,
    /// True for the `else if …` part of a block.
    pub chained: bool,
}

#[derive(Debug)]
pub enum Statement {
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
pub struct Content {
    /// As it was written; what decides about lines of their own.
    pub original: String,
    /// What is left of it after white-space control.
    pub value: String,
    pub left_stripped: bool,
    pub right_stripped: bool,
}

/// `~` at the start and end of a tag.
#[derive(Clone, Copy, Debug, Default)]
pub struct Strip {
    pub open: bool,
    pub close: bool,
}

/// `{{…}}`
#[derive(Debug)]
pub struct Mustache {
    pub call: Call,
    pub escaped: bool,
    pub strip: Strip,
}

/// `{{> …}}`
#[derive(Debug)]
pub struct Partial {
    pub name: String,
    pub strip: Strip,
}

/// `{{#…}}…{{/…}}`
#[derive(Debug)]
pub struct Block {
    pub call: Call,
    pub program: Option<Program>,
    pub inverse: Option<Program>,
    pub open_strip: Strip,
    pub inverse_strip: Strip,
    pub close_strip: Strip,
}

/// A name with what follows it: a value, or a function and its arguments.
#[derive(Debug)]
pub struct Call {
    pub path: Expression,
    pub params: Vec<Expression>,
    /// `key=value`; of equal keys the first counts.
    pub hash: Vec<(String, Expression)>,
}

#[derive(Debug)]
pub enum Expression {
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
pub struct Path {
    pub data: bool,
    pub depth: usize,
    pub parts: Vec<String>,
    /// As it was written, without brackets.
    pub original: String,
}

impl Path {
    /// True for `./a`, `this.a` and, as in Handlebars, for any name in which a
    /// word ends with `this`.
    pub fn scoped(&self) -> bool {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        self.original.starts_with('.')
            || self.original.match_indices("this").any(|(at, this)| {
                let after = self.original.get(at + this.len()..);
                !after.unwrap_or_default().starts_with(word)
            })
    }

    /// True for one plain name.
    pub fn simple(&self) -> bool {
        self.parts.len() == 1 && !self.scoped() && self.depth == 0
    }
}
