//! Tokens of a template. Follows the lexer of Handlebars 4.7, mode by mode.

use crate::input::ecma::is_space;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Content,
    Comment,
    OpenRawBlock,
    CloseRawBlock,
    EndRawBlock,
    OpenPartial,
    OpenPartialBlock,
    OpenBlock,
    OpenEndBlock,
    Inverse,
    OpenInverse,
    OpenInverseChain,
    OpenUnescaped,
    CloseUnescaped,
    Open,
    Close,
    OpenCall,
    CloseCall,
    Equals,
    Name,
    Separator,
    Text,
    Number,
    Boolean,
    Undefined,
    Null,
    Data,
    OpenBlockParams,
    CloseBlockParams,
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// Splits a template into tokens, of which the last is [`Kind::End`].
pub(super) fn tokens(template: &str) -> Result<Vec<Token>, String> {
    let mut lexer = Lexer {
        all: template,
        rest: template,
        tokens: Vec::new(),
    };
    while !lexer.rest.is_empty() {
        lexer.content()?;
    }
    lexer.push(Kind::End, "");
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    all: &'a str,
    rest: &'a str,
    tokens: Vec<Token>,
}

/// What a tag leaves behind.
enum After {
    Content,
    Raw,
}

impl<'a> Lexer<'a> {
    fn push(&mut self, kind: Kind, text: &str) {
        let text = text.to_owned();
        self.tokens.push(Token { kind, text });
    }

    /// Moves past some bytes and gives them.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    fn fail<T>(&self, what: &str) -> Result<T, String> {
        let at = self.all.len() - self.rest.len();
        let before = self.all.get(..at).unwrap_or_default().chars().count();
        Err(format!(
            "{what} at character {} of the template",
            before + 1
        ))
    }

    /// Text up to a tag, then the tag.
    fn content(&mut self) -> Result<(), String> {
        if self.rest.contains('\0') {
            return self.fail("there is a NUL");
        }
        let Some(at) = self.rest.find("{{") else {
            let text = self.take(self.rest.len());
            self.push(Kind::Content, text);
            return Ok(());
        };
        let text = self.take(at);
        let (text, escaped) = match (text.strip_suffix("\\\\"), text.strip_suffix('\\')) {
            // Two backslashes stand for one, and the tag is a tag.
            (Some(_), Some(shorter)) => (shorter, false),
            (None, Some(shorter)) => (shorter, true),
            _ => (text, false),
        };
        if !text.is_empty() {
            self.push(Kind::Content, text);
        }
        if escaped {
            self.escaped();
            return Ok(());
        }
        match self.tag()? {
            After::Content => Ok(()),
            After::Raw => self.raw(),
        }
    }

    /// A tag after a backslash is text, up to the next tag.
    fn escaped(&mut self) {
        let body = self.rest.get(2..).unwrap_or_default();
        let next = body.find("{{").unwrap_or(body.len());
        let slashes = match body.get(..next) {
            Some(text) if next < body.len() => {
                let count = text.len() - text.trim_end_matches('\\').len();
                count.min(2)
            }
            _ => 0,
        };
        let text = self.take(2 + next - slashes);
        self.push(Kind::Content, text);
    }

    /// The inside of a raw block, up to the tag that closes it.
    fn raw(&mut self) -> Result<(), String> {
        let mut depth = 1;
        while depth > 0 {
            let Some(at) = self.rest.find("{{{{") else {
                return self.fail("a raw block is not closed");
            };
            if at > 0 {
                let text = self.take(at);
                self.push(Kind::Content, text);
                continue;
            }
            if !self.rest.starts_with("{{{{/") {
                depth += 1;
                let text = self.take(4);
                self.push(Kind::Content, text);
                continue;
            }
            let name = name_length(self.rest.get(5..).unwrap_or_default());
            let closed = self.rest.get(5 + name..).unwrap_or_default();
            if name == 0 || !closed.starts_with("}}}}") {
                // Not a closing tag after all: text, one brace at a time.
                let text = self.take(1);
                self.push(Kind::Content, text);
                continue;
            }
            depth -= 1;
            let text = self.take(5 + name + 4);
            if depth > 0 {
                self.push(Kind::Content, text);
            } else {
                let name = text.get(5..5 + name).unwrap_or_default();
                self.push(Kind::EndRawBlock, name);
            }
        }
        Ok(())
    }

    /// Everything between double braces.
    fn tag(&mut self) -> Result<After, String> {
        loop {
            if self.rest.is_empty() {
                // The parser says what is missing.
                return Ok(After::Content);
            }
            if self.rest.starts_with("{{") {
                if self.open()? {
                    return Ok(After::Content);
                }
                continue;
            }
            if let Some((kind, length)) = self.close() {
                let text = self.take(length);
                self.push(kind, text);
                if kind == Kind::CloseRawBlock {
                    return Ok(After::Raw);
                }
                return Ok(After::Content);
            }
            self.word()?;
        }
    }

    /// The start of a tag; true when it is a whole tag already.
    fn open(&mut self) -> Result<bool, String> {
        if self.rest.starts_with("{{{{") {
            let text = self.take(4);
            self.push(Kind::OpenRawBlock, text);
            return Ok(false);
        }
        let inner = self.rest.get(2..).unwrap_or_default();
        let tilde = usize::from(inner.starts_with('~'));
        let inner = inner.get(tilde..).unwrap_or_default();
        let head = 2 + tilde;
        if let Some(length) = inverse(inner) {
            let text = self.take(head + length);
            self.push(Kind::Inverse, text);
            return Ok(true);
        }
        if inner.starts_with('!') {
            return self.comment(inner.starts_with("!--")).map(|()| true);
        }
        let (kind, length) = opening(inner);
        let text = self.take(head + length);
        self.push(kind, text);
        Ok(false)
    }

    fn comment(&mut self, long: bool) -> Result<(), String> {
        let ends: &[&str] = if long { &["--}}", "--~}}"] } else { &["}}"] };
        let end = |end: &&str| self.rest.find(*end).map(|at| at + end.len());
        let Some(length) = ends.iter().filter_map(end).min() else {
            return self.fail("a comment is not closed");
        };
        let text = self.take(length);
        self.push(Kind::Comment, text);
        Ok(())
    }

    fn close(&self) -> Option<(Kind, usize)> {
        let ends = [
            ("}}}}", Kind::CloseRawBlock),
            ("}~}}", Kind::CloseUnescaped),
            ("}}}", Kind::CloseUnescaped),
            ("~}}", Kind::Close),
            ("}}", Kind::Close),
        ];
        let found = ends.iter().find(|(end, _)| self.rest.starts_with(end));
        found.map(|(end, kind)| (*kind, end.len()))
    }

    /// A name, a literal or a sign inside a tag.
    fn word(&mut self) -> Result<(), String> {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else {
            return Ok(());
        };
        let (kind, length) = match first {
            c if is_space(c) => {
                self.rest = rest.trim_start_matches(is_space);
                return Ok(());
            }
            '(' => (Kind::OpenCall, 1),
            ')' => (Kind::CloseCall, 1),
            '=' => (Kind::Equals, 1),
            '.' if rest.starts_with("..") => (Kind::Name, 2),
            '.' if ends_word(rest.get(1..), "=~}/.)|") => (Kind::Name, 1),
            '.' | '/' => (Kind::Separator, 1),
            '@' => (Kind::Data, 1),
            '|' => (Kind::CloseBlockParams, 1),
            '"' | '\'' => return self.text(first),
            '[' => return self.bracketed(),
            _ => match literal(rest).or_else(|| name(rest)) {
                Some(found) => found,
                None => return self.fail(&format!("{first:?} is not expected")),
            },
        };
        let text = self.take(length);
        self.push(kind, text);
        Ok(())
    }

    /// Text in quotes. A backslash before the quote keeps it, unless no other
    /// quote follows.
    fn text(&mut self, quote: char) -> Result<(), String> {
        let Some(length) = delimited(self.rest, quote) else {
            return self.fail("a text is not closed");
        };
        let text = self.take(length);
        let inner = text.get(1..length - 1).unwrap_or_default();
        let text = inner.replace(&format!("\\{quote}"), &quote.to_string());
        self.push(Kind::Text, &text);
        Ok(())
    }

    fn bracketed(&mut self) -> Result<(), String> {
        let Some(length) = delimited(self.rest, ']') else {
            return self.fail("a bracket is not closed");
        };
        let text = self.take(length);
        let mut name = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match chars.peek() {
                Some(&next @ ('\\' | ']')) if c == '\\' => {
                    name.push(next);
                    chars.next();
                }
                _ => name.push(c),
            }
        }
        self.push(Kind::Name, &name);
        Ok(())
    }
}

/// Length of `"…"` or `[…]`: to the first end that no backslash precedes, or
/// to the last that one does.
fn delimited(text: &str, end: char) -> Option<usize> {
    let mut last = None;
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == end {
            return Some(at + 1);
        }
        if c == '\\' && chars.peek().is_some_and(|&(_, next)| next == end) {
            chars.next();
            last = Some(at + 2);
        }
    }
    last
}

/// `^}}` or `else}}`, with white space and `~`.
fn inverse(inner: &str) -> Option<usize> {
    let bare = inner.strip_prefix('^').or_else(|| {
        let word = inner.trim_start_matches(is_space);
        word.strip_prefix("else")
    })?;
    let bare = bare.trim_start_matches(is_space);
    let bare = bare.strip_prefix('~').unwrap_or(bare);
    let rest = bare.strip_prefix("}}")?;
    Some(inner.len() - rest.len())
}

/// What a tag starts with, after `{{` and `~`.
fn opening(inner: &str) -> (Kind, usize) {
    let sign = [
        ("#>", Kind::OpenPartialBlock),
        (">", Kind::OpenPartial),
        ("#*", Kind::OpenBlock),
        ("#", Kind::OpenBlock),
        ("/", Kind::OpenEndBlock),
        ("^", Kind::OpenInverse),
    ];
    if let Some((sign, kind)) = sign.iter().find(|(sign, _)| inner.starts_with(sign)) {
        return (*kind, sign.len());
    }
    let word = inner.trim_start_matches(is_space);
    if let Some(after) = word.strip_prefix("else")
        && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
    {
        return (Kind::OpenInverseChain, inner.len() - after.len());
    }
    match inner.chars().next() {
        Some('{') => (Kind::OpenUnescaped, 1),
        Some('&' | '*') => (Kind::Open, 1),
        _ => (Kind::Open, 0),
    }
}

fn ends_word(after: Option<&str>, signs: &str) -> bool {
    let next = after.unwrap_or_default().chars().next();
    next.is_some_and(|c| signs.contains(c) || is_space(c))
}

fn literal(text: &str) -> Option<(Kind, usize)> {
    let words = [
        ("true", Kind::Boolean),
        ("false", Kind::Boolean),
        ("undefined", Kind::Undefined),
        ("null", Kind::Null),
    ];
    for (word, kind) in words {
        if text.starts_with(word) && ends_word(text.get(word.len()..), "~})") {
            return Some((kind, word.len()));
        }
    }
    let number = number_length(text);
    if number > 0 && ends_word(text.get(number..), "~})") {
        return Some((Kind::Number, number));
    }
    let bar = text
        .strip_prefix("as")
        .filter(|rest| rest.starts_with(is_space))?;
    let bar = bar.trim_start_matches(is_space).strip_prefix('|')?;
    Some((Kind::OpenBlockParams, text.len() - bar.len()))
}

/// `-1.5`
fn number_length(text: &str) -> usize {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with('-'));
    let whole = digits(text.get(sign..).unwrap_or_default());
    if whole == 0 {
        return 0;
    }
    let length = sign + whole;
    let fraction = text.get(length..).and_then(|rest| rest.strip_prefix('.'));
    match fraction.map(digits) {
        Some(count) if count > 0 => length + 1 + count,
        _ => length,
    }
}

fn name(text: &str) -> Option<(Kind, usize)> {
    let length = name_length(text);
    let ends = length > 0 && ends_word(text.get(length..), "=~}/.)|");
    ends.then_some((Kind::Name, length))
}

fn name_length(text: &str) -> usize {
    let ends = |c: char| is_space(c) || "!\"#%&'()*+,./;<=>@[\\]^`{|}~".contains(c);
    text.find(ends).unwrap_or(text.len())
}
